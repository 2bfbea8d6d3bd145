"""The control API as a test calls it: refusals and silence are told apart, and nothing is asked of a proxy."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from evolink_mock import ControlError, Receiver
from evolink_mock.server.listeners import listen, url_of
from evolink_mock.testing.control_client import ControlClient

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def url(receiver: Receiver) -> str:
    return receiver.url.removesuffix("/callback")


def test_a_request_names_the_account_in_its_header_alone(receiver: Receiver) -> None:
    ControlClient(url(receiver) + "/below/", "secret").request("POST", "/clock/advance", {"seconds": 5})
    (received,) = receiver.received
    assert (received.method, received.path) == ("POST", "/below/__mock__/clock/advance")
    assert received.headers["authorization"] == "Bearer secret"
    assert received.headers["content-type"] == "application/json"
    assert received.json() == {"seconds": 5}


def test_a_proxy_of_the_environment_is_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    ControlClient(url(receiver)).request("GET", "/health")
    assert receiver.received[0].path == "/__mock__/health"
    assert "authorization" not in receiver.received[0].headers


@pytest.mark.parametrize("status", [302, 404, 502])
def test_an_answer_that_is_not_a_mocks_is_a_refusal(receiver: Receiver, status: int) -> None:
    receiver.answer(status)
    with pytest.raises(ControlError, match=rf"does it have a control API\? \({status}\)") as caught:
        ControlClient(url(receiver)).request("GET", "/health")
    assert caught.value.status == status


def test_a_connection_that_breaks_is_a_connection_error(receiver: Receiver) -> None:
    receiver.drop()
    with pytest.raises(ConnectionError, match=f"no evolink-mock responds at {url(receiver)}: "):
        ControlClient(url(receiver)).request("GET", "/health")


def test_who_does_not_speak_http_is_no_mock() -> None:
    def speak() -> None:
        with listener.accept()[0] as client:
            client.recv(1000)
            client.sendall(b"welcome to the mail server\r\n")

    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(
            ConnectionError, match=r"no evolink-mock responds at .*: welcome to the mail server"
        ):
            ControlClient(url_of(listener)).request("GET", "/health")
        thread.join()
