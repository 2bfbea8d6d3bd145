"""The answers to queries of an own task: status, shape and subject."""

from __future__ import annotations

from typing import Any

import pytest
from support.records.trace_builders import BODY, ID, JSON, Tracing, completed, error, failed, processing, task

Body = dict[str, Any]
ANOTHER = "task-unified-1757169743-00000000"
USAGE = {"billing_rule": "per_call", "credits_reserved": 5, "user_group": "default"}
DOWN = error("internal_error", "api_error")
LOST = error("task_not_found", "invalid_request_error")
DENIED = error("permission_denied", "invalid_request_error")
INVALID = error("invalid_task_id", "invalid_request_error", param="task_id")
LIMITED = error("rate_limit_exceeded", "evo_api_error")
POOR = error("quota_exceeded", "insufficient_quota")


def told(*bodies: Any, create: Body | None = None) -> Tracing:
    """A create and its queries; a pair is an answer with its status."""
    trace = Tracing()
    trace.create(create)
    for body in bodies:
        answer, status = body if isinstance(body, tuple) else (body, 200)
        trace.query(answer, status)
    return trace


def without(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}


VIOLATIONS: list[tuple[str, list[Any]]] = [
    ("query.answers-200", [processing(), (LOST, 404)]),
    ("query.answers-200", [(DENIED, 403)]),
    ("query.answers-200", [(INVALID, 400), processing()]),
    ("create.readable-at-once", [(LOST, 404), processing()]),
    ("error.documented-status", [processing(), (DOWN, 410)]),
    ("error.documented-status", [(processing(), 202)]),
    ("query.complete", [without(processing(), "id")]),
    ("query.complete", [without(processing(), "status")]),
    ("query.complete", [processing(), without(completed(), "status")]),
    ("query.complete", [{}]),
    ("query.complete", [processing() | {"id": None}]),
    ("query.complete", [DOWN]),
    ("query.same-id", [processing(id=ANOTHER)]),
    ("query.same-id", [processing(), completed(id="")]),
    ("query.schema", [[processing()]]),
    ("query.schema", [b"null"]),
    ("query.schema", [processing(task_info=[])]),
    ("query.schema", [processing(task_info={"can_cancel": "no"})]),
    ("query.schema", [processing(id=5)]),
    ("query.schema", [processing(created="1757169743")]),
    ("query.schema", [processing(model=7)]),
    ("query.schema", [processing() | {"progress": None}]),
    ("query.schema", [completed(results="https://media.example.test/a.mp4")]),
    ("query.schema", [processing(results={})]),
    ("query.extra-fields", [processing(usage="5 credits")]),
    ("query.extra-fields", [processing(usage={"credits_used": 5})]),
    ("query.extra-fields", [processing(usage=USAGE | {"credits_reserved": "5"})]),
    ("query.extra-fields", [processing(usage=USAGE | {"credits_reserved": -5})]),
    ("query.extra-fields", [processing(usage=USAGE | {"user_group": 1})]),
    ("query.extra-fields", [processing(task_info={"can_cancel": True, "estimated_time": "soon"})]),
    ("query.extra-fields", [processing(task_info={"can_cancel": True, "estimated_time": -1})]),
]


@pytest.mark.parametrize(("clause", "bodies"), VIOLATIONS)
def test_what_is_wrong_with_an_answer_is_told_by_one_clause(clause: str, bodies: list[Any]) -> None:
    assert told(*bodies).accused().keys() == {clause}


@pytest.mark.parametrize(
    "body",
    [
        without(processing(), "usage", "task_info"),
        processing() | {"usage": None, "task_info": {"can_cancel": True, "estimated_time": None}},
        processing(task_info={"can_cancel": True, "estimated_time": 7.0}),
        processing(usage=USAGE | {"credits_reserved": 7.5, "more": True}),
        processing(more={"than": "documented"}),
        without(processing(), "progress", "created", "model", "object", "type"),
    ],
)
def test_what_the_documents_leave_open_accuses_nobody(body: Body) -> None:
    trace = told(body)
    assert trace.accused() == {}
    assert trace.passed()["query.schema"] == trace.passed()["query.complete"] == 1


