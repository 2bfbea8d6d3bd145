"""The mock's own archive becomes a trace, without keys and with what they were."""

from __future__ import annotations

from typing import Any

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.client.harness.journal_trace import CLIENT, STRANGER, Journals, has_other_key, trace_of
from evolink_check.traffic.trace import NOBODY
from evolink_mock.control.journal_json import SentCallback, har_entries
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.domain.exchange import Exchange
from evolink_mock.domain.redaction import Redactor
from evolink_spec import load
from support.records.callbacks import a_delivery

TOKEN = "client-0123456789abcdef"
START = 1_757_169_743.0
RESULT = "https://api.example.test/media/task-unified-1.mp4"
BODY = b'{"id":"task-unified-1","status":"completed","results":["' + RESULT.encode() + b'"]}'


def exchange(path: str, at: float, *, key: str = f"Bearer {TOKEN}", **more: Any) -> Exchange:
    headers = [(b"Host", b"api.example.test")]
    if key:
        headers.append((b"Authorization", key.encode()))
    usual: dict[str, Any] = {"method": "GET", "status": 200, "scheme": "https", "answer_body": BODY}
    answered = [(b"content-type", b"application/json")]
    return Exchange(
        path=path,
        began=0.0,
        at=at,
        seconds=0.5,
        request_headers=headers,
        answer_headers=answered,
        **usual | more,
    )


def entries(*exchanges: Exchange, calls: tuple[SentCallback, ...] = ()) -> list[Any]:
    return [*har_entries(exchanges, calls, Redactor([TOKEN]))]


def test_an_exchange_is_an_entry_of_the_client_without_its_key() -> None:
    trace = trace_of(
        Journals(entries(exchange("/v1/tasks/task-unified-1", START)), []), ended=START + 9, ahead=2.0
    )
    (one,) = trace.entries
    assert (one.who, one.kind, one.exchange.url) == (
        CLIENT,
        "exchange",
        "https://api.example.test/v1/tasks/task-unified-1",
    )
    assert (one.began, one.ended) == (START + 2, START + 2.5)
    assert one.exchange.response_body == BODY
    assert "authorization" not in {name.lower() for name, _ in one.exchange.request_headers}
    assert trace.complete


def test_on_a_frozen_clock_an_answer_takes_no_time() -> None:
    hasty = entries(exchange("/v1/tasks/task-unified-1", START), exchange("/v1/tasks/task-unified-2", START))
    first, second = trace_of(Journals(hasty, []), ended=START + 9, ahead=2.0, frozen=True).entries
    assert first.exchange.url.endswith("1"), "in the order of the journal"
    assert first.ended == second.began == START + 2, "however long it really took"


@pytest.mark.parametrize(
    ("key", "who"), [("", NOBODY), ("Bearer other", STRANGER), (TOKEN, NOBODY), ("Basic abc", NOBODY)]
)
def test_a_stray_is_told_by_its_header(key: str, who: str) -> None:
    strays = entries(exchange("/v1/credits", START, key=key))
    trace = trace_of(Journals([], strays), ended=START + 9)
    (entry,) = trace.entries
    assert entry.who == who
    assert has_other_key(trace) is (who == STRANGER)


def test_entries_come_in_order_of_time_and_a_fetch_is_known_as_one() -> None:
    own = entries(
        exchange("/media/task-unified-1.mp4", START + 3, key="", answer_body=b""),
        exchange("/v1/tasks/task-unified-1", START + 2),
    )
    trace = trace_of(Journals(own, entries(exchange("/v1/credits", START, key=""))), ended=START + 9)
    assert [one.number for one in trace.entries] == [0, 1, 2]
    reading = TraceView(trace, load())
    assert [one.role for one in reading.seen] == ["credits", "query", "link"]
    assert reading.seen[2].entry.who == NOBODY


def made(at: float, status: int | None) -> SentCallback:
    attempt = Attempt(at, 0.1, status, None if status else "no answer")
    return SentCallback(a_delivery("task-unified-1", "http://127.0.0.1:9/hook?s=x", attempt), attempt, BODY)


def test_a_callback_that_came_when_the_client_had_ended_is_left_out() -> None:
    own = entries(
        calls=(made(START, 204), made(START + 2, None), made(START + 8.8, None), made(START + 9.2, 204))
    )
    trace = trace_of(Journals(own, []), ended=START + 9, receiver="http://127.0.0.1:9/")
    assert [(one.kind, one.exchange.status) for one in trace.entries] == [
        ("delivery", 204),
        ("delivery", 0),
        ("delivery", 204),
    ]
    assert trace.entries[1].problem == "no answer"
    assert (trace.receiver, trace.watched_until) == ("http://127.0.0.1:9/", START + 9)


@pytest.mark.parametrize("dropped", [0, 1])
def test_a_journal_that_has_dropped_exchanges_is_not_all_there_is(dropped: int) -> None:
    own = entries(exchange("/v1/credits", START))
    assert trace_of(Journals(own, [], dropped), ended=START + 9).complete == (not dropped)
