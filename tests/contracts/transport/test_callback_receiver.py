from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest
from evolink_check.settings import Key
from evolink_check.traffic.trace import Account
from evolink_check.transport.callback_receiver import CallbackReceiver
from evolink_check.transport.callback_script import CLOSE, REDIRECT, Answer, never, slow
from evolink_check.transport.recorder import RunRecorder
from support.mocks.mock_process import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.traffic.trace import Entry

SECRET = "a-key-of-somebody"


class Noting(RunRecorder):
    """Tells when something was recorded."""

    def __init__(self) -> None:
        super().__init__({"main": Key(Account("main"), SECRET)})
        self.added = threading.Event()

    def add(self, entry: Entry) -> Entry:
        kept = super().add(entry)
        self.added.set()
        return kept


@contextmanager
def receiving(**more: object) -> Iterator[tuple[CallbackReceiver, Noting]]:
    recorder = Noting()
    with CallbackReceiver(recorder, **more) as receiver:  # type: ignore[arg-type]
        yield receiver, recorder


def post(url: str, content: bytes = b'{"id":"a"}', timeout: float = 5.0, **headers: str) -> httpx2.Response:
    kinds = {"Content-Type": "application/json", **headers}
    return httpx2.post(url, content=content, headers=kinds, timeout=timeout, trust_env=False)


def entries(recorder: RunRecorder) -> tuple[Entry, ...]:
    return recorder.entries()


def test_a_script_is_followed_and_then_everything_is_taken() -> None:
    with receiving() as (receiver, recorder):
        url = receiver.address("a case", (Answer(500), Answer(410)))
        assert [post(url).status_code for _ in range(4)] == [500, 410, 204, 204]
    assert (receiver.arrivals(url).count, receiver.arrivals(url).under_way) == (4, 0)
    assert [(one.exchange.status, one.case, one.problem) for one in entries(recorder)] == [
        (500, "a case", ""),
        (410, "a case", ""),
        (204, "a case", ""),
        (204, "a case", ""),
    ]


def test_a_delivery_is_recorded_as_it_was_called() -> None:
    with receiving() as (receiver, recorder):
        url = receiver.address("a case")
        post(f"{url}&x=%7E~", b'{"a": 1}', Authorization=f"Bearer {SECRET}")
    (entry,) = entries(recorder)
    assert (entry.kind, entry.who, entry.exchange.method) == ("delivery", "server", "POST")
    assert entry.exchange.url == f"{url}&x=%7E~"
    assert entry.exchange.request_body == b'{"a": 1}'
    assert ("Authorization", "Bearer [removed:key]") in entry.exchange.request_headers
    assert receiver.arrivals(url).last == entry.ended >= entry.began


def test_every_address_is_its_own_and_hard_to_guess() -> None:
    with receiving() as (receiver, _):
        urls = [receiver.address("a"), receiver.address("b")]
    paths, queries = {urlsplit(url).path for url in urls}, {urlsplit(url).query for url in urls}
    assert paths == {"/c/1", "/c/2"}
    assert len(queries) == 2
    assert all("a=%2F%20b" in query for query in queries)


def test_a_body_in_chunks_is_put_together() -> None:
    with receiving() as (receiver, recorder):
        url = receiver.address("a case")
        httpx2.post(url, content=iter([b'{"id"', b':"a"}']), trust_env=False)
    assert entries(recorder)[0].exchange.request_body == b'{"id":"a"}'


def test_who_follows_a_redirect_is_seen() -> None:
    with receiving() as (receiver, recorder):
        url = receiver.address("a case", (REDIRECT,))
        assert httpx2.post(url, trust_env=False, follow_redirects=True).status_code == 204
    first, second = entries(recorder)
    assert (first.exchange.status, first.case, second.case) == (302, "a case", "a case")
    assert urlsplit(second.exchange.url).path == "/elsewhere/1"


