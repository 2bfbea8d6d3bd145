"""The reverse proxy: what passes, what is kept of it, and what it survives."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.proxy.forwarder import OPINION, ForwardingApp, Upstream
from evolink_check.proxy.monitor import LiveMonitor
from evolink_check.proxy.recorder import KEPT_BYTES, Body, PendingExchange, ProxyRecorder
from evolink_check.proxy.server import ListenError, proxying
from evolink_check.traffic.trace import NOBODY
from evolink_mock import MockServer
from evolink_spec import load
from evolink_spec.clauses import load_clauses
from support.records.trace_builders import BODY, CREATE, compact, error, task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_check.traffic.trace import Trace

SPEC, CLAUSES = load(), load_clauses()
KEY = "a-key-of-some-length"
OPINION_NAME = OPINION.decode()


class Scripted:
    """A server that sends bytes of the test's, after one whole request, and remembers that request."""

    def __init__(self, answer: bytes | Callable[[socket.socket], None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked = b""
        self.gone = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                talk, _ = self._listener.accept()
            except OSError:
                return
            with talk:
                self.asked = _request(talk)
                if callable(self._answer):
                    self._answer(talk)
                else:
                    talk.sendall(self._answer)
            self.gone.set()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def _request(talk: socket.socket) -> bytes:
    asked = b""
    while b"\r\n\r\n" not in asked or not _is_whole(asked):
        more = talk.recv(65536)
        if not more:
            break
        asked += more
    return asked


def _is_whole(asked: bytes) -> bool:
    head, _, body = asked.lower().partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or 0)


class Door:
    """A proxy before some server, and a client at it."""

    def __init__(self, url: str, upstream: str, record: ProxyRecorder) -> None:
        self.url = url
        self.record = record
        self.answered = 0
        self.client = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {KEY}"},
            trust_env=False,
            timeout=10,
            event_hooks={"response": [self._count]},
        )
        self.upstream = upstream

    def _count(self, _: httpx2.Response) -> None:
        self.answered += 1

    @property
    def trace(self) -> Trace:
        """What was recorded, once that is everything that was answered: the client has its answer a little earlier."""
        _until(lambda: len(self.record) + self.record.unjudged >= self.answered)
        return self.record.trace()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def before(stack: ExitStack) -> Callable[..., Door]:
    """Put a proxy before a base URL, with or without opinions."""

    def of(upstream: str, *, opinions: bool = False) -> Door:
        record = ProxyRecorder(upstream)
        opinion = LiveMonitor(record, SPEC, CLAUSES, "server").verdict_for if opinions else None
        url = stack.enter_context(proxying(ForwardingApp(Upstream.at(upstream), record, None, opinion)))
        door = Door(url, upstream, record)
        stack.enter_context(door.client)
        return door

    return of


@pytest.fixture
def scripted(stack: ExitStack) -> Callable[..., Scripted]:
    def of(answer: bytes | Callable[[socket.socket], None]) -> Scripted:
        server = Scripted(answer)
        stack.callback(server.close)
        return server

    return of


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(duration="20ms") as mock:
        yield mock


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK", length: bool = True) -> bytes:
    lines = [b"HTTP/1.1 " + status, *headers, *([b"Content-Length: %d" % len(body)] if length else [])]
    return b"\r\n".join([*lines, b"", body])


def test_a_client_lives_through_a_whole_task(before: Callable[..., Door], mock: MockServer) -> None:
    door = before(mock.base_url)
    made = door.client.post(CREATE, json=BODY).json()
    told: dict[str, Any] = {}
    while told.get("status") != "completed":
        told = door.client.get(f"/v1/tasks/{made['id']}").json()
    link = told["results"][0].replace(mock.base_url, door.url)
    film = door.client.get(link)
    assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
    assert len(film.content) == int(film.headers["content-length"]) > 1000
    entries = door.trace.entries
    assert [entry.exchange.url.removeprefix(mock.base_url) for entry in (entries[0], entries[-1])] == [
        CREATE,
        f"/media/{made['id']}.mp4",
    ]
    assert (entries[-1].size, entries[-1].exchange.response_body) == (len(film.content), b"")
    reading = TraceView(door.trace, SPEC)
    assert reading.tasks[made["id"]].create is not None
    assert len(reading.tasks[made["id"]].links) == 1


