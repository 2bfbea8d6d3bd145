"""What a poll sees is what the documents promise, at every instant of a task's life."""

from __future__ import annotations

import copy
import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.domain import task_body
from evolink_mock.domain.tasks import SUCCESS, Outcome, Timetable
from evolink_mock.media.spec import media_spec_of
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import (
    FAILURE,
    OPERATION,
    SPEC,
    START,
    TIMETABLES,
    a_task,
    a_timetable,
    an_operation,
    documented,
    instants,
)

if TYPE_CHECKING:
    from evolink_spec import Medium

PUBLISHED = documented("VideoGenerationResponse")
QUERY = documented("TaskDetailResponse")


def at(timetable: Timetable, now: float) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(task_body.to_json(a_task(timetable), now))
    return body


def draw_body(timetable: Timetable, data: st.DataObject) -> dict[str, Any]:
    return at(timetable, data.draw(instants(timetable)))


@given(TIMETABLES, st.data())
def test_the_body_is_valid_by_both_documents_at_every_instant(
    timetable: Timetable, data: st.DataObject
) -> None:
    body = draw_body(timetable, data)
    PUBLISHED.validate(body)
    QUERY.validate(body)


@given(TIMETABLES, st.data())
def test_a_body_has_results_only_when_completed(timetable: Timetable, data: st.DataObject) -> None:
    body = draw_body(timetable, data)
    assert ("results" in body) is (body["status"] == "completed")
    assert body.get("results", ["one"]) != []


@given(TIMETABLES, st.data())
def test_a_body_has_a_documented_error_only_when_failed(timetable: Timetable, data: st.DataObject) -> None:
    body = draw_body(timetable, data)
    assert ("error" in body) is (body["status"] == "failed")
    if "error" in body:
        assert body["error"]["type"] == "task_error"
        assert (body["error"]["code"], body["error"]["message"]) in {
            (failure.code, failure.message) for failure in SPEC.failures
        }


@given(TIMETABLES, st.data())
def test_the_constant_fields_of_a_task_never_change(timetable: Timetable, data: st.DataObject) -> None:
    one, other = draw_body(timetable, data), draw_body(timetable, data)
    for name in ("created", "id", "model", "object", "type", "usage"):
        assert one[name] == other[name]
    assert one["task_info"]["estimated_time"] == other["task_info"]["estimated_time"] == timetable.estimate


@given(TIMETABLES, st.data())
def test_the_body_is_compact_json_with_unescaped_slashes(timetable: Timetable, data: st.DataObject) -> None:
    wire = task_body.to_json(a_task(timetable), data.draw(instants(timetable)))
    assert wire.decode() == json.dumps(json.loads(wire), separators=(",", ":"), ensure_ascii=False)
    assert rb"\/" not in wire


@given(TIMETABLES, st.floats(0, 1e12))
def test_all_answers_after_the_end_are_the_same_bytes(timetable: Timetable, later: float) -> None:
    task = a_task(timetable)
    assert task_body.to_json(task, timetable.ends + later) == task_body.to_json(task, timetable.ends)


@given(TIMETABLES, st.data())
def test_a_task_can_be_cancelled_until_its_end(timetable: Timetable, data: st.DataObject) -> None:
    body = draw_body(timetable, data)
    assert body["task_info"]["can_cancel"] is (body["status"] in {"pending", "processing"})


@pytest.mark.parametrize("starts", [START, math.inf])
@pytest.mark.parametrize("outcome", [SUCCESS, Outcome(FAILURE)])
def test_a_task_that_never_ends_is_json_all_the_same(starts: float, outcome: Outcome) -> None:
    body = at(Timetable(START, starts, math.inf, 5, outcome), START + 1e9)
    assert body["status"] == ("processing" if starts == START else "pending")
    QUERY.validate(body)


def test_every_documented_field_is_given() -> None:
    published = next(document for name, document in SPEC.documents.items() if name == OPERATION.source)
    schemas = published["components"]["schemas"]
    body = at(a_timetable(), START)
    assert body.keys() == schemas["VideoGenerationResponse"]["properties"].keys()
    assert body["task_info"].keys() == schemas["VideoTaskInfo"]["properties"].keys()
    assert body["usage"] == {"billing_rule": "per_call", "credits_reserved": 5, "user_group": "default"}


@pytest.mark.parametrize(("medium", "ending"), [("video", ".mp4"), ("image", ".png"), ("audio", ".mp3")])
def test_a_link_has_the_origin_of_the_request_and_the_suffix_of_the_medium(
    medium: Medium, ending: str
) -> None:
    task = a_task(
        operation=an_operation(medium=medium),
        media=media_spec_of({}, medium, 0),
        origin="https://mock.test/below",
    )
    assert task_body.to_dict(task, START + 10)["results"] == [
        f"https://mock.test/below/media/{task.id}{ending}"
    ]


def test_the_model_is_the_requested_one_and_not_that_of_the_example() -> None:
    assert task_body.to_dict(a_task(model="another"), START)["model"] == "another"


def test_created_is_in_whole_seconds() -> None:
    assert at(a_timetable(created=START + 0.999), START + 1)["created"] == START


def test_the_status_words_are_those_of_the_document() -> None:
    statuses = OPERATION.statuses._replace(
        initial="queued", running="running", success="done", failure="error"
    )
    operation = an_operation(statuses=statuses)
    seen = [
        task_body.to_dict(a_task(a_timetable(outcome=outcome), operation=operation), START + seconds)[
            "status"
        ]
        for outcome in (SUCCESS, Outcome(FAILURE))
        for seconds in (0, 5, 10)
    ]
    assert seen == ["queued", "running", "done", "queued", "running", "error"]


def test_encoding_a_task_changes_nothing() -> None:
    before = copy.deepcopy(OPERATION.answer)
    task_body.to_json(a_task(), START + 10)
    assert before == OPERATION.answer


def test_a_remembered_body_is_that_of_its_task_and_state() -> None:
    first, second = a_task(), a_task(a_timetable(START + 3))
    for now in (START, START + 1, START + 1, START + 1000, START):
        for task in (first, second, first):
            assert json.loads(task_body.to_json(task, now)) == task_body.to_dict(task, now)


@pytest.mark.parametrize("model", [OPERATION.models[0], "100 %d \u4e16 \0(id)b"])
def test_a_pending_body_encoded_in_advance_is_the_same(model: str) -> None:
    body = task_body.PendingBody(a_task(model=model))
    for task_id, created, seconds in (
        ("task-unified-1757169743-7cvnl5zw", START, 10.0),
        ("x", START + 5.9, 99.5),
        ("y", START + 5.2, 99.5),
        ("y", START + 5.2, 10.0),
    ):
        task = a_task(a_timetable(created, seconds), id=task_id, model=model)
        assert body.encode(task) == task_body.to_json(task, created)
