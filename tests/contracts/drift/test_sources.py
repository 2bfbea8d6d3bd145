"""Where the documents of a comparison come from: URLs, directly or through a proxy."""

from __future__ import annotations

import sys

import pytest
from evolink_check.drift.sources import read_documents
from evolink_mock import MockServer

NOBODY = "http://127.0.0.1:1"


def test_the_documents_of_a_mock_on_loopback_never_go_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    monkeypatch.setenv("ALL_PROXY", NOBODY)
    with MockServer() as server:
        assert len(read_documents(server.base_url)[0]) == 2


def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)
    with pytest.raises(ValueError, match=r"the proxy http://127.0.0.1:1 .HTTPS_PROXY. cannot be used"):
        read_documents("https://api.evolink.invalid/a.yaml")


def test_a_missing_package_for_socks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(ValueError, match=r"\(ALL_PROXY\) cannot be used: SOCKS needs .*pip install socksio"):
        read_documents("https://api.invalid/openapi.yaml")
