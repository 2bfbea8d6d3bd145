from __future__ import annotations

import asyncio
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx2
import pytest
from evolink_check.generation.case import Case
from evolink_check.settings import Effort
from evolink_check.transport.target import HaltedError, OutOfTimeError, OverBudgetError, Target
from evolink_mock import MockServer
from support.mocks.targets import CREATE, CREDITS, REFUSED, account_of, subject_at, target_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from evolink_check.settings import Subject

    Handler = Callable[[httpx2.Request], httpx2.Response | Awaitable[httpx2.Response]]


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(duration="1s") as running:
        yield running


@pytest.fixture
def subject(mock: MockServer) -> Subject:
    return subject_at(mock.base_url)


UNKNOWN = Case("unknown", (), "GET", "/v1/tasks/task-unified-1700000000-00000000")


def statuses(target: Target) -> list[int]:
    return [one.exchange.status for one in target.recorder.entries()]


def answering(handle: Handler) -> httpx2.MockTransport:
    return httpx2.MockTransport(handle)  # type: ignore[arg-type]  # which takes both kinds


def a_task(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"id": "task-unified-1-a", "usage": {"credits_reserved": 5}})


@contextmanager
def nonsense(answer: bytes) -> Iterator[str]:
    """A server that says this to whoever connects, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        yield "http://{}:{}".format(*listening.getsockname())
        thread.join()


def test_an_exchange_is_recorded_to_the_byte_without_its_key(subject: Subject) -> None:
    with target_of(subject) as target:
        entry = target.send(replace(REFUSED, headers=(*REFUSED.headers, ("X-Odd", "a  b"))))
    exchange = entry.exchange
    assert (exchange.status, exchange.request_body, entry.who, entry.exact) == (400, b"{}", "main", True)
    assert exchange.url == f"{subject.url}/v1/videos/generations"
    assert json.loads(exchange.response_body)["error"]["code"] == "invalid_request"
    assert ("Authorization", "Bearer main") in exchange.request_headers
    assert ("Content-Type", "application/json") in exchange.request_headers
    assert entry.began <= entry.ended
    assert target.recorder.entries() == (entry,)


def test_no_key_gets_into_the_record_wherever_it_stands(subject: Subject) -> None:
    token = subject.main.token

    def echo(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=request.content, headers={"X-Key": token})

    with target_of(subject, transport=answering(echo)) as target:
        entry = target.send(Case("leaks", (), "GET", f"/v1/tasks/{token}", (("X-K", token),), token.encode()))
        clean = target.send(CREDITS)
        unsent = target.recorder.add(replace(clean, problem=f"could not be sent: {token}"))
    assert token not in repr((entry, unsent))
    assert entry.exchange.response_body == b"[removed:key]"
    assert (entry.exact, clean.exact) == (False, True)


@pytest.mark.parametrize(
    ("case", "status", "who"),
    [
        (CREDITS, 200, "main"),
        (replace(CREDITS, key="other"), 200, "other"),
        (replace(CREDITS, key="wrong"), 401, "wrong"),
        (replace(CREDITS, key="nobody"), 401, "nobody"),
        (replace(CREDITS, authorization="Basic YTpi"), 401, "nobody"),
    ],
)
def test_each_label_sends_its_own_key(case: Case, status: int, who: str) -> None:
    subject = subject_at("")
    tokens = [key.token for key in subject.keys.values()]
    with MockServer(tokens=tokens) as strict, target_of(replace(subject, url=strict.base_url)) as target:
        entry = target.send(case)
    assert (entry.exchange.status, entry.who) == (status, who)


@pytest.mark.parametrize(
    "path", ["/v1/tasks/a%2Fb?x=%20", "/v1/tasks/../../x", "/v1//tasks", "/v1/tasks/a'|b"]
)
def test_a_path_goes_out_as_it_is(subject: Subject, path: str) -> None:
    seen = []

    def note(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.extensions.get("target", request.url.raw_path).decode())
        return httpx2.Response(404)

    with target_of(subject, transport=answering(note)) as target:
        entry = target.send(Case("odd", (), "GET", path))
    assert seen == [path]
    assert entry.exchange.url == f"{subject.url}{path}"


def test_cookies_are_not_kept_and_redirects_not_followed(subject: Subject) -> None:
    seen: list[str | None] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("Cookie"))
        return httpx2.Response(302, headers={"Set-Cookie": "a=b", "Location": "/elsewhere"})

    with target_of(subject, transport=answering(handle)) as target:
        assert [target.send(CREDITS).exchange.status for _ in range(2)] == [302, 302]
    assert seen == [None, None]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "RemoteProtocolError"),
        (b"this is no HTTP\r\n\r\n", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone", "DecodingError"),
    ],
)
def test_a_broken_answer_is_an_entry_without_a_status(answer: bytes, problem: str) -> None:
    with nonsense(answer) as url, target_of(subject_at(url)) as target:
        entry = target.send(CREDITS)
    assert (entry.exchange.status, entry.exchange.response_body) == (0, b"")
    assert problem in entry.problem


@pytest.mark.parametrize(
    "case", [replace(CREDITS, headers=(("X", "a\nb"),)), replace(CREDITS, headers=(("X", "\u20ac"),))]
)
def test_what_cannot_be_sent_is_an_entry_too(subject: Subject, case: Case) -> None:
    with target_of(subject) as target:
        assert target.send(case).problem.startswith("could not be sent")


def test_a_server_that_is_gone_is_knocked_at_again_and_then_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = "http://{}:{}".format(*closed.getsockname())
    waited: list[float] = []
    with target_of(subject_at(url), wait=waited.append) as target:
        with pytest.raises(OutOfTimeError, match="the server no longer responds"):
            target.send(CREDITS)
        assert len(target.recorder) == 4
        with pytest.raises(OutOfTimeError):
            target.send(CREDITS)
    assert sum(waited) == pytest.approx(3.5)
    assert len(target.recorder) == 4


def test_a_429_is_recorded_and_waited_for(mock: MockServer, subject: Subject) -> None:
    account_of(mock, subject).recipe("429, ok", operation="query")
    waited: list[float] = []
    with target_of(subject, wait=waited.append) as target:
        entry = target.send(UNKNOWN)
    assert (entry.exchange.status, statuses(target)) == (404, [429, 404])
    assert sum(waited) == pytest.approx(1.0, abs=0.1)


def test_a_429_that_stays_is_not_waited_for_for_ever(mock: MockServer, subject: Subject) -> None:
    account_of(mock, subject).recipe("429", operation="query")
    with target_of(subject, wait=lambda _: None) as target:
        entry = target.send(UNKNOWN)
    assert (entry.exchange.status, statuses(target)) == (429, [429] * 4)


def test_a_key_that_is_known_to_be_limited_does_not_wait(mock: MockServer, subject: Subject) -> None:
    keys = {**subject.keys, "main": replace(subject.main, limited=True)}
    account_of(mock, subject).recipe("429", operation="query")
    with target_of(replace(subject, keys=keys)) as target:
        target.send(UNKNOWN)
    assert statuses(target) == [429]


def test_nobody_waits_longer_than_the_run_lasts(mock: MockServer, subject: Subject) -> None:
    account_of(mock, subject, rate="1/day")
    with target_of(subject) as target:
        target.send(UNKNOWN)
        assert target.send(UNKNOWN).exchange.status == 429
    assert statuses(target) == [404, 429]


def test_the_rate_is_kept(subject: Subject) -> None:
    waited: list[float] = []
    with target_of(subject, Effort(rate=4.0), wait=waited.append) as target:
        for _ in range(3):
            target.send(CREDITS)
    assert sum(waited) <= 0.25 + 0.5
    assert len(waited) >= 2, "less the time that the exchanges took"


def test_nothing_that_makes_a_task_is_sent_without_a_grant(mock: MockServer, subject: Subject) -> None:
    with target_of(subject) as target, pytest.raises(OverBudgetError, match="no credits were granted"):
        target.send(CREATE)
    assert account_of(mock, subject).requests == []


def test_parallel_creates_never_cost_more_than_was_granted(mock: MockServer, subject: Subject) -> None:
    account = account_of(mock, subject, credits=1000)

    def create(target: Target) -> bool:
        try:
            target.send(CREATE)
        except OverBudgetError:
            return False
        return True

    with target_of(subject, Effort(max_credits=22.0, jobs=8)) as target, ThreadPoolExecutor(8) as pool:
        made = list(pool.map(create, [target] * 12))
    assert sum(made) == 4
    assert (account.state.remaining, target.tally.spent, target.tally.created) == (980, 20.0, 4)


def test_a_refused_create_gives_its_price_back(mock: MockServer, subject: Subject) -> None:
    account = account_of(mock, subject)
    with target_of(subject, Effort(max_credits=5.0)) as target:
        for _ in range(3):
            target.send(REFUSED)
        target.send(CREATE)
        with pytest.raises(OverBudgetError, match="5 of 5 credits"):
            target.send(REFUSED)
    assert len(account.tasks) == 1


def test_no_more_tasks_are_made_than_were_meant(subject: Subject) -> None:
    with target_of(subject, Effort(max_credits=1000.0, tasks=1)) as target:
        target.send(CREATE)
        with pytest.raises(OverBudgetError):
            target.send(CREATE)


def test_a_task_made_of_what_ought_to_be_refused_counts_and_is_not_repeated(subject: Subject) -> None:
    with target_of(subject, Effort(max_credits=50.0), transport=answering(a_task)) as target:
        target.send(REFUSED)
        with pytest.raises(OverBudgetError, match=r"create\.required"):
            target.send(replace(REFUSED, name="another of the kind"))
        target.send(replace(REFUSED, clauses=("mode.enum",)))
    tally = target.tally
    assert (tally.created, tally.spent) == (2, 10.0)
    assert dict(tally.unexpected_tasks) == {"create.required": 1, "mode.enum": 1}


def test_the_first_of_a_kind_goes_alone(subject: Subject) -> None:
    seen, company = 0, asyncio.Event()

    async def handle(request: httpx2.Request) -> httpx2.Response:
        nonlocal seen
        seen += 1
        if seen == 2:
            company.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(company.wait(), 0.2)
        return a_task(request)

    def send(target: Target) -> bool:
        try:
            target.send(REFUSED)
        except OverBudgetError:
            return False
        return True

    effort = Effort(max_credits=500.0, jobs=8)
    with target_of(subject, effort, transport=answering(handle)) as target, ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, [target] * 8)) == seen == 1


def test_without_a_grant_a_careless_server_is_soon_asked_for_nothing_that_could_cost(
    subject: Subject,
) -> None:
    with target_of(subject, transport=answering(a_task)) as target:
        for number in range(5):
            target.send(replace(REFUSED, clauses=(f"clause.{number}",)))
        with pytest.raises(OverBudgetError, match="must refuse"):
            target.send(replace(REFUSED, clauses=("clause.9",)))
        target.send(CREDITS)
    assert target.tally.created == 5


@pytest.mark.parametrize("status", [502, 504])
def test_a_create_whose_answer_was_lost_may_have_cost_its_price(subject: Subject, status: int) -> None:
    lost = answering(lambda _: httpx2.Response(status))
    with target_of(subject, Effort(max_credits=50.0), transport=lost) as target:
        target.send(CREATE)
        target.send(REFUSED)
    assert target.tally.spent == 5.0


def test_a_create_that_says_no_price_is_counted_at_the_known_one(subject: Subject) -> None:
    silent = answering(lambda _: httpx2.Response(200, json={"id": "task-unified-1-a"}))
    with target_of(subject, Effort(max_credits=50.0), transport=silent) as target:
        target.send(CREATE)
    assert target.tally.spent == 5.0


def test_a_post_that_makes_nothing_costs_nothing(subject: Subject) -> None:
    odd = answering(lambda _: httpx2.Response(200, json={"fine": True}))
    with target_of(subject, transport=odd) as target:
        target.send(replace(REFUSED, path="/v1/other"))
    assert (target.tally.created, target.tally.unexpected_tasks) == (0, ())


def test_nothing_is_sent_once_the_time_is_over(mock: MockServer, subject: Subject) -> None:
    with (
        target_of(subject, Effort(seconds=0.0)) as target,
        pytest.raises(OutOfTimeError, match="time of the run"),
    ):
        target.send(CREDITS)
    assert account_of(mock, subject).requests == []


def test_a_stopped_run_sends_nothing_and_ends_its_waits(subject: Subject) -> None:
    stop = threading.Event()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        stop.set()

    with target_of(subject, stop=stop, wait=wait) as target:
        with pytest.raises(OutOfTimeError, match="stopped"):
            target.pause(60.0)
        with pytest.raises(HaltedError):
            target.send(CREDITS)
    assert len(waits) == 1
    assert len(target.recorder) == 0


def test_no_more_requests_are_under_way_than_there_are_jobs(subject: Subject) -> None:
    under_way, most, both = 0, 0, asyncio.Barrier(2)

    async def handle(_: httpx2.Request) -> httpx2.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.wait_for(both.wait(), 5)
        under_way -= 1
        return httpx2.Response(200)

    with (
        target_of(subject, Effort(jobs=2), transport=answering(handle)) as target,
        ThreadPoolExecutor(6) as pool,
    ):
        list(pool.map(target.send, [CREDITS] * 6))
    assert most == 2


def test_the_trace_is_in_order_of_time_and_numbered(subject: Subject) -> None:
    with target_of(subject) as target:
        first, second = target.send(CREDITS), target.send(CREDITS)
    recorder = target.recorder
    recorder.add(replace(first, began=first.began - 9, case="earlier"))
    trace = recorder.trace(subject, {})
    assert [(one.number, one.case) for one in trace.entries] == [
        (0, "earlier"),
        (1, "credits"),
        (2, "credits"),
    ]
    assert recorder.places() == {2: 0, 0: 1, 1: 2}
    assert (trace.origin, trace.receiver, second.number) == (subject.url, "", 1)


def test_what_follows_a_moved_clock_is_recorded_as_later(subject: Subject) -> None:
    with target_of(subject) as target:
        before = target.send(CREDITS)
        target.recorder.advance(86_400.0)
        after = target.send(CREDITS)
    assert 86_400.0 <= after.began - before.ended < 86_460.0
