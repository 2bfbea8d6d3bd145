"""The callback receiver: what came is what was sent, and it answers as it was told."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest
from evolink_mock.testing.callback_receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def post(url: str, body: bytes = b"{}") -> int:
    return httpx2.post(url, content=body, trust_env=False, headers={"X-Some": "thing"}).status_code


def test_it_listens_on_loopback(receiver: Receiver) -> None:
    assert urlsplit(receiver.url).hostname == "127.0.0.1"


def test_what_came_is_what_was_sent(receiver: Receiver) -> None:
    assert post(receiver.url + "?secret=%41", b'{"a": 1}') == 204
    (received,) = receiver.received
    assert received.method == "POST"
    assert received.path == "/callback?secret=%41"
    assert received.headers["x-some"] == "thing"
    assert received.body == b'{"a": 1}'
    assert received.json() == {"a": 1}
    assert received.status == 204


def test_it_fails_as_often_as_told_and_then_takes(receiver: Receiver) -> None:
    receiver.fail(2)
    assert [post(receiver.url) for _ in range(4)] == [500, 500, 204, 204]
    assert [one.status for one in receiver.received] == [500, 500, 204, 204]


def test_answers_are_given_in_the_order_they_were_asked_for(receiver: Receiver) -> None:
    receiver.fail(status=503)
    receiver.answer(201, times=2)
    assert [post(receiver.url) for _ in range(4)] == [503, 201, 201, 204]


def test_a_redirect_says_where_to(receiver: Receiver) -> None:
    receiver.answer(302)
    receiver.answer(307, headers={"location": "/there"})
    answers = [httpx2.post(receiver.url, trust_env=False) for _ in range(2)]
    assert [answer.headers["location"] for answer in answers] == ["/elsewhere", "/there"]


def test_a_dropped_request_is_received_and_not_answered(receiver: Receiver) -> None:
    receiver.drop()
    with pytest.raises(httpx2.RemoteProtocolError):
        post(receiver.url)
    assert [one.status for one in receiver.received] == [0]
    assert post(receiver.url) == 204


@pytest.mark.parametrize(("status", "times"), [(100, 1), (199, 1), (600, 1), (200, 0)])
def test_an_answer_that_is_none_is_an_error(receiver: Receiver, status: int, times: int) -> None:
    with pytest.raises(ValueError, match=rf"status={status}, times={times}"):
        receiver.answer(status, times)
    assert post(receiver.url) == 204


def test_wait_returns_when_so_many_have_come(receiver: Receiver) -> None:
    threads = [threading.Thread(target=post, args=(receiver.url,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert len(receiver.wait(8)) == 8
    for thread in threads:
        thread.join()


def test_wait_says_how_many_came(receiver: Receiver) -> None:
    post(receiver.url)
    with pytest.raises(TimeoutError, match=r"1 of 2 callbacks were received within 0\.01 s"):
        receiver.wait(2, timeout=0.01)


def test_clear_forgets_what_came_and_what_was_to_be_answered(receiver: Receiver) -> None:
    receiver.fail(3)
    post(receiver.url)
    receiver.clear()
    assert receiver.received == []
    assert post(receiver.url) == 204


def test_a_list_that_was_handed_out_does_not_change(receiver: Receiver) -> None:
    before = receiver.received
    post(receiver.url)
    assert before == []


def test_a_client_that_goes_away_harms_nobody(receiver: Receiver) -> None:
    host = urlsplit(receiver.url)
    with socket.create_connection((str(host.hostname), host.port or 0)) as client:
        client.sendall(b"POST /callback HTTP/1.1\r\nContent-Length: 9\r\n\r\n{")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert post(receiver.url) == 204
    assert len(receiver.received) == 1


def test_it_stops_listening_with_the_block() -> None:
    with Receiver() as receiver:
        url = receiver.url
    with pytest.raises(httpx2.ConnectError):
        post(url)
    with pytest.raises(RuntimeError, match="not listening"):
        _ = receiver.url
