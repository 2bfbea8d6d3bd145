"""What the answer of a create says of its task: each departure by its clause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_check import Conformance, Exchange
from evolink_check.rules import RULES
from support.records.trace_builders import BODY, ID, JSON, MODEL, START, Tracing, error, processing, task

if TYPE_CHECKING:
    from evolink_check.analysis.openapi import Problem

OLD = MODEL.removesuffix("-beta")
UNKNOWN = error("task_not_found", "invalid_request_error")
AT = 1_757_169_744


def new(place: int = 1, **changes: Any) -> dict[str, Any]:
    """The answer of another create."""
    return task(**{"id": f"task-unified-{AT}-{place:08}", "created": AT} | changes)


ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("create.schema", {"task_info": "soon"}),
    ("create.schema", {"task_info": {"can_cancel": "yes", "estimated_time": 1}}),
    ("create.schema", {"progress": "0"}),
    ("create.schema", {"created": str(int(START))}),
    ("create.schema", {"id": 5}),
    ("create.schema", {"type": 5}),
    *(("create.complete", {name: None}) for name in ("id", "status", "created", "model", "progress")),
    ("create.pending-first", {"status": "queued"}),
    ("create.pending-first", {"status": "processing"}),
    ("create.pending-first", {"progress": 5}),
    ("create.pending-first", {"progress": 101}),
    ("model.actual", {"model": OLD}),
    ("model.actual", {"model": "another"}),
    ("id.format", {"id": f"task-unified-{int(START)}-7CVNL5ZW"}),
    ("id.format", {"id": f"task-video-{int(START)}-7cvnl5zw"}),
    ("id.format", {"id": ""}),
    ("id.created", {"id": f"task-unified-{int(START) - 7}-7cvnl5zw"}),
    ("task.created", {"created": int(START) * 1000}),
    ("task.created", {"created": int(START) - 3600, "id": f"task-unified-{int(START) - 3600}-7cvnl5zw"}),
    ("task.created", {"created": int(START) + 3600, "id": f"task-unified-{int(START) + 3600}-7cvnl5zw"}),
    ("task.created", {"created": 0}),
    ("task.kind", {"type": "image"}),
    ("task.kind", {"type": "movie"}),
    ("task.kind", {"object": "image.generation.task"}),
    ("task.kind", {"object": "video", "type": None}),
    ("task.estimated-time", {"task_info": {"estimated_time": -5}}),
    ("task.estimated-time", {"task_info": {"estimated_time": "5 s"}}),
    ("task.estimated-time", {"task_info": {"estimated_time": 1.5}}),
    ("usage.shape", {"usage": {"billing_rule": "per_call", "credits_reserved": 5}}),
    (
        "usage.shape",
        {"usage": {"billing_rule": "per_call", "credits_reserved": "5", "user_group": "default"}},
    ),
    ("usage.shape", {"usage": {"billing_rule": "per_call", "credits_reserved": -5, "user_group": "default"}}),
    ("usage.shape", {"usage": {"billing_rule": "per_mood", "credits_reserved": 5, "user_group": "default"}}),
    ("usage.shape", {"usage": "5"}),
]


@pytest.mark.parametrize(("clause", "changes"), ANSWERS, ids=repr)
def test_each_departure_of_an_answer_is_told_by_its_clause_alone(
    clause: str, changes: dict[str, Any]
) -> None:
    trace = Tracing()
    trace.create(task(**changes))
    assert trace.accused().keys() == {clause}


def test_null_where_a_client_needs_a_value_is_told_as_missing() -> None:
    trace = Tracing()
    trace.create(task() | {"status": None, "id": None})
    assert trace.accused().keys() == {"create.complete"}


@pytest.mark.parametrize("body", [[], "task", 7])
def test_an_answer_that_is_no_object_is_told_by_the_schema(body: Any) -> None:
    trace = Tracing()
    trace.create(body)
    assert trace.accused().keys() == {"create.schema"}


@pytest.mark.parametrize(
    "changes",
    [
        {"usage": None, "object": None, "type": None, "task_info": None},
        {"progress": 0.0},
        {"task_info": {}},
        {"usage": {"billing_rule": "per_second", "credits_reserved": 0.5, "user_group": "vip", "more": 1}},
        {"more": {"of": "it"}},
        {"created": int(START) + 59, "id": f"task-unified-{int(START) + 59}-7cvnl5zw"},
    ],
    ids=repr,
)
def test_what_the_documents_leave_open_is_right(changes: dict[str, Any]) -> None:
    trace = Tracing()
    trace.create(task(**changes))
    assert trace.accused() == {}


@pytest.mark.parametrize("status", [201, 202])
def test_an_accepted_create_that_is_no_200_is_told_once(status: int) -> None:
    trace = Tracing()
    trace.create(status=status)
    trace.query(processing())
    assert trace.accused().keys() == {"create.answers-200"}


def test_a_task_is_readable_at_once() -> None:
    trace = Tracing()
    trace.create()
    trace.query(UNKNOWN, 404, after=0.0)
    trace.query(processing())
    assert trace.accused().keys() == {"create.readable-at-once"}


def test_a_task_that_is_lost_before_it_is_first_asked_for_was_not_asked_for_at_once() -> None:
    trace = Tracing()
    trace.create()
    trace.query(UNKNOWN, 404, after=5.0)
    trace.query(UNKNOWN, 404)
    assert trace.accused().keys() == {"query.answers-200"}
    late = Tracing()
    late.create()
    late.query(processing(), after=5.0)
    assert "create.readable-at-once" not in late.passed()


def test_a_task_that_turns_up_after_a_404_was_not_readable_at_once_however_late_that_was() -> None:
    trace = Tracing()
    trace.create()
    trace.query(UNKNOWN, 404, after=5.0)
    trace.query(processing())
    assert trace.accused().keys() == {"create.readable-at-once"}


def test_a_query_that_overtook_its_create_or_came_of_another_says_nothing_of_it() -> None:
    trace = Tracing()
    trace.create(took=5.0)
    trace.query(UNKNOWN, 404, after=-4.0)
    assert "create.readable-at-once" not in trace.accused()
    trace.query(processing(), 200, ID, after=9.0)
    assert "create.readable-at-once" not in trace.accused()


def test_two_creates_with_one_id_are_told_and_their_queries_are_not() -> None:
    trace = Tracing()
    trace.create()
    trace.create(body=BODY | {"prompt": "another"})
    trace.query(UNKNOWN, 404)
    assert trace.accused().keys() == {"id.unique"}
    assert trace.passed()["id.unique"] == 1


def test_a_recording_that_was_read_twice_has_no_twins() -> None:
    trace = Tracing()
    trace.create()
    trace.at = START - 1.0
    trace.create()
    assert trace.entries[0].began == trace.entries[1].began
    assert trace.accused() == {}


def moved(trace: Tracing, seconds: int, place: int, **more: Any) -> None:
    at = int(START) + seconds
    trace.create(task(created=at, id=f"task-unified-{at}-{place:08}"), **more)


def test_a_clock_that_was_moved_ahead_explains_what_lies_ahead_and_no_more() -> None:
    trace = Tracing()
    moved(trace, 0, 1)
    moved(trace, 90_000, 2)
    assert trace.accused() == {}
    moved(trace, 90_000, 3, who="other")
    assert trace.accused().keys() == {"task.created"}
    trace.entries.pop()
    moved(trace, -90_000, 3)
    assert trace.accused().keys() == {"task.created"}


def test_a_task_created_while_the_clock_was_moved_is_not_accused() -> None:
    trace = Tracing()
    at = int(START) + 90_000
    slow = task(created=at, id=f"task-unified-{at}-00000002")
    trace.create(slow, took=30.0)  # it began first, and was answered when the clock had been moved
    trace.at = START + 5.0
    moved(trace, 6, 1, after=0.0)
    assert trace.accused() == {}


def test_a_server_that_takes_long_may_create_the_task_at_any_time_meanwhile() -> None:
    for headers in (JSON, JSON[:1]):
        trace = Tracing(at=START - 100.0)
        moved(trace, -95, 1, took=100.0, headers=headers)
        assert trace.accused() == {}


def test_a_clock_that_runs_faster_tells_other_times_but_never_milliseconds() -> None:
    trace = Tracing(scale=20.0)
    moved(trace, 3600, 1)
    assert trace.accused() == {}
    trace.create(task(created=int(START) * 1000))
    assert trace.accused().keys() == {"task.created"}


def test_without_a_date_our_own_clock_is_held_against_it_which_may_be_out_of_step() -> None:
    for seconds, clauses in ((-300, set()), (50_000, set()), (-200_000, {"task.created"})):
        trace = Tracing()
        moved(trace, seconds, 1, headers=JSON[:1])
        assert trace.accused().keys() == clauses


def test_of_many_answers_each_kind_is_held_against_its_schema_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Exchange] = []
    look = Conformance.schema_problems

    def counted(conformance: Conformance, exchange: Exchange) -> tuple[Problem, ...]:
        asked.append(exchange)
        return look(conformance, exchange)

    monkeypatch.setattr(Conformance, "schema_problems", counted)
    trace = Tracing()
    for place in range(300):
        trace.create(new(place) if place % 100 else new(place, task_info="soon"))
    found = [one for one in trace.findings(RULES["create.schema"]) if not one.passed]
    assert [one.entries for one in found] == [(0,), (100,), (200,)]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("after", "complete", "accused"), [(-0.05, False, False), (-0.05, True, True), (1.0, False, True)]
)
def test_one_create_that_a_browser_recorded_twice_has_no_twins(
    after: float, *, complete: bool, accused: bool
) -> None:
    trace = Tracing(complete=complete)
    trace.create()
    trace.create(after=after)
    assert ("id.unique" in trace.accused()) is accused
