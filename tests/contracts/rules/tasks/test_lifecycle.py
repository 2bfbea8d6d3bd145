"""A task's life as its queries tell it: each violation is told by one clause, and no correct life by any."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from time import process_time
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.rules import RULES, rules_of
from evolink_check.rules.tasks import lifecycle, outcomes, progress, queries
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mocks.in_process import CREATE as PATH
from support.mocks.in_process import START as MOCK_START
from support.mocks.in_process import playing
from support.records.trace_builders import (
    BODY,
    MODEL,
    RESULT,
    SPEC,
    START,
    Tracing,
    completed,
    error,
    failed,
    processing,
    task,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.traffic.trace import Entry

Body = dict[str, Any]
OLD = MODEL.removesuffix("-beta")
DOWN = error("internal_error", "api_error")
MOVED = completed(results=["https://media.example.test/another.mp4"])
EMPTY = completed(results=[])


def told(*bodies: Body, create: Body | None = None, **more: Any) -> Tracing:
    """A create, and one query after the other."""
    trace = Tracing(**more)
    trace.create(create)
    for body in bodies:
        trace.query(body)
    return trace


def without(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}


VIOLATIONS: list[tuple[str, list[Body]]] = [
    ("task.identity", [processing(created=int(START) + 1)]),
    ("task.identity", [processing(created=int(START) * 1000)]),
    ("task.identity", [processing(model=OLD), completed(model=OLD)]),
    ("task.identity", [processing(), completed(model="another")]),
    ("task.identity", [processing(type="image")]),
    ("task.identity", [processing(object="video.task")]),
    ("task.status-words", [task(status="running", progress=40)]),
    ("task.status-words", [processing(), completed(status="succeeded")]),
    ("task.status-words", [completed(), completed(status="archived", results=None)]),
    ("task.status-words", [task(status="Processing", progress=40)]),
    ("task.status-words", [task(status=3, progress=40)]),
    ("task.status-order", [processing(40), task()]),
    ("task.status-order", [processing(40), task(), processing(45), completed()]),
    ("task.final", [completed(), processing(99)]),
    ("task.final", [completed(), task()]),
    ("task.final", [completed(), failed()]),
    ("task.final", [failed(), completed()]),
    ("task.final", [completed(), MOVED]),
    ("task.final", [completed(), EMPTY]),
    ("task.final", [completed(), completed(progress=99)]),
    ("task.final", [failed(), failed("unknown_error")]),
    ("task.final", [completed(), completed(task_info={"can_cancel": True})]),
    ("task.progress-range", [processing(120)]),
    ("task.progress-range", [processing(-1)]),
    ("task.progress-range", [task(status="processing", progress=55.5)]),
    ("task.progress-range", [task(status="processing", progress="40%")]),
    ("task.progress-range", [task(status="processing", progress=True)]),
    ("task.progress-monotone", [processing(60), processing(40), completed()]),
    ("task.progress-pending", [task(progress=100), processing(40)]),
    ("task.progress-completed", [processing(40), completed(progress=99)]),
    ("task.progress-completed", [completed(progress=0), completed(progress=0)]),
    ("task.progress-failed", [processing(40), failed(progress=100)]),
]


@pytest.mark.parametrize(("clause", "bodies"), VIOLATIONS)
def test_what_is_wrong_with_a_life_is_told_by_one_clause(clause: str, bodies: list[Body]) -> None:
    assert told(*bodies).accused().keys() == {clause}


def test_a_life_in_order_keeps_every_clause_of_it() -> None:
    trace = told(task(), processing(0), processing(40), completed(), completed())
    assert trace.accused() == {}
    passed = trace.passed()
    own = {*rules_of(lifecycle, outcomes, progress, queries)} - {
        "task.progress-failed",
        "task.error-when-failed",
    }
    assert {name for name in own if name.startswith("task.")} <= passed.keys()
    assert passed["task.final"] == 1
    assert passed["task.status-order"] == 4
    assert passed["task.progress-monotone"] == 1


def test_nothing_is_said_of_a_task_that_nobody_asked_about() -> None:
    own = {*rules_of(lifecycle, outcomes, progress, queries), *rules_of(progress)}
    assert own.isdisjoint(told().passed())


@pytest.mark.parametrize(
    "bodies",
    [
        [task(), completed()],
        [processing(100), completed()],
        [task(status="processing", progress=40.0), processing(40)],
        [completed(error=None) | {"error": None}, completed()],
        [failed(), failed() | {"results": None}, failed(results=[])],
        [completed(), completed(results=[f"{RESULT}?signed=anew"])],
        [completed(task_info={"can_cancel": True})],
        [completed(), without(completed(), "usage", "task_info")],
        [without(processing(), "created", "model", "object", "type", "progress", "task_info", "usage")],
        [completed(results=[RESULT, RESULT]), completed(results=[RESULT, RESULT])],
        [processing(note="more than is documented"), completed(note="another")],
        [failed("request_cancelled"), failed("request_cancelled")],
    ],
)
def test_what_the_documents_leave_open_accuses_nobody(bodies: list[Body]) -> None:
    assert told(*bodies).accused() == {}


def test_a_wrong_create_is_not_told_again_of_its_queries() -> None:
    for wrong in ({"model": OLD}, {"created": int(START) * 1000}, {"type": "image"}, {"progress": 5}):
        accused = told(processing(), completed(), create=task(**wrong)).accused()
        assert len(accused) == 1
        assert not any(clause.startswith(("task.identity", "query.")) for clause in accused)


def test_a_name_that_differs_among_queries_is_told_where_the_create_has_an_old_one() -> None:
    trace = told(processing(), processing(model="another"), create=task(model=OLD))
    assert trace.accused().keys() == {"model.actual", "task.identity"}


def test_a_recording_without_the_create_is_judged_by_its_queries() -> None:
    trace = Tracing(complete=False)
    for body in (processing(40), processing(20, created=int(START) + 1)):
        trace.query(body)
    assert trace.accused().keys() == {"task.identity", "task.progress-monotone"}


def test_an_id_that_nobody_was_given_is_not_followed() -> None:
    trace, made_up = Tracing(), "task-unified-1700000000-00000000"
    for body in (processing(40), task(progress=5)):
        trace.query(body, id_=made_up, case="an id of ours")
    assert trace.accused().keys() == {"query.unknown-id"}


def test_who_a_task_is_was_not_seen_where_nothing_of_it_was_told_twice() -> None:
    names = ("created", "model", "object", "type")
    bare = {name: value for name, value in processing().items() if name not in names}
    trace = told(bare, bare)
    assert "task.identity" not in trace.passed()
    trace = Tracing(complete=False)
    trace.query(processing())
    assert "task.identity" not in trace.passed()
    trace.query(processing())
    assert trace.passed()["task.identity"] == 1


def test_what_another_key_is_told_is_no_part_of_the_life() -> None:
    trace = told(processing(40))
    trace.query(processing(20), who="other")
    assert trace.accused().keys() == {"query.own-tasks"}


def test_a_task_that_should_not_have_been_made_is_not_followed() -> None:
    trace = Tracing()
    trace.create(body=BODY | {"duration": 7})
    trace.query(processing(120))
    assert trace.accused().keys() == {"duration.enum"}


def at_once(*entries: Entry) -> Tracing:
    """The same, each begun when the first was, and ended when the last was."""
    first, last = entries[0].began, entries[-1].ended
    trace = Tracing()
    trace.entries = [replace(entry, began=first, ended=last) for entry in entries]
    return trace


@pytest.mark.parametrize(
    "bodies",
    [(processing(40), task()), (processing(60), processing(40)), (completed(), processing(99))],
)
def test_answers_that_overlap_say_nothing_of_what_came_first(bodies: tuple[Body, ...]) -> None:
    trace = told(*bodies)
    queries = at_once(*trace.entries[1:]).entries
    trace.entries = [trace.entries[0], *queries]
    assert trace.accused() == {}


STEPS = [task(), processing(1), processing(30), processing(30), processing(99)]
ENDS = [completed(), failed(), completed(results=[RESULT, f"{RESULT}?2"])]


@st.composite
def correct_lives(draw: st.DrawFn) -> list[tuple[float, float, Body]]:
    """Queries as a correct server answers them: each tells the state at some time between its two ends."""
    stays = draw(st.lists(st.floats(0.1, 60.0), min_size=len(STEPS), max_size=len(STEPS)))
    changes = [sum(stays[: place + 1]) for place in range(len(stays))]
    states = [*STEPS, draw(st.sampled_from(ENDS))]
    found = []
    for _ in range(draw(st.integers(1, 12))):
        began = draw(st.floats(1.0, changes[-1] + 60))
        took = draw(st.floats(0.0, 40.0))
        at = began + took * draw(st.floats(0.0, 1.0))
        found.append((began, took, states[sum(change <= at for change in changes)]))
    return sorted(found, key=lambda one: one[0])


# The shape of a body, which openapi-core judges in its own time, has nothing to do with an order.
TIMELY = [
    rule for name, rule in rules_of(lifecycle, outcomes, progress, queries).items() if name != "query.schema"
]


@settings(deadline=None, max_examples=60)
@given(queries=correct_lives())
def test_no_interleaving_of_correct_answers_is_accused(queries: list[tuple[float, float, Body]]) -> None:
    trace = Tracing()
    trace.create()
    for began, took, body in queries:
        trace.at = START + began
        trace.query(body, took=took, after=0.0)
    reading = trace.reading()
    assert all(one.passed for rule in TIMELY for one in rule(reading))


@settings(deadline=None, max_examples=40)
@given(values=st.lists(st.integers(1, 99), min_size=2, max_size=8))
def test_progress_in_turn_is_accused_exactly_when_it_falls(values: list[int]) -> None:
    trace = told(*map(processing, values))
    falls = any(later < earlier for earlier, later in itertools.pairwise(values))
    found = trace.findings(progress.progress_monotone)
    assert any(not one.passed for one in found) == falls


def test_a_task_that_is_not_over_after_ten_times_its_estimated_time_is_a_failure() -> None:
    trace = Tracing()
    trace.create(task(task_info={"can_cancel": True, "estimated_time": 60}))
    trace.query(processing(40), after=599.0)
    assert trace.accused() == {}
    trace.query(processing(40), after=2.0)
    (violated,) = trace.findings(RULES["task.ends"])
    assert (violated.severity, violated.expected) == (None, "an end within 600 s")
    assert "processing" in violated.seen


def test_a_stated_limit_precedes_the_estimated_time_and_without_both_a_long_task_is_a_warning() -> None:
    trace = Tracing()
    trace.create(task(task_info={"can_cancel": True}))
    trace.query(processing(40), after=30.0)
    assert trace.accused() == {}
    limited = TraceView(replace(trace.trace(), task_limit=20.0), SPEC)
    assert [found.passed for found in RULES["task.ends"](limited)] == [False]
    trace.query(processing(40), after=700.0)
    assert [found.severity for found in trace.findings(RULES["task.ends"])] == ["warning"]


def test_time_to_end_is_the_servers() -> None:
    slow = told(processing(40), scale=60.0)
    slow.query(processing(40), after=20.0)
    assert slow.accused().keys() == {"task.ends"}
    assert told(processing(40), processing(41)).accused() == {}


def test_an_unknown_word_at_the_end_is_not_told_twice() -> None:
    trace = told(processing(40), task(status="succeeded", progress=100))
    trace.query(task(status="succeeded", progress=100), after=700.0)
    assert trace.accused().keys() == {"task.status-words"}


@pytest.mark.parametrize("status", [[], {}, ["completed"], 7])
def test_a_status_that_is_no_text_is_told_and_stops_no_rule(status: Any) -> None:
    trace = Tracing()
    trace.create()
    trace.query(task(status=status))
    trace.query(completed())
    assert trace.accused().keys() == {"task.status-words"}


def test_a_callback_tells_of_an_end_too() -> None:
    trace = told(processing(40))
    trace.delivery(completed())
    trace.query(processing(41), after=0.1)
    assert [one.passed for one in trace.findings(lifecycle.ends)] == [True]


def test_the_violation_of_an_order_shows_both_answers() -> None:
    found = told(processing(60), processing(40)).findings(progress.progress_monotone)
    assert found[0].entries == (1, 2)
    assert (found[0].expected, found[0].seen) == ("60 or more", "40 after 60")


def test_five_thousand_queries_are_judged_in_a_moment() -> None:
    trace = told()
    for place in range(5000):
        trace.query(processing(1 + place // 60), after=0.002, took=0.01)
    reading = trace.reading()
    began = process_time()
    assert all(
        one.passed
        for rule in rules_of(lifecycle, outcomes, progress, queries).values()
        for one in rule(reading)
    )
    assert process_time() - began < 5.0


def entries_of_the_mock() -> Iterator[Entry]:
    """Three tasks of the mock from their create to some time after their end, one of them failing."""
    with playing(credits=1000) as mock:
        for prompt in ("A dance", "[[fail=service_error@40]] A dance", "A song"):
            made = mock.create(prompt=prompt)
            yield _entry(mock, BODY | {"prompt": prompt}, made, "POST", PATH)
            for _ in range(12):
                mock.clock.advance(1.0)
                body = mock.query(made)
                yield _entry(mock, None, body, "GET", f"/v1/tasks/{made['id']}")


def _entry(mock: Any, asked: Body | None, answer: Body, method: str, path: str) -> Entry:
    one = Tracing(at=mock.clock.now())
    return one.exchange(method, path, 200, answer, asked=asked if asked is not None else b"")


def test_the_mock_lives_as_documented() -> None:
    entries = [replace(entry, number=place) for place, entry in enumerate(entries_of_the_mock())]
    assert {json.loads(one.exchange.response_body)["status"] for one in entries} == {
        *("pending", "processing", "completed", "failed")
    }
    trace = Tracing()
    trace.entries, trace.at = entries, MOCK_START
    assert trace.accused() == {}
    assert trace.passed()["task.final"] > 10
    assert trace.passed()["failure.codes"] > 1
