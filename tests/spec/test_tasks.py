from __future__ import annotations

from typing import Any

import pytest
from evolink_spec.errors import SpecError
from evolink_spec.models import CallbackRules, Statuses, TaskFailure
from evolink_spec.pointers import Node
from evolink_spec.tasks import aliases_of, callback_of, failures_in, medium_of, statuses_of
from hypothesis import given
from hypothesis import strategies as st

INITIAL = ("pending", "queued", "submitted", "created", "waiting", "not_started")
RUNNING = ("processing", "in_progress", "running", "generating")
SUCCESS = ("completed", "succeeded", "success", "finished", "done")
FAILURE = ("failed", "failure", "error")
OTHERS = ("cancelled", "expired", "paused", "PENDING", "complete", "", None, 3)
OPERATION = Node({"post": {}}, "d.json").child("post")


def nodes(**schemas: Any) -> dict[str, Node]:
    return dict(Node(schemas, "d.json").children())


def refused(call: Any, *arguments: Any) -> SpecError:
    with pytest.raises(SpecError) as caught:
        call(*arguments)
    return caught.value


# The words of a status


@given(st.data())
def test_the_words_of_a_status_are_found_in_any_order_among_others(data: st.DataObject) -> None:
    initial, success, failure = (data.draw(st.sampled_from(words)) for words in (INITIAL, SUCCESS, FAILURE))
    running = data.draw(st.sampled_from([*RUNNING, initial]))
    extra = data.draw(st.lists(st.sampled_from(OTHERS), max_size=3))
    enum = data.draw(st.permutations(list(dict.fromkeys([initial, running, success, failure, *extra]))))
    found = statuses_of(nodes(id={"type": "string"}, status={"enum": enum}), OPERATION)
    assert found == Statuses(initial, running, success, failure, "cancelled" if "cancelled" in enum else "")


@given(st.data())
def test_a_status_that_lacks_a_state_is_no_status_of_a_task(data: st.DataObject) -> None:
    missing = data.draw(st.sampled_from([INITIAL, SUCCESS, FAILURE]))
    enum = [word for words in (INITIAL, SUCCESS, FAILURE, RUNNING) if words is not missing for word in words]
    error = refused(statuses_of, nodes(id={}, status={"enum": [*enum, *OTHERS]}), OPERATION)
    assert error.pointer == "/post"
    assert "the `status` of its response has no value for" in error.problem


@pytest.mark.parametrize("kind", [{}, {"type": "string"}, {"type": ["string", "null"]}, True])
def test_an_id_may_be_any_schema_that_text_can_keep(kind: Any) -> None:
    assert statuses_of(nodes(id=kind, status={"enum": ["queued", "done", "error"]}), OPERATION)


# What is made


@pytest.mark.parametrize(
    ("properties", "path", "medium"),
    [
        ({"object": {"const": "audio.generation.task"}}, "/v1/videos", "audio"),
        ({"object": {"enum": ["image.generation.task"]}}, "/v1/videos", "image"),
        ({"object": {"type": "string", "example": "video.generation.task"}}, "/v1/x", "video"),
        ({"object": {"default": "video.generation.task"}, "type": {"const": "image"}}, "/v1/x", "video"),
        ({"object": {"const": "task"}, "type": {"const": "image"}}, "/v1/videos", "image"),
        ({"type": {"enum": ["text", "image", "video"], "example": "image"}}, "/v1/videos", "image"),
        ({"type": {"enum": ["image", "video"]}}, "/v1/audios/generations", "audio"),
        ({"type": {"const": "text"}}, "/v1/video/generations", "video"),
        ({"type": {"const": ["image"]}}, "/v1/videos", "video"),
        ({"type": True, "object": {"const": 3}}, "/v1/images", "image"),
        ({}, "/images/v1", "image"),
    ],
)
def test_the_medium_comes_from_the_object_then_the_type_then_the_path(
    properties: dict[str, Any], path: str, medium: str
) -> None:
    assert medium_of(nodes(**properties), OPERATION, path) == medium


@pytest.mark.parametrize("path", ["/v1/generations", "/v1/images/to/video", "/v1/imagesets"])
def test_a_medium_that_nothing_tells_is_refused(path: str) -> None:
    error = refused(medium_of, {}, OPERATION, path)
    assert error.pointer == "/post"
    assert "does not state its medium" in error.problem


def test_a_task_that_makes_something_else_is_refused_whatever_its_path() -> None:
    error = refused(medium_of, nodes(object={"const": "text.generation.task"}), OPERATION, "/v1/videos")
    assert (error.pointer, error.problem) == (
        "/object",
        "is a task that makes text, not audio, image or video",
    )


# What an overlay says


def test_the_old_names_of_a_model_are_read() -> None:
    model = nodes(model={"x-evolink-aliases": {"old": "m-1", "older": "m-1"}})["model"]
    assert aliases_of(model, ["m-1", "m-2"]) == {"old": "m-1", "older": "m-1"}
    assert aliases_of(None, ["m-1"]) == aliases_of(nodes(model={})["model"], ["m-1"]) == {}


