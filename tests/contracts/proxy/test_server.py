"""The server of the proxy: what it changes in its process while it runs."""

from __future__ import annotations

import sys

import pytest
from evolink_check.proxy.forwarder import ForwardingApp, Upstream
from evolink_check.proxy.recorder import ProxyRecorder
from evolink_check.proxy.server import ListenError, proxying

NOWHERE = "http://127.0.0.1:9"


def test_while_it_runs_requests_wait_less_for_the_thread_that_judges() -> None:
    before = sys.getswitchinterval()
    with proxying(ForwardingApp(Upstream.at(NOWHERE), ProxyRecorder(NOWHERE))):
        assert sys.getswitchinterval() < before / 5
    assert sys.getswitchinterval() == before


def test_a_proxy_that_cannot_listen_changes_nothing() -> None:
    before = sys.getswitchinterval()
    with (
        pytest.raises(ListenError),
        proxying(ForwardingApp(Upstream.at(NOWHERE), ProxyRecorder(NOWHERE)), "::2"),
    ):
        pass
    assert sys.getswitchinterval() == before