def test_a_closed_connection_is_no_answer() -> None:
    with receiving() as (receiver, recorder), pytest.raises(httpx2.RemoteProtocolError):
        post(receiver.address("a case", (CLOSE,)))
    assert [(one.exchange.status, one.problem) for one in entries(recorder)] == [(0, "the receiver closed")]


def test_a_sender_that_gives_up_is_seen_doing_so() -> None:
    with receiving() as (receiver, recorder):
        with pytest.raises(httpx2.ReadTimeout):
            post(receiver.address("a case", (never(30.0),)), timeout=0.2)
        assert recorder.added.wait(5)
    (entry,) = entries(recorder)
    assert (entry.exchange.status, entry.problem) == (0, "the sender closed")
    assert 0.1 < entry.ended - entry.began < 5.0


def test_a_sender_that_never_gives_up_is_given_up() -> None:
    with receiving() as (receiver, recorder), pytest.raises(httpx2.RemoteProtocolError):
        post(receiver.address("a case", (never(0.05),)))
    assert entries(recorder)[0].problem == "the receiver closed"


def test_a_slow_answer_takes_its_time() -> None:
    with receiving() as (receiver, recorder):
        assert post(receiver.address("a case", (slow(0.1),))).status_code == 204
    (entry,) = entries(recorder)
    assert 0.1 <= entry.ended - entry.began < 5.0


def test_what_is_still_open_when_the_receiver_ends_is_recorded_as_that() -> None:
    arrived = threading.Event()
    with receiving(on_delivery=lambda _: arrived.set()) as (receiver, recorder):
        url = urlsplit(receiver.address("a case", (never(60.0),)))
        caller = socket.create_connection((url.hostname, url.port))
        caller.sendall(f"POST {url.path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode())
        assert arrived.wait(5)
    with caller:
        assert [(one.exchange.status, one.problem) for one in entries(recorder)] == [(0, "still open")]


def test_what_comes_to_an_address_that_was_never_given_out_is_recorded() -> None:
    with receiving() as (receiver, recorder):
        receiver.address("a case")
        statuses = [post(f"{receiver.public}{path}").status_code for path in ("/c/2", "/c/0", "/c/x", "/")]
    assert statuses == [404] * 4
    assert [(one.case, one.exchange.status) for one in entries(recorder)] == [("", 404)] * 4


def test_a_passer_by_is_not_recorded() -> None:
    with receiving() as (receiver, recorder):
        assert httpx2.get(f"{receiver.public}/health", trust_env=False).status_code == 404
    assert entries(recorder) == ()


def test_a_receiver_knows_itself() -> None:
    with receiving() as (receiver, _), receiving() as (another, _):
        answer = httpx2.get(receiver.probe_url, trust_env=False)
        headers = tuple(answer.headers.items())
        assert (receiver.is_ours(headers), another.is_ours(headers)) == (True, False)


@pytest.mark.parametrize("path", ["/hooks/c/1?secret=x", "/c/1?secret=x"])
def test_a_prefix_that_was_taken_away_on_the_way_is_shown_again(path: str) -> None:
    port = free_port()
    public = "https://edge.example/hooks"
    with receiving(listen=("127.0.0.1", port), public=public) as (receiver, recorder):
        assert receiver.address("a case").startswith(f"{public}/c/1?secret=")
        post(f"http://127.0.0.1:{port}{path}")
    (entry,) = entries(recorder)
    assert (entry.exchange.url, entry.case) == ("https://edge.example/hooks/c/1?secret=x", "a case")


def test_somebody_is_told_of_a_delivery_before_it_is_answered() -> None:
    heard: list[str] = []
    with receiving(on_delivery=heard.append) as (receiver, recorder):
        post(receiver.address("a case"))
        post(f"{receiver.public}/c/9")
    assert heard == ["a case"]
    assert len(entries(recorder)) == 2


def test_a_port_that_is_taken_is_an_error() -> None:
    with receiving() as (receiver, _):
        port = urlsplit(receiver.public).port or 0
        with pytest.raises(OSError, match="in use"), receiving(listen=("127.0.0.1", port)):
            pass
