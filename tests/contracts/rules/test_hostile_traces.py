"""No trace breaks a rule: huge numbers, odd values and impossible times, and none takes long."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from time import process_time
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.rules import RULES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.records.trace_builders import (
    BODY,
    ID,
    JSON,
    RESULT,
    SPEC,
    Tracing,
    completed,
    error,
    failed,
    processing,
    task,
)

if TYPE_CHECKING:
    from evolink_check.traffic.trace import Entry, Trace

HOOKS = "https://hooks.example.test"
HUGE = ["1e400", "-1e400", "1e308", "-1e308", "9" * 308, "9" * 400, "-" + "9" * 5000, "1e-400", "0", "-0.0"]
ODD = [*HUGE, "null", "true", '"\\u0000"', '""', "[]", "{}", "[[1e999]]", f'"{"x" * 5000}"']
TIMES = [-1e308, -1.0, 0.0, 1e11, 1e18, 1e308]


def life() -> Trace:
    trace = Tracing(receiver=HOOKS)
    trace.credits(20)
    trace.create(body=BODY | {"callback_url": f"{HOOKS}/c/1", "duration": 6, "quality": "480p"})
    trace.query(processing())
    trace.query(completed())
    trace.delivery(completed(), url=f"{HOOKS}/c/1")
    trace.link(who="nobody")
    late = (*JSON, ("Retry-After", "3"))
    trace.create(error("rate_limit_exceeded", "rate_limit_error"), 429, headers=late)
    trace.create(task(id=f"{ID[:-8]}00000002"))
    trace.query(failed(id=f"{ID[:-8]}00000002"), id_=f"{ID[:-8]}00000002")
    trace.credits(15)
    return trace.trace()


LIFE = life()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a JSON value that hold no others."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [place for key, part in inner for place in places(part, (*path, key))]
    return [*found, path] if path else found


def replaced(body: bytes, path: tuple[Any, ...], text: str) -> bytes:
    """The JSON body with the value at a path replaced by a JSON text, which no Python value need stand for."""
    document = copy.deepcopy(json.loads(body))
    here = document
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = "@@"
    return json.dumps(document).replace('"@@"', text).encode()


@st.composite
def mutated(draw: st.DrawFn) -> Trace:
    entries = list(LIFE.entries)
    for _ in range(draw(st.integers(1, 3))):
        number = draw(st.integers(0, len(entries) - 1))
        entries[number] = draw(mutated_entry(entries[number]))
    return replace(LIFE, entries=tuple(entries))


@st.composite
def mutated_entry(draw: st.DrawFn, entry: Entry) -> Entry:
    exchange = entry.exchange
    sides = [name for name in ("request_body", "response_body") if getattr(exchange, name).startswith(b"{")]
    if not sides or draw(st.integers(0, 3)) == 0:
        began, ended = draw(st.sampled_from(TIMES)), draw(st.sampled_from(TIMES))
        return replace(entry, began=began, ended=max(began, ended))
    side = draw(st.sampled_from(sides))
    try:
        path = draw(st.sampled_from(places(json.loads(getattr(exchange, side)))))
    except ValueError:  # a mutation before this one has left no JSON that this reader takes
        return entry
    body = replaced(getattr(exchange, side), path, draw(st.sampled_from(ODD)))
    changed = (
        replace(exchange, request_body=body)
        if side == "request_body"
        else replace(exchange, response_body=body)
    )
    return replace(entry, exchange=changed)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_no_number_and_no_time_of_a_trace_breaks_a_rule(trace: Trace) -> None:
    view = TraceView(trace, SPEC)
    for rule in RULES.values():
        for finding in rule(view):
            assert finding.passed or (len(finding.expected) < 1000 and len(finding.seen) < 1000)


@pytest.mark.parametrize(
    "value", ["Sat, 06 Sep 99999999999999 14:42:33 GMT", "9" * 5000, "-1", "\x00", "1e400"]
)
def test_no_header_breaks_a_rule(value: str) -> None:
    for name in ("Retry-After", "Date", "Content-Type", "Content-Length"):
        trace = Tracing(receiver=HOOKS)
        odd = (*(header for header in JSON if header[0] != name), (name, value))
        trace.create(body=BODY | {"callback_url": f"{HOOKS}/c/1"}, headers=odd)
        trace.create(error("rate_limit_exceeded", "rate_limit_error"), 429, headers=odd)
        trace.query(completed(), headers=odd)
        trace.delivery(completed(), url=f"{HOOKS}/c/1", sent=odd)
        view = trace.reading()
        for rule in RULES.values():
            list(rule(view))


def crowd(tasks: int) -> TraceView:
    """A trace of many tasks, with requests for ids that nobody gave, refusals, repeated deliveries and fetches."""
    trace = Tracing(receiver=HOOKS)
    for number in range(tasks):
        id_, link = f"{ID[:-8]}{number:08}", RESULT.replace(ID, f"{ID[:-8]}{number:08}")
        trace.create(task(id=id_), body=BODY | {"callback_url": f"{HOOKS}/c/{number}"})
        trace.query(completed(id=id_, results=[link]) if number % 2 else failed(id=id_), id_=id_)
        trace.query(error("task_not_found", "x"), 404, id_=f"task-unified-1757169743-zz{number:06}")
        trace.create(error("rate_limit_exceeded", "rate"), 429, headers=(*JSON, ("Retry-After", "1")))
        trace.create(error("invalid_request", "x"), 400, body=BODY | {"duration": 77})
        trace.link(url=link, who="nobody")
        trace.delivery(completed(id=id_, results=[link]), url=f"{HOOKS}/c/{number}")
    return trace.reading()


def test_no_rule_looks_at_all_entries_for_each_of_them() -> None:
    slow = {}
    view = crowd(600)
    assert len(view.tasks) >= 600
    for clause, rule in RULES.items():
        began = process_time()
        list(rule(view))
        took = process_time() - began
        if took > 1.5:
            slow[clause] = took
    assert slow == {}
