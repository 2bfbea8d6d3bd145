from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import evolink_spec
import pytest
from evolink_spec import overlay
from evolink_spec.documents import parse, read
from evolink_spec.errors import SpecError
from evolink_spec.pointers import follow
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(evolink_spec.__file__).parent
OVERLAY = read(HERE / "overlay.yaml")
PUBLISHED = {path.name: read(path) for path in sorted((HERE / "openapi").glob("*.yaml"))}
OVERLAID = {name: overlay.apply(document, OVERLAY, "overlay.yaml") for name, document in PUBLISHED.items()}
CREATE = OVERLAID["grok-imagine-image-to-video.yaml"]
QUERY = OVERLAID["get-task-detail.yaml"]
REQUEST = CREATE["components"]["schemas"]["GrokImagineImageToVideoRequest"]["properties"]
TASK = QUERY["components"]["schemas"]["TaskDetailResponse"]["properties"]
POST = CREATE["paths"]["/v1/videos/generations"]["post"]
GET = QUERY["paths"]["/v1/tasks/{task_id}"]["get"]
FAILURES = {failure["code"]: failure for failure in TASK["error"]["x-evolink-failures"]}
TASK_ID = r"^task-unified-[0-9]{10}-[a-z0-9]{8}$"
ADVICE = {
    "fix-request": (
        "content_policy_violation",
        "invalid_parameters",
        "image_processing_error",
        "image_dimension_mismatch",
        "request_cancelled",
    ),
    "retry-later": (
        "generation_failed_no_content",
        "service_error",
        "generation_timeout",
        "resource_exhausted",
        "quota_exceeded",
        "service_unavailable",
    ),
    "give-up": ("resource_not_found", "unknown_error"),
}


def overlay_of(*actions: Any, **fields: Any) -> dict[str, Any]:
    return {"overlay": "1.0.0", "info": {"title": "t", "version": "1"}, "actions": list(actions)} | fields


def applied(document: Any, *actions: Any) -> Any:
    return overlay.apply(document, overlay_of(*actions), "o.yaml")


