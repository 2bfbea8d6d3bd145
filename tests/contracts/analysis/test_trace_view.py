"""A trace as the rules read it: what each entry is, what it holds, and the story of every task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.analysis.observations import results_of
from evolink_check.analysis.trace_view import TraceView
from evolink_check.traffic.formats import NOT_JSON
from support.records.trace_builders import (
    BODY,
    CREATE,
    ID,
    MODEL,
    ORIGIN,
    RESULT,
    SPEC,
    Tracing,
    completed,
    error,
    processing,
    task,
)

if TYPE_CHECKING:
    from evolink_check.analysis.observations import Observation
    from evolink_check.traffic.trace import Trace

INVALID = error("invalid_request", "invalid_request_error")


def only(trace: Tracing) -> Observation:
    (found,) = trace.reading().seen
    return found


@pytest.mark.parametrize(
    ("method", "path", "role", "task_id"),
    [
        ("POST", CREATE, "create", ""),
        ("post", f"{CREATE}?x=1", "create", ""),
        ("GET", CREATE, "other method", ""),
        ("HEAD", f"/v1/tasks/{ID}", "other method", ""),
        ("GET", f"/v1/tasks/{ID}?x=1", "query", ID),
        ("GET", "/v1/tasks/%2e", "query", "%2e"),
        ("GET", "/v1/tasks/", "other path", ""),
        ("GET", "/v1/tasks/a/b", "other path", ""),
        ("GET", "/v1/tasks", "other path", ""),
        ("GET", "/v1/credits", "credits", ""),
        ("POST", "/v1/credits", "other method", ""),
        ("GET", f"{CREATE}/", "other path", ""),
        ("GET", "/", "other path", ""),
        ("GET", "https://elsewhere.test/v1/credits", "elsewhere", ""),
        ("GET", "https://[no/v1/credits", "elsewhere", ""),
        ("GET", f"{ORIGIN}.evil.test/v1/credits", "elsewhere", ""),
    ],
)
def test_an_entry_has_the_role_of_its_method_and_path(
    method: str, path: str, role: str, task_id: str
) -> None:
    trace = Tracing()
    trace.exchange(method, path, 404)
    assert (only(trace).role, only(trace).task_id) == (role, task_id)


def test_an_api_below_a_prefix_is_read_as_if_it_were_not() -> None:
    trace = Tracing()
    trace.exchange("GET", f"{ORIGIN}/gate/v1/tasks/{ID}", 200, processing())
    trace.exchange("GET", f"{ORIGIN}/v1/credits", 200)
    reading = TraceView(replace(trace.trace(), origin=f"{ORIGIN}/gate"), SPEC)
    assert [one.role for one in reading.seen] == ["query", "elsewhere"]


def test_without_an_origin_the_path_alone_tells() -> None:
    trace = Tracing()
    trace.exchange("GET", "https://anywhere.test/v1/credits", 200)
    assert TraceView(replace(trace.trace(), origin=""), SPEC).seen[0].role == "credits"


def test_bodies_are_decoded_and_what_is_no_json_is_told_apart_from_null() -> None:
    trace = Tracing()
    trace.create(b"null", body=b"{")
    found = only(trace)
    assert (found.request_json, found.answer_json) == (NOT_JSON, None)
    assert found.body == {}
    assert not found.succeeded
    trace.create(b"")
    assert trace.reading().seen[1].answer_json is NOT_JSON


def test_a_create_knows_its_faults_its_operation_and_its_documented_errors() -> None:
    trace = Tracing()
    trace.create(body=BODY | {"duration": 7, "model": MODEL.removesuffix("-beta")})
    found = only(trace)
    assert [fault.clause for fault in found.faults] == ["duration.enum"]
    assert found.operation is not None
    assert MODEL in found.operation.models
    assert (found.success, found.errors) == (200, found.operation.errors)
    assert found.task_id == ID


def test_a_query_knows_its_documented_errors_and_other_entries_have_none() -> None:
    trace = Tracing()
    trace.query(processing())
    trace.credits(5)
    query, credits_ = trace.reading().seen
    assert (query.success, query.errors) == (200, SPEC.query.errors)
    assert (credits_.success, dict(credits_.errors)) == (0, {})


def test_a_refused_create_made_no_task_whatever_its_body_says() -> None:
    trace = Tracing()
    trace.create(task(), 400)
    assert only(trace).task_id == ""
    assert trace.reading().tasks == {}


def test_headers_are_found_in_any_case_on_their_own_side() -> None:
    trace = Tracing()
    trace.create(headers=(("retry-AFTER", "5"),), sent=(("X-One", "1"),))
    found = only(trace)
    assert (found.header("Retry-After"), found.sent("x-one")) == ("5", "1")
    assert found.header("X-One") is found.sent("Retry-After") is None
    trace.delivery(completed(), sent=(("X-Sign", "s"),))
    assert trace.reading().seen[1].header("x-sign") == "s"


def test_what_was_not_answered_is_read_but_counted_nowhere() -> None:
    trace = Tracing()
    trace.create(b"", status=0)
    trace.create()
    reading = trace.reading()
    assert len(reading.seen) == 2
    assert [one.number for one in reading.of("create")] == [1]
    assert [one.number for one in reading.api] == [1]


def test_a_delivery_is_read_whether_it_was_answered_or_not() -> None:
    trace = Tracing()
    trace.delivery(completed(), status=0)
    (found,) = trace.reading().of("delivery")
    assert (found.task_id, found.body["status"]) == (ID, "completed")


def life() -> Tracing:
    trace = Tracing()
    trace.create(body=BODY | {"callback_url": "https://hooks.example.test/c/1"})
    trace.query(processing())
    trace.query(error("permission_denied", "invalid_request_error"), 403, who="other")
    trace.delivery(completed())
    trace.query(completed())
    trace.link()
    return trace


def test_a_story_holds_everything_about_its_task_in_order() -> None:
    (story,) = life().reading().tasks.values()
    assert story.id == ID
    assert story.create is not None
    assert story.callback_url == "https://hooks.example.test/c/1"
    assert [one.number for one in story.queries] == [1, 4]
    assert [one.number for one in story.refused] == [2]
    assert [one.number for one in story.deliveries] == [3]
    assert [one.number for one in story.links] == [5]
    assert [one.number for one in story.views] == [0, 1, 3, 4]


def test_a_view_stands_where_its_answer_ended_and_a_delivery_where_it_began() -> None:
    trace = Tracing()
    trace.create()
    trace.query(completed(), took=9.0)
    trace.delivery(completed(), after=-5.0)
    (story,) = trace.reading().tasks.values()
    assert [one.number for one in story.views] == [0, 2, 1]


def test_a_task_that_was_only_asked_for_in_vain_has_no_story() -> None:
    trace = Tracing()
    trace.query(error("task_not_found", "invalid_request_error"), 404)
    assert trace.reading().tasks == {}
    trace.query(processing(), who="other")
    (story,) = trace.reading().tasks.values()
    assert story.create is None
    assert story.callback_url is None


@pytest.mark.parametrize("url", [RESULT, f"{ORIGIN}/media/x.mp4"])
def test_a_link_is_whatever_a_body_named_as_a_result(url: str) -> None:
    trace = Tracing()
    trace.link(url=url)
    assert trace.reading().of("link") == ()
    trace.query(completed(results=[url]))
    assert [one.number for one in trace.reading().of("link")] == [0]


@pytest.mark.parametrize(
    ("body", "links"),
    [({}, []), ({"results": None}, []), ({"results": "x"}, []), ({"results": ["x", 5]}, ["x"])],
)
def test_results_are_the_texts_in_a_list(body: dict[str, Any], links: list[str]) -> None:
    assert results_of(body) == links


def test_of_several_roles_each_is_found_and_order_is_kept_within_one() -> None:
    reading = life().reading()
    assert [one.number for one in reading.of("query", "create")] == [1, 2, 4, 0]


def test_what_is_asked_of_a_reading_is_computed_once() -> None:
    calls = []

    def count(reading: TraceView) -> int:
        calls.append(reading)
        return len(reading.seen)

    reading = life().reading()
    assert reading.once(count) == reading.once(count) == 6
    assert calls == [reading]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"progress": "4"}, {("/progress", "type")}),
        ({"status": "queued", "results": ["words"]}, {("/status", "enum"), ("/results/0", "format")}),
        ({"id": "abc"}, {("/id", "pattern")}),
        ({"created": "x"}, {("/created", "type")}),
        ({"task_info": {"can_cancel": "yes"}}, {("/task_info/can_cancel", "type")}),
    ],
)
def test_an_answer_is_held_against_its_schema_place_by_place(
    changes: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    trace = Tracing()
    trace.query(processing() | changes)
    reading = trace.reading()
    problems = reading.problems(reading.seen[0])
    assert {(one.pointer, one.keyword) for one in problems} == expected
    assert all(one.message for one in problems)


def test_create_and_query_are_held_against_schemas_of_their_own() -> None:
    answer = task(object="audio.generation.task")
    trace = Tracing()
    trace.create(answer)
    trace.query(answer)
    reading = trace.reading()
    create, query = (reading.problems(one) for one in reading.seen)
    assert [one.pointer for one in create] == ["/object"]
    assert query == ()


def test_an_answer_of_no_documented_status_has_no_schema_to_be_held_against() -> None:
    trace = Tracing()
    trace.create(task(status=5), 201)
    trace.query(error("x", "y"), 410)
    reading = trace.reading()
    assert [reading.problems(one) for one in reading.seen] == [(), ()]


def with_order(trace: Trace, numbers: list[int]) -> list[str]:
    return [trace.entries[number].exchange.method for number in numbers]


def test_numbers_are_places_in_the_trace() -> None:
    trace = life().trace()
    assert with_order(trace, [one.number for one in TraceView(trace, SPEC).seen]) == [
        *("POST", "GET", "GET", "POST", "GET", "GET")
    ]


def test_schemas_are_held_against_answers_below_any_base_url() -> None:
    trace = Tracing()
    trace.create(task(task_info=5))
    trace.query(processing(results=5))
    base = "https://gate.test/evolink"
    entries = tuple(
        replace(one, exchange=replace(one.exchange, url=one.exchange.url.replace(ORIGIN, base)))
        for one in trace.entries
    )
    reading = TraceView(replace(trace.trace(), entries=entries, origin=base), SPEC)
    pointers = [[problem.pointer for problem in reading.problems(one)] for one in reading.seen]
    assert pointers == [["/task_info"], ["/results"]]


def test_what_nobody_can_read_as_a_url_is_elsewhere_without_a_base_url_too() -> None:
    trace = Tracing()
    trace.exchange("GET", "https://[no/v1/credits", 200, b"{}")
    (found,) = TraceView(replace(trace.trace(), origin=""), SPEC).seen
    assert found.role == "elsewhere"