def test_what_the_create_says_too_is_told_of_the_create_alone() -> None:
    for clause, wrong in (
        ("create.schema", {"task_info": {"can_cancel": "yes", "estimated_time": 1}}),
        ("task.estimated-time", {"task_info": {"can_cancel": True, "estimated_time": "soon"}}),
        ("usage.shape", {"usage": {"billing_rule": "per_mood"}}),
        ("task.kind", {"object": "video.task"}),
    ):
        assert told(processing(**wrong), create=task(**wrong)).accused().keys() == {clause}


@pytest.mark.parametrize(("answer", "status"), [(LIMITED, 429), (POOR, 402), (DOWN, 500)])
def test_a_refusal_that_is_not_about_the_task_says_nothing(answer: Body, status: int) -> None:
    trace = Tracing(accounts={})
    trace.create()
    trace.query(answer, status, headers=(*JSON, ("Retry-After", "1")))
    assert "query.answers-200" not in trace.accused()


def test_a_failed_task_is_answered_with_200() -> None:
    assert told(failed()).passed()["query.answers-200"] == 1


def others_are_answered(trace: Tracing) -> Tracing:
    made = task(id=ANOTHER)
    trace.create(made)
    trace.query(processing(id=ANOTHER), id_=ANOTHER)
    return trace


def test_a_task_that_is_a_500_from_some_time_on_is_told_while_others_are_answered() -> None:
    ever = told(processing(), *[(DOWN, 500)] * 3)
    assert ever.accused() == {}, "the whole server may be down"
    assert others_are_answered(ever).accused().keys() == {"query.answers-200"}


@pytest.mark.parametrize("bodies", [[(DOWN, 500)] * 2, [*[(DOWN, 500)] * 5, processing()]])
def test_a_500_that_passes_is_not_told(bodies: list[Any]) -> None:
    assert others_are_answered(told(processing(), *bodies)).accused() == {}


def test_a_query_that_is_refused_for_a_header_is_not_told_twice() -> None:
    trace = told(processing())
    trace.query(INVALID, 400, sent=(("X-Request-Id", "1"),))
    assert trace.accused().keys() == {"wire.unknown-headers"}


def test_nothing_is_said_of_queries_where_there_were_none() -> None:
    trace = told()
    trace.create(error("invalid_request", "invalid_request_error"), 400, BODY | {"duration": 7})
    assert not any(clause.startswith("query.") for clause in trace.passed())
    assert ID in trace.reading().tasks


@pytest.mark.parametrize("asked", ["main", "unknown"])
def test_a_403_is_right_where_nobody_knows_whose_key_asked(asked: str) -> None:
    trace = Tracing()
    trace.create(who="unknown")
    trace.query(processing(), who="unknown")
    trace.query(DENIED, 403, who=asked)
    assert trace.accused() == {}


def test_whoever_cannot_be_told_apart_from_the_owner_is_not_taken_for_the_owner() -> None:
    for maker, asked in (("main", "unknown"), ("unknown", "main"), ("unknown", "unknown")):
        trace = Tracing()
        trace.create(who=maker)
        trace.query(processing(), who=maker)
        trace.query(LOST, 404, who=asked)
        for _ in range(3):
            trace.query(error("internal_error", "api_error"), 500, who=asked)
        assert trace.accused() == {}, (maker, asked)


def test_a_304_to_who_has_the_answer_already_is_no_answer_of_a_task() -> None:
    trace = told(processing())
    trace.query(b"", 304, sent=(("if-none-match", '"1"'),))
    trace.exchange(
        "GET", "/v1/credits", 304, b"", sent=(("If-Modified-Since", "Sat, 06 Sep 2025 14:42:23 GMT"),)
    )
    assert trace.accused() == {}
    trace.query(b"", 304)
    assert trace.accused().keys() == {"error.documented-status"}
