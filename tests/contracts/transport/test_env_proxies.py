from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest
from evolink_check.engine.preflight import CouldNotRunError
from evolink_check.engine.runner import check_api
from evolink_check.transport.env_proxies import is_loopback, proxy_for
from evolink_mock import MockServer
from support.mocks.mock_process import free_port
from support.mocks.raw_servers import answering, raw_server
from support.mocks.targets import CREDITS, subject_at, target_of

if TYPE_CHECKING:
    from evolink_check.traffic.trace import Entry

API = "http://api.example.test"
DEAD = "http://somebody:password@127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def sent_to(url: str) -> Entry:
    with target_of(subject_at(url)) as target:
        return target.send(CREDITS)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", [DEAD, "socks5://127.0.0.1:9", "127.0.0.1:9", "carrier-pigeon://x"])
def test_loopback_is_reached_directly(monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str) -> None:
    monkeypatch.setenv(variable, proxy)
    with MockServer() as mock:
        assert sent_to(mock.base_url).exchange.status == 200


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.8.9.1", "::1", "[::1]", "LOCALHOST."])
def test_loopback_has_many_names(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback(f"x{host}.example")


def test_another_host_is_reached_by_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        assert sent_to(API).exchange.response_body == b"{}"


def test_a_host_of_no_proxy_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", DEAD)
    monkeypatch.setenv("NO_PROXY", "example.test, 10.0.0.1")
    assert proxy_for("https", "api.example.test") is None
    assert proxy_for("https", "api.example.org") is not None


@pytest.mark.parametrize(
    ("variable", "proxy", "named"),
    [
        ("HTTP_PROXY", DEAD, "the proxy http://127.0.0.1:9 (HTTP_PROXY) cannot be used"),
        (
            "ALL_PROXY",
            "socks5://u:pw@127.0.0.1:9",
            "the proxy socks5://127.0.0.1:9 (ALL_PROXY) cannot be used",
        ),
        ("ALL_PROXY", "carrier-pigeon://x", "the proxy carrier-pigeon://x (ALL_PROXY) cannot be used"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str, named: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    problem = sent_to(API).problem
    assert problem.startswith(named)
    assert "password" not in problem


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        problem = sent_to("https://api.example.test").problem
    assert problem.startswith(f"the proxy {proxy} (HTTPS_PROXY) cannot be used: 407")


def test_a_run_that_needs_an_unusable_proxy_could_not_run_and_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{free_port()}")
    with pytest.raises(
        CouldNotRunError, match=r"the proxy socks5://127\.0\.0\.1:\d+ \(ALL_PROXY\)"
    ) as problem:
        check_api(subject_at(API))
    assert "a bug" not in str(problem.value)
    assert "Traceback" not in str(problem.value)


@pytest.mark.parametrize(
    "url",
    ["http://user:pa#ss@127.0.0.1:1", "http://user:pa/ss@127.0.0.1:1", "::::", "http://", "http://a:b:c"],
)
def test_an_invalid_proxy_is_named_by_its_variable_and_without_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", url)
    proxy = proxy_for("http", "api.example")
    assert proxy is not None
    assert str(proxy) == "the proxy in HTTP_PROXY"
    with pytest.raises(httpx2.ProxyError) as caught:
        _ = proxy.valid_url
    assert "write / as %2F" in str(caught.value)
    assert "user:" not in str(caught.value)
