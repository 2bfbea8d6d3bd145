"""The server of the proxy: what it changes in its process while it runs."""

from __future__ import annotations

import json
import socket
import sys
from urllib.parse import urlsplit

import httpx2
import pytest
from evolink_check.proxy import server
from evolink_check.proxy.forwarder import ForwardingApp, Upstream
from evolink_check.proxy.recorder import ProxyRecorder
from evolink_check.proxy.server import ListenError, proxying
from evolink_check.transport import connections
from evolink_mock import MockServer
from support.mocks.raw_servers import answering, raw_server

NOWHERE = "http://127.0.0.1:9"


def forwarding(upstream: str) -> ForwardingApp:
    return ForwardingApp(Upstream.at(upstream), ProxyRecorder(upstream))


def test_while_it_runs_requests_wait_less_for_the_thread_that_judges() -> None:
    before = sys.getswitchinterval()
    with proxying(forwarding(NOWHERE)):
        assert sys.getswitchinterval() < before / 5
    assert sys.getswitchinterval() == before


def test_a_proxy_that_cannot_listen_changes_nothing() -> None:
    before = sys.getswitchinterval()
    with (
        pytest.raises(ListenError),
        proxying(forwarding(NOWHERE), "::2"),
    ):
        pass
    assert sys.getswitchinterval() == before


HEAD = b"POST /v1/videos/generations HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (HEAD, b"408"),
        (HEAD + b"Content-Length: 5\r\n\r\nab", b"408"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;a=", b"408"),
    ],
)
def test_a_client_that_does_not_complete_its_request_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, status: bytes
) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        proxying(forwarding(f"http://127.0.0.1:{silent.getsockname()[1]}")) as url,
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=30) as client,
    ):
        client.sendall(sent)
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer[9:12] == status
    assert (not status) or json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "proxy_error"


def test_a_client_may_wait_longer_for_a_response_than_it_may_take_for_its_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(server, "BODY_SECONDS", 0.1)
    with MockServer() as mock, proxying(forwarding(mock.base_url)) as url:
        headers = {"authorization": "Bearer key", "prefer": "mock=latency=500ms"}
        assert httpx2.get(f"{url}/v1/credits", headers=headers, trust_env=False).status_code == 200


@pytest.mark.parametrize("status", [b"401", b"408"])
def test_a_response_that_comes_before_the_request_is_complete_reaches_the_client(
    monkeypatch: pytest.MonkeyPatch, status: bytes
) -> None:
    monkeypatch.setattr(connections, "_REST_SECONDS", 0.05)
    early = b"HTTP/1.1 %s Early\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}" % status
    with (
        raw_server(answering(early)) as upstream,
        proxying(forwarding(upstream)) as url,
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=30) as client,
    ):
        client.sendall(HEAD + b"Content-Length: 5\r\n\r\nab")
        answer = b""
        while not answer.endswith(b"{}") and (part := client.recv(65_536)):
            answer += part
    assert answer[9:12] == status


def test_a_proxy_of_the_environment_that_is_not_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with proxying(forwarding("http://0.0.0.0:9")) as url:  # this machine, but not a loopback address
        response = httpx2.get(f"{url}/v1/credits", trust_env=False)
    assert response.status_code == 502
    assert "the proxy http://127.0.0.1:9 (HTTP_PROXY) is not used" in response.json()["error"]["message"]
