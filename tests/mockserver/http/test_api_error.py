"""An error is the document's own example, with what is wrong added."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evolink_mock.http.errors import ApiError, to_json
from evolink_spec import ErrorAnswer
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import OPERATION, SPEC

DETAILS = st.binary().map(lambda detail: detail.decode("latin-1"))


def error(api_error: ApiError, documented: Any = OPERATION.errors) -> dict[str, Any]:
    body = json.loads(to_json(api_error, documented))
    assert list(body) == ["error"]
    fields: dict[str, Any] = body["error"]
    return fields


@pytest.mark.parametrize("documented", [OPERATION.errors, SPEC.query.errors], ids=["create", "query"])
def test_a_documented_status_is_answered_with_the_document_s_example(documented: Any) -> None:
    for status, answer in documented.items():
        assert error(ApiError(status), documented) == answer.body["error"]


@given(DETAILS.filter(bool), DETAILS.filter(bool))
def test_the_detail_stands_behind_the_documented_message_and_the_field_beside_it(
    detail: str, param: str
) -> None:
    fields = error(ApiError(400, detail, param))
    assert fields == {
        "code": "invalid_request",
        "message": f"Invalid request parameters: {detail}",
        "type": "invalid_request_error",
        "param": param,
    }


def test_the_example_is_never_changed() -> None:
    error(ApiError(400, "detail", "param"))
    assert error(ApiError(400)) == OPERATION.errors[400].body["error"]


@pytest.mark.parametrize("status", [400, 404, 405, 410, 416, 500, 503])
def test_what_no_document_describes_is_in_the_same_shape(status: int) -> None:
    fields = error(ApiError(status, "detail"), {})
    assert fields.keys() == {"code", "message", "type"}
    assert all(isinstance(value, str) for value in fields.values())
    assert fields["message"].endswith(": detail")


def test_an_unknown_status_is_told_as_an_internal_error() -> None:
    assert error(ApiError(504), {})["code"] == "internal_error"


def test_a_hint_is_not_for_the_client() -> None:
    assert b"secret" not in to_json(ApiError(400, "detail", hint="secret"), OPERATION.errors)


def test_an_error_is_compact_json() -> None:
    assert to_json(ApiError(401), OPERATION.errors) == (
        b'{"error":{"code":"unauthorized","message":"Invalid or expired token","type":"authentication_error"}}'
    )


def test_an_example_without_a_message_gets_the_detail_alone() -> None:
    documented = {400: ErrorAnswer(400, "", {"error": {"code": "bad"}})}
    assert error(ApiError(400, "detail"), documented) == {"code": "bad", "message": "detail"}


def test_what_an_example_has_beside_its_error_is_kept() -> None:
    documented = {400: ErrorAnswer(400, "", {"success": False, "error": {"message": "no"}})}
    assert json.loads(to_json(ApiError(400, "why"), documented)) == {
        "success": False,
        "error": {"message": "no: why"},
    }