@pytest.mark.parametrize(
    ("aliases", "pointer"),
    [
        ({"old": "m-3"}, "/model/x-evolink-aliases/old"),
        ({"old": 3}, "/model/x-evolink-aliases/old"),
        (["old"], "/model/x-evolink-aliases"),
        ("old", "/model/x-evolink-aliases"),
    ],
)
def test_aliases_that_lead_to_no_model_are_refused(aliases: Any, pointer: str) -> None:
    model = nodes(model={"x-evolink-aliases": aliases})["model"]
    assert refused(aliases_of, model, ["m-1"]).pointer == pointer


def test_the_callback_rules_belong_to_the_property_that_has_them() -> None:
    rules = {"timeout": 2.5, "retries": [0, 1.5]}
    found = callback_of(nodes(url={}, hook={"maxLength": 80, "x-evolink-callback": rules}))
    assert found == CallbackRules(field="hook", max_length=80, timeout=2.5, retries=(0, 1.5))
    assert callback_of(nodes(url={}, flag=True)) is None


RULES = {"timeout": 1, "retries": [1]}


@pytest.mark.parametrize(
    ("hook", "pointer", "problem"),
    [
        ({"maxLength": 8, "x-evolink-callback": {"timeout": 1}}, "/hook/x-evolink-callback", "no 'retries'"),
        (
            {"maxLength": 8, "x-evolink-callback": RULES | {"tries": 1}},
            "/hook/x-evolink-callback/tries",
            "not a supported field",
        ),
        (
            {"maxLength": 8, "x-evolink-callback": RULES | {"timeout": "1"}},
            "/timeout",
            "must be a non-negative number",
        ),
        (
            {"maxLength": 8, "x-evolink-callback": RULES | {"retries": [True]}},
            "/retries/0",
            "must be a non-negative number",
        ),
        ({"maxLength": 8, "x-evolink-callback": RULES | {"retries": [-1]}}, "/retries/0", "non-negative"),
        ({"maxLength": 8, "x-evolink-callback": RULES | {"retries": 3}}, "/retries", "must be a list"),
        ({"maxLength": 8, "x-evolink-callback": None}, "/hook/x-evolink-callback", "must be a mapping"),
        ({"x-evolink-callback": RULES}, "/hook", "has no 'maxLength'"),
    ],
)
def test_callback_rules_that_make_no_sense_are_refused(hook: Any, pointer: str, problem: str) -> None:
    error = refused(callback_of, nodes(hook=hook))
    assert error.pointer.endswith(pointer)
    assert problem in error.problem


def test_a_second_callback_url_is_refused() -> None:
    hook = {"maxLength": 8, "x-evolink-callback": RULES}
    error = refused(callback_of, nodes(hook=hook, other=hook))
    assert error.pointer == "/other/x-evolink-callback"
    assert error.problem.startswith("is also on 'hook'")


FAILURE_OBJECT = {"code": "tired", "message": "Tired.\nSleep.", "advice": "give-up"}


def test_the_failures_are_read_in_their_order() -> None:
    other = FAILURE_OBJECT | {"code": "bored", "kinds": {"very": "Very bored."}}
    error = nodes(error={"x-evolink-failures": [FAILURE_OBJECT, other]})["error"]
    assert failures_in(error) == (
        TaskFailure("tired", "Tired.\nSleep.", "give-up"),
        TaskFailure("bored", "Tired.\nSleep.", "give-up", (("very", "Very bored."),)),
    )
    assert failures_in(None) == failures_in(nodes(error={})["error"]) == ()


@pytest.mark.parametrize(
    ("failures", "pointer", "problem"),
    [
        ([FAILURE_OBJECT, FAILURE_OBJECT], "/1/code", "'tired' appears twice"),
        (
            [FAILURE_OBJECT | {"advice": "rest"}],
            "/0/advice",
            "'rest' is not one of fix-request, retry-later, give-up",
        ),
        ([FAILURE_OBJECT | {"advice": ["give-up"]}], "/0/advice", "is not one of"),
        ([FAILURE_OBJECT | {"more": 1}], "/0/more", "is not a supported field here"),
        ([{"code": "tired", "advice": "give-up"}], "/0", "has no 'message'"),
        ([FAILURE_OBJECT | {"code": ""}], "/0/code", "must be text"),
        (["tired"], "/0", "must be a mapping, not str"),
        ({"tired": "Tired."}, "", "must be a list, not dict"),
    ],
)
def test_failures_that_make_no_sense_are_refused(failures: Any, pointer: str, problem: str) -> None:
    error = refused(failures_in, nodes(error={"x-evolink-failures": failures})["error"])
    assert error.pointer == f"/error/x-evolink-failures{pointer}"
    assert problem in error.problem