def is_kept(old: Any, new: Any) -> bool:
    """Whether everything of `old` is in `new` unchanged, at its place."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and is_kept(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return len(old) == len(new) and all(map(is_kept, old, new))
    return bool(old == new)


def merged(one: Any, other: Any) -> Any:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    return one | {key: merged(one[key], value) if key in one else value for key, value in other.items()}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


# How an overlay is applied


def test_an_update_is_merged_into_every_object_that_its_target_selects() -> None:
    found = applied({"a": {"x": {"k": 1}}, "b": {"x": {}}}, {"target": "$..x", "update": {"n": {"m": 2}}})
    assert found == {"a": {"x": {"k": 1, "n": {"m": 2}}}, "b": {"x": {"n": {"m": 2}}}}


def test_an_update_goes_down_into_objects_replaces_values_and_lengthens_lists() -> None:
    document = {"a": {"deep": {"keep": 1, "change": 1}, "list": [1]}}
    update = {"deep": {"change": 2, "new": 3}, "list": [2, 3]}
    assert applied(document, {"target": "$.a", "update": update}) == {
        "a": {"deep": {"keep": 1, "change": 2, "new": 3}, "list": [1, 2, 3]}
    }


def test_an_update_of_a_list_is_one_more_entry() -> None:
    found = applied({"tags": [{"name": "a"}]}, {"target": "$.tags", "update": {"name": "b"}})
    assert found == {"tags": [{"name": "a"}, {"name": "b"}]}


def test_the_document_itself_can_be_updated() -> None:
    assert applied({"a": 1}, {"target": "$", "update": {"b": 2}}) == {"a": 1, "b": 2}


def test_what_is_removed_is_gone_whatever_the_update_says() -> None:
    found = applied({"a": {"b": {}, "c": {}}}, {"target": "$.a.b", "remove": True, "update": {"x": 1}})
    assert found == {"a": {"c": {}}}


def test_one_entry_of_a_list_can_be_removed() -> None:
    found = applied({"a": [{"n": 1}, {"n": 2}]}, {"target": "$.a[?@.n == 1]", "remove": True})
    assert found == {"a": [{"n": 2}]}


def test_every_entry_of_a_list_can_be_removed() -> None:
    assert applied({"a": list(range(12))}, {"target": "$.a[1:]", "remove": True}) == {"a": [0]}


def test_what_is_removed_may_lie_within_what_is_removed() -> None:
    document = {"a": {"a": [{"a": 1}]}, "b": {"a": 2}}
    assert applied(document, {"target": "$..a", "remove": True}) == {"b": {}}


def test_what_a_document_repeats_by_an_alias_is_updated_in_one_place_only() -> None:
    document = parse("a: &x {k: 1}\nb: *x\n", "d.yaml")
    assert applied(document, {"target": "$.a", "update": {"n": 2}}) == {"a": {"k": 1, "n": 2}, "b": {"k": 1}}


def test_an_action_sees_what_the_ones_before_it_did() -> None:
    found = applied({}, {"target": "$", "update": {"a": {}}}, {"target": "$.a", "update": {"b": 1}})
    assert found == {"a": {"b": 1}}


def test_a_target_that_selects_nothing_changes_nothing() -> None:
    assert applied({"a": 1}, {"target": "$.b[*].c", "update": {"x": 1}}) == {"a": 1}


@given(st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)))
def test_neither_document_nor_overlay_is_touched(value: Any) -> None:
    document = {"a": {}, "z": value}
    given_overlay = overlay_of({"target": "$..a", "update": {"new": [value]}})
    before = copy.deepcopy((document, given_overlay))
    try:
        result = overlay.apply(document, given_overlay, "o.yaml")
    except SpecError:  # some `a` is a number, which cannot be updated
        result = {"a": {"new": []}}
    result["a"]["new"].append("afterwards")
    assert (document, given_overlay) == before


def test_two_targets_share_nothing_of_the_update_they_were_given() -> None:
    found = applied({"a": {}, "b": {}}, {"target": "$[*]", "update": {"list": []}})
    found["a"]["list"].append(1)
    assert found["b"] == {"list": []}


def test_an_overlay_is_told_from_a_document() -> None:
    assert overlay.is_overlay(OVERLAY)
    assert not any(overlay.is_overlay(document) for document in PUBLISHED.values())


@pytest.mark.parametrize(
    ("broken", "pointer"),
    [
        (overlay_of({"target": "$"}, overlay="1.1.0"), "/overlay"),
        (overlay_of({"target": "$"}, overlay=None), "/overlay"),
        (overlay_of({"target": "$"}, action=[]), "/action"),
        ({"overlay": "1.0.0", "actions": [{"target": "$", "update": {}}]}, ""),
        (overlay_of(), "/actions"),
        (overlay_of({"target": "$"}), "/actions/0"),
        (overlay_of({"target": "$.a", "remove": "yes"}), "/actions/0/remove"),
        (overlay_of({"target": "$", "remove": True}), "/actions/0/target"),
        (overlay_of(actions={"target": "$"}), "/actions"),
        (overlay_of({"target": "$", "update": {}}, "words"), "/actions/1"),
        (overlay_of({"update": {}}), "/actions/0"),
        (overlay_of({"target": "$", "updates": {}}), "/actions/0/updates"),
        (overlay_of({"target": "paths", "update": {}}), "/actions/0/target"),
        (overlay_of({"target": "$[", "update": {}}), "/actions/0/target"),
        (overlay_of({"target": "$.a", "update": {}}), "/actions/0/update"),
        (overlay_of({"target": "$", "update": [1]}), "/actions/0/update"),
    ],
)
def test_an_overlay_that_is_not_understood_is_an_error_with_file_and_pointer(
    broken: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(SpecError) as caught:
        overlay.apply({"a": 1}, broken, "o.yaml")
    assert (caught.value.source, caught.value.pointer) == ("o.yaml", pointer)


def test_fields_of_ones_own_are_let_pass() -> None:
    own = overlay_of({"target": "$", "update": {"a": 1}, "x-why": "because"}, **{"x-owner": "me"})
    assert overlay.apply({}, own, "o.yaml") == {"a": 1}


# What the overlay of the package adds


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_overlay_changes_nothing_that_a_document_says(name: str) -> None:
    assert is_kept(PUBLISHED[name], OVERLAID[name])


PARAMETER = {"in": "path", "name": "task_id", "required": True, "schema": {"type": "string"}}
TASK_SCHEMA = {"properties": {name: {"type": "string"} for name in ("id", "status", "progress", "error")}}
# Parts of a document that the published ones have elsewhere: each is a path and the schema that is changed there.
OTHER_PLACES: dict[str, Any] = {
    "/paths/~1v1~1tasks~1{task_id}/parameters": [PARAMETER],
    "/paths/~1v1~1tasks~1{task_id}/get/parameters": [PARAMETER],
    "/components/parameters": {"TaskId": PARAMETER},
    "/paths/~1v1~1tasks~1{task_id}/get/responses/200/content": {"application/json": {"schema": TASK_SCHEMA}},
    "/components/schemas": {"Task": TASK_SCHEMA},
}


def document_with(pointer: str, value: Any) -> dict[str, Any]:
    for token in reversed(pointer.split("/")[1:]):
        value = {token.replace("~1", "/"): value}
    return value  # type: ignore[no-any-return]


def test_every_action_of_the_overlay_finds_its_place_in_some_document() -> None:
    documents = [*PUBLISHED.values(), *(document_with(*place) for place in OTHER_PLACES.items())]
    for action in OVERLAY["actions"]:
        alone = overlay_of(action)
        changed = [overlay.apply(one, alone, "o.yaml") != one for one in documents]
        assert any(changed), action["target"]


@pytest.mark.parametrize("pointer", OTHER_PLACES)
def test_a_task_id_is_found_wherever_a_document_describes_it(pointer: str) -> None:
    document = overlay.apply(document_with(pointer, OTHER_PLACES[pointer]), OVERLAY, "overlay.yaml")
    assert json.dumps(document).count(json.dumps(TASK_ID)) == 1


@pytest.mark.parametrize("pointer", [pointer for pointer in OTHER_PLACES if "parameters" not in pointer])
def test_the_failures_are_added_wherever_a_document_has_the_schema_of_a_task(pointer: str) -> None:
    document = overlay.apply(document_with(pointer, OTHER_PLACES[pointer]), OVERLAY, "overlay.yaml")
    assert json.dumps(document).count("x-evolink-failures") == 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_overlaid_document_is_valid_openapi(name: str) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(OVERLAID[name]).iter_errors()] == []


def test_the_overlaid_documents_together_are_valid_and_refer_to_nothing_missing() -> None:
    whole = merged(QUERY, CREATE)
    assert [error.message for error in OpenAPIV31SpecValidator(whole).iter_errors()] == []
    for reference in references(whole):
        follow(whole, reference.removeprefix("#"), "merged")


def test_a_callback_url_has_its_length_its_scheme_and_the_rules_of_delivery() -> None:
    found = REQUEST["callback_url"]
    assert found["maxLength"] == 2048
    assert found["x-evolink-callback"] == {"timeout": 10, "retries": [1, 2, 4]}
    assert re.search(found["pattern"], "https://example.com/hook")
    assert re.search(found["pattern"], "HTTPS://example.com/hook")
    for refused in ("http://example.com", "httpss://example.com", "example.com", " https://example.com", ""):
        assert not re.search(found["pattern"], refused)


@pytest.mark.parametrize(
    "pointer",
    [
        "/paths/~1v1~1images/post/requestBody/content/application~1json/schema",
        "/paths/~1v1~1images/post/requestBody/content/application~1json/schema/allOf/0",
        "/components/schemas/Request",
    ],
)
def test_a_callback_url_is_found_wherever_a_document_of_the_family_has_its_schema(pointer: str) -> None:
    document: Any = {"type": "object", "properties": {"callback_url": {"type": "string"}}}
    for token in reversed(pointer.split("/")[1:]):
        document = [document] if token == "0" else {token.replace("~1", "/"): document}
    found = follow(overlay.apply(document, OVERLAY, "overlay.yaml"), pointer, "d.yaml")
    assert found["properties"]["callback_url"]["maxLength"] == 2048


def test_an_alias_leads_to_a_model_that_the_document_accepts_and_is_none_itself() -> None:
    ((old, actual),) = REQUEST["model"]["x-evolink-aliases"].items()
    assert actual in REQUEST["model"]["enum"]
    assert old not in REQUEST["model"]["enum"]
    assert f"`{old}` is still supported" in " ".join(REQUEST["model"]["description"].split())


def test_another_model_of_the_family_gets_no_alias() -> None:
    document = {"components": {"schemas": {"R": {"properties": {"model": {"enum": ["another-model"]}}}}}}
    assert overlay.apply(document, OVERLAY, "overlay.yaml") == document


def test_an_answer_that_is_no_task_is_left_alone() -> None:
    properties = {name: {"type": "string"} for name in ("id", "status", "error", "output")}
    response = {"content": {"application/json": {"schema": {"type": "object", "properties": properties}}}}
    document = {"paths": {"/v1/chat": {"post": {"requestBody": {}, "responses": {"200": response}}}}}
    assert overlay.apply(document, OVERLAY, "overlay.yaml") == document


def test_the_documented_failures_are_there_with_their_advice() -> None:
    assert len(TASK["error"]["x-evolink-failures"]) == len(FAILURES) == 13
    assert {code: one["advice"] for code, one in FAILURES.items()} == {
        code: advice for advice, codes in ADVICE.items() for code in codes
    }


def test_a_failure_says_its_kind_in_one_line_and_what_helps_in_another() -> None:
    kinds = FAILURES["content_policy_violation"]["kinds"]
    for message in (*(one["message"] for one in FAILURES.values()), *kinds.values()):
        kind, help_ = message.split("\n")
        assert re.fullmatch(r"[A-Z][a-z ]+(: .+)\.", kind)
        assert re.fullmatch(r"[A-Z].+\.", help_)


def test_the_kinds_of_a_policy_failure_are_the_published_ones() -> None:
    found = FAILURES["content_policy_violation"]
    assert sorted(found["kinds"]) == [
        "celebrity",
        "general",
        "minors",
        "nudity",
        "photorealistic-people",
        "third-party-content",
        "violence",
    ]
    assert found["kinds"]["general"] == found["message"]
    assert len(set(found["kinds"].values())) == 7


def test_the_error_of_a_task_has_one_type() -> None:
    assert TASK["error"]["properties"]["type"]["const"] == "task_error"


def test_the_answer_of_a_create_links_to_the_query_of_its_task() -> None:
    ((_, link),) = POST["responses"]["200"]["links"].items()
    assert link["operationId"] == GET["operationId"]
    assert link["parameters"] == {GET["parameters"][0]["name"]: "$response.body#/id"}


def test_the_callback_sends_the_answer_of_the_query_and_takes_2xx_for_received() -> None:
    ((_, callback),) = POST["callbacks"].items()
    ((url, item),) = callback.items()
    assert url == "{$request.body#/callback_url}"
    sent = item["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert sent == GET["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(item["post"]["responses"]) == {"2XX", "default"}
    assert item["post"]["security"] == []  # the account's key does not go to the receiver


def test_a_task_id_has_its_pattern_where_it_is_given_and_where_it_is_asked() -> None:
    created = CREATE["components"]["schemas"]["VideoGenerationResponse"]["properties"]["id"]
    asked = GET["parameters"][0]["schema"]
    assert created["pattern"] == TASK["id"]["pattern"] == asked["pattern"] == TASK_ID
    for example in (created["example"], TASK["id"]["example"], GET["parameters"][0]["example"]):
        assert re.search(TASK_ID, example)


def test_every_429_has_a_retry_after() -> None:
    for operation in (POST, GET):
        header = operation["responses"]["429"]["headers"]["Retry-After"]
        assert (header["required"], header["schema"]) == (True, {"type": "string"})
        assert all("headers" not in one for status, one in operation["responses"].items() if status != "429")