def test_what_the_server_sends_is_what_the_client_gets_and_the_other_way_round(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    server = scripted(answer(b"no", b"X-One: 1", b"X-One: 2", b"Set-Cookie: a=b", status=b"418 Teapot"))
    door = before(f"{server.url}/base")
    got = door.client.request(
        "PUT", "/v1/%7Ea//..%2Fb?x=%20y&&z", content=b"asked", headers={"X-Mine": "1", "User-Agent": "me"}
    )
    assert (got.status_code, got.content) == (418, b"no")
    assert got.headers.get_list("x-one") == ["1", "2"]
    assert set(got.headers) == {"x-one", "set-cookie", "content-length"}
    head, _, body = server.asked.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert (first, body) == ("PUT /base/v1/%7Ea//..%2Fb?x=%20y&&z HTTP/1.1", b"asked")
    sent = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}
    assert sent["host"] == server.url.removeprefix("http://")
    assert (sent["authorization"], sent["x-mine"], sent["user-agent"]) == (f"Bearer {KEY}", "1", "me")
    assert not set(sent) & {"via", "x-forwarded-for", "connection"}


def test_what_is_about_one_connection_stays_there(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    server = scripted(answer(b"", b"Connection: X-Between", b"X-Between: 1", b"Keep-Alive: timeout=5"))
    door = before(server.url)
    got = door.client.get("/", headers={"Connection": "close, X-Us", "X-Us": "1", "TE": "trailers"})
    assert set(got.headers) <= {"content-length", "connection"}
    assert not any(word in server.asked.lower() for word in (b"x-us", b"te: ", b"\r\nconnection"))


def test_a_body_in_pieces_is_passed_on_in_pieces(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    server = scripted(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
    )
    door = before(server.url)
    got = door.client.post("/", content=iter([b"12", b"345"]))
    assert (got.content, got.headers["transfer-encoding"]) == (b"abcde", "chunked")
    assert server.asked.lower().count(b"transfer-encoding: chunked") == 1
    (entry,) = door.trace.entries
    assert (entry.exchange.request_body, entry.exchange.response_body) == (b"12345", b"abcde")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_coding_is_left_as_it_is_and_the_record_reads_it(
    before: Callable[..., Door], scripted: Callable[..., Scripted], coding: str
) -> None:
    coded = gzip.compress(b'{"a":1}') if coding == "gzip" else zlib.compress(b'{"a":1}')
    kind = b"Content-Type: application/json"
    door = before(scripted(answer(coded, kind, b"Content-Encoding: " + coding.encode())).url)
    with door.client.stream("GET", "/") as got:
        assert b"".join(got.iter_raw()) == coded
    (entry,) = door.trace.entries
    assert (entry.exchange.response_body, entry.size) == (b'{"a":1}', None)


def test_of_a_coding_that_nobody_knows_the_length_is_kept(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    door = before(scripted(answer(b"xyz", b"Content-Encoding: br")).url)
    with door.client.stream("GET", "/") as got:
        assert b"".join(got.iter_raw()) == b"xyz"
    (entry,) = door.trace.entries
    assert (entry.exchange.response_body, entry.size) == (b"", 3)


def test_head_and_answers_without_a_body_end(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    head = before(scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n").url).client.head("/")
    assert (head.headers["content-length"], head.content) == ("5000", b"")
    for status in (b"204 No Content", b"304 Not Modified"):
        extra = b"Content-Length: 7\r\n" if status.startswith(b"304") else b""
        got = before(scripted(b"HTTP/1.1 " + status + b"\r\n" + extra + b"\r\n").url).client.get("/")
        assert (got.status_code, got.content) == (int(status[:3]), b"")


def test_five_megabytes_pass_as_they_come_and_are_not_kept(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    piece, pieces, taken = b"x" * 65536, 80, threading.Event()

    def send(talk: socket.socket) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(piece) * pieces) + piece)
        assert taken.wait(10), "the first piece has to reach the client before the last is sent"
        for _ in range(pieces - 1):
            talk.sendall(piece)

    door = before(scripted(send).url)
    with door.client.stream("GET", "/") as got:
        parts = got.iter_raw()
        size = len(next(parts))
        taken.set()
        size += sum(map(len, parts))
    assert size == len(piece) * pieces
    (entry,) = door.trace.entries
    assert (entry.size, entry.exchange.response_body, entry.exchange.status) == (size, b"", 200)


def test_a_body_is_kept_up_to_its_limit() -> None:
    body = Body(4)
    body.add(b"1234")
    assert body.whole == b"1234"
    body.add(b"5")
    assert not body.whole
    assert (body.size, len(body.parts)) == (5, 0)


def test_a_dead_server_is_a_502_of_the_documented_shape_and_the_proxy_lives_on(
    before: Callable[..., Door], mock: MockServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    door = before(f"http://127.0.0.1:{port}")
    for _ in range(2):
        got = door.client.get("/v1/credits")
        assert (got.status_code, got.headers["content-type"]) == (502, "application/json")
        assert {key: type(value) for key, value in got.json()["error"].items()} == {
            "code": str,
            "message": str,
            "type": str,
        }
    assert [(entry.exchange.status, entry.exchange.response_body) for entry in door.trace.entries] == [
        (0, b"")
    ] * 2
    assert "ConnectError" in door.trace.entries[0].problem
    assert before(mock.base_url).client.get("/v1/credits").status_code == 200


@pytest.mark.parametrize("opinions", [False, True])
@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"", "the server did not respond"),
        (b"SSH-2.0-x\r\n", "the server did not respond"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "the response broke off"),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", "the response broke off"),
    ],
)
def test_an_answer_that_is_none_reaches_nobody_as_one(
    before: Callable[..., Door],
    scripted: Callable[..., Scripted],
    sent: bytes,
    problem: str,
    *,
    opinions: bool,
) -> None:
    door = before(scripted(sent).url, opinions=opinions)
    if b"half" in sent and not opinions:
        with pytest.raises(httpx2.RemoteProtocolError):
            door.client.get("/")
    else:
        assert door.client.get("/").status_code == 502
    (entry,) = door.trace.entries
    assert (entry.exchange.status, entry.exchange.response_body) == (0, b"")
    assert entry.problem.startswith(problem)


def test_when_the_client_leaves_the_server_is_left(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    left = threading.Event()

    def send(talk: socket.socket) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        assert talk.recv(1) == b"", "the proxy hangs up"
        left.set()

    door = before(scripted(send).url)
    with door.client.stream("GET", "/") as got:
        assert next(got.iter_raw()) == b"abc"
    assert left.wait(10)
    _until(lambda: len(door.record) == 1)
    (entry,) = door.trace.entries
    assert (entry.exchange.status, entry.problem) == (
        0,
        "the exchange was cancelled before the response was complete",
    )


def test_a_proxy_that_ends_tells_those_who_wait_for_an_answer(scripted: Callable[..., Scripted]) -> None:
    asked, got = threading.Event(), []

    def wait(talk: socket.socket) -> None:
        asked.set()
        talk.recv(1)

    upstream = scripted(wait).url
    with proxying(ForwardingApp(Upstream.at(upstream), ProxyRecorder(upstream))) as url:
        client = threading.Thread(target=lambda: got.append(httpx2.get(url, trust_env=False, timeout=10)))
        client.start()
        assert asked.wait(10)
    client.join(10)
    assert (got[0].status_code, got[0].json()["error"]["code"]) == (502, "proxy_error")
    assert "the proxy was stopped" in got[0].text


def test_a_request_that_was_never_whole_is_not_judged(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    server = scripted(b"")
    door = before(server.url)
    host, port = door.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as talk:
        talk.sendall(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
    assert server.gone.wait(10)
    _until(lambda: door.record.unjudged == 1)
    assert door.trace.entries == ()


@pytest.mark.parametrize("scheme", ["h2c", "TLS/1.2", "websocket", "h2c, websocket"])
def test_an_upgrade_that_is_offered_is_ignored_and_the_body_passed_on(
    before: Callable[..., Door], scripted: Callable[..., Scripted], scheme: str
) -> None:
    server = scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    door = before(server.url)
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": scheme, "HTTP2-Settings": "AAMAAABkAAQ"}
    for _ in range(2):
        response = door.client.post("/v1/x", content=b'{"a": 1}', headers=offer)
        assert (response.status_code, response.text) == (200, "{}")
    head, _, body = server.asked.lower().partition(b"\r\n\r\n")
    assert body == b'{"a": 1}'
    assert b"upgrade" not in head
    assert b"http2-settings" not in head
    assert [entry.exchange.request_body for entry in door.trace.entries] == [b'{"a": 1}'] * 2


def test_two_requests_with_an_offer_on_one_connection_are_both_answered(
    before: Callable[..., Door], mock: MockServer
) -> None:
    door = before(mock.base_url)
    host, port = door.url.removeprefix("http://").split(":")
    request = (
        b"POST /v1/videos/generations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
        b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}"
    )
    with socket.create_connection((host, int(port)), timeout=10) as talk:
        talk.sendall(request * 2)
        received = b""
        while received.count(b"HTTP/1.1 400") < 2:
            received += talk.recv(65536)
            assert received


def _until(true: Callable[[], bool]) -> None:
    """Ask until it is so; the proxy is another thread."""
    tick = threading.Event()
    for _ in range(1000):
        if true():
            return
        tick.wait(0.005)
    raise AssertionError


def passed(status: int = 200, body: bytes = b"", **more: Any) -> PendingExchange:
    usual: dict[str, Any] = {"method": "GET", "target": "/v1/credits", "began": 1.0, "request_headers": []}
    found = PendingExchange(**usual | more, request_complete=True, status=status, ended=2.0)
    found.response.add(body)
    return found


def bearing(key: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + key.encode())]


def test_keys_are_told_apart_and_never_kept() -> None:
    record = ProxyRecorder("http://x.test")
    for key in ("first-long-key", "second-long-key", "first-long-key"):
        record.add(passed(request_headers=bearing(key)))
    echoed = passed(body=b'{"a":"first-long-key"}', target="/v1/tasks/first-long-key?k=second-long-key")
    record.add(echoed)
    record.add(
        passed(request_headers=[(b"authorization", b"Basic Zmlyc3Q6bG9uZw=="), (b"cookie", b"s=ecret")])
    )
    entries = record.trace().entries
    one, two = entries[0].who, entries[1].who
    assert [entry.who for entry in entries] == [one, two, one, NOBODY, NOBODY]
    assert len({one, two, NOBODY}) == 3
    assert not any(
        secret in repr(entries) for secret in ("first-long-key", "second-long-key", "Zmlyc3Q6", "ecret")
    )
    assert [entry.exact for entry in entries] == [True, True, True, False, True]


def test_the_trace_is_in_the_order_in_which_requests_began() -> None:
    record = ProxyRecorder("http://x.test")
    for began in (3.0, 1.0, 2.0):
        record.add(passed(began=began))
    assert [(entry.number, entry.began) for entry in record.trace().entries] == [(0, 1.0), (1, 2.0), (2, 3.0)]


def test_a_request_too_large_to_keep_is_counted_and_left_out() -> None:
    record, large = ProxyRecorder("http://x.test"), passed()
    large.request.limit = 3
    large.request.add(b"1234")
    assert (record.add(large), record.unjudged, len(record)) == (None, 1, 0)
    assert KEPT_BYTES >= 100_000


def test_an_answer_says_what_it_breaks_when_asked_to(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    kind = b"Content-Type: application/json"
    good = error(401, "authentication_error")
    plain = before(scripted(answer(compact(good), kind, status=b"401 No")).url)
    assert OPINION_NAME not in plain.client.get("/v1/credits").headers
    kept = before(scripted(answer(compact(good), kind, status=b"401 No")).url, opinions=True)
    assert kept.client.get("/v1/credits").headers[OPINION_NAME] == "passed"
    spaced = answer(json.dumps(good).encode(), kind, status=b"401 No")
    broken = before(scripted(spaced).url, opinions=True).client.get("/v1/credits")
    assert broken.headers[OPINION_NAME] == "wire.compact"
    assert broken.json() == good


def test_a_film_is_not_held_back_to_be_judged(
    before: Callable[..., Door], scripted: Callable[..., Scripted]
) -> None:
    door = before(scripted(answer(b"film", b"Content-Type: video/mp4")).url, opinions=True)
    got = door.client.get("/")
    assert (got.content, got.headers[OPINION_NAME]) == (b"film", "not judged")


def test_an_opinion_knows_what_was_told_of_the_same_task_before() -> None:
    record = ProxyRecorder("http://x.test")
    watch = LiveMonitor(record, SPEC, CLAUSES, "server")
    first = task()
    created = passed(method="POST", target=CREATE, body=compact(first), request_headers=bearing(KEY))
    created.request.add(compact(BODY))
    later = passed(
        target=f"/v1/tasks/{first['id']}", body=compact(task(created=first["created"] + 1)), began=3.0
    )
    for one in (created, later):
        one.request_headers = [*bearing(KEY), (b"content-type", b"application/json")]
        one.headers = [(b"content-type", b"application/json")]
    for one, breaks in ((created, False), (later, True)):
        entry = record.add(one)
        assert entry is not None
        assert ("task.identity" in watch.verdict_for(entry)) is breaks


def test_what_is_broken_is_news_once() -> None:
    record = ProxyRecorder("http://x.test")
    watch = LiveMonitor(record, SPEC, CLAUSES, "server")
    for _ in range(2):
        found = passed(body=b'{"a": 1}', status=404, target="/nowhere")
        found.headers = [(b"content-type", b"application/json")]
        record.add(found)
        ids = {verdict.clause.id for verdict in watch.new_failures()}
        watch._next = 0.0  # noqa: SLF001  (as if time had passed)
        assert ("error.other-paths" in ids) is (len(record) == 1)
    assert watch.new_failures() == ()
    assert watch.report(0.0).exit_status == 1


def test_a_bug_in_a_check_ends_the_judging_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError

    record = ProxyRecorder("http://x.test")
    watch = LiveMonitor(record, SPEC, CLAUSES, "server")
    monkeypatch.setattr("evolink_check.proxy.monitor.verdicts_on", stumble)
    entry = record.add(passed())
    assert entry is not None
    assert (watch.new_failures(), watch.verdict_for(entry)) == ((), "not judged")
    assert "ZeroDivisionError" in watch.bug


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        forward = ForwardingApp(Upstream.at("http://x.test"), ProxyRecorder("http://x.test"))
        with pytest.raises(ListenError, match=f"port {port}"), proxying(forward, port=port):
            pass


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://api.example.test", b"api.example.test"),
        ("http://api.example.test:8080/base", b"api.example.test:8080"),
        ("http://[::1]:80", b"[::1]"),
    ],
)
def test_the_host_is_that_of_the_server(url: str, authority: bytes) -> None:
    assert Upstream.at(url).authority == authority
