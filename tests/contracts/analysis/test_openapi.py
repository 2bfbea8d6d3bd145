"""openapi-core finds the problems of an exchange, and none in an exchange without problems."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from evolink_check import Conformance, Exchange
from evolink_check.traffic.formats import is_uri, strict_json
from evolink_spec import load
from hypothesis import example, given, settings
from hypothesis import strategies as st

SPEC = load()
VOICE = Conformance(SPEC)
CREATE = "/v1/videos/generations"
TASK = "/v1/tasks/task-unified-1757169743-7cvnl5zw"
OPERATION = next(iter(SPEC.creates["POST", CREATE].values()))
ALIAS = next(iter(OPERATION.aliases))
BODY: dict[str, Any] = {
    "model": OPERATION.models[0],
    "prompt": "x",
    "image_urls": ["https://example.com/a.jpg"],
}
KEY = ("Authorization", "Bearer key")
JSON = ("Content-Type", "application/json")
GOOD = Exchange(
    "POST",
    CREATE,
    (KEY, JSON),
    json.dumps(BODY).encode(),
    200,
    (JSON,),
    json.dumps(OPERATION.answer).encode(),
)
POLL = Exchange("GET", TASK, (KEY,), b"", 200, (JSON,), b'{"status":"pending","error":null}')


def sent(body: Any, **more: Any) -> tuple[str, ...]:
    """The problems of a create with this body: bytes as they are, fields beside the good ones."""
    raw = body if isinstance(body, bytes) else json.dumps(BODY | body).encode()
    return VOICE.request_problems(replace(GOOD, request_body=raw, **more))


def answered(exchange: Exchange, body: Any, **more: Any) -> tuple[str, ...]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return VOICE.response_problems(replace(exchange, response_body=raw, **more))


@pytest.mark.parametrize("exchange", [GOOD, POLL], ids=["create", "query"])
def test_what_the_documents_show_has_no_problem(exchange: Exchange) -> None:
    assert VOICE.request_problems(exchange) == ()
    assert VOICE.response_problems(exchange) == ()


@pytest.mark.parametrize("origin", ["", "https://api.evolink.ai", "http://127.0.0.1:8080", "https://[::1]:9"])
def test_it_does_not_matter_where_a_server_stands(origin: str) -> None:
    moved = replace(GOOD, url=f"{origin}{CREATE}?trace=1")
    assert VOICE.request_problems(moved) == VOICE.response_problems(moved) == ()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"duration": 7}, "body duration: 7 is not one of [6, 10]"),
        ({"model": "another"}, "body model: 'another' is not one of"),
        ({"prompt": None}, "body prompt: None is not of type 'string'"),
        ({"image_urls": ["words"]}, "body image_urls[0]: 'words' is not a 'uri'"),
        ({"callback_url": "http://example.com/"}, "body callback_url: 'http://example.com/' does not match"),
    ],
)
def test_a_field_that_breaks_the_schema_is_named(fields: dict[str, Any], problem: str) -> None:
    (found,) = sent(fields)
    assert found.startswith(problem)


def test_every_problem_is_told_once_and_none_at_length() -> None:
    problems = sent({"prompt": ["x" * 10_000], "duration": "6", "mode": "x"})
    assert len(problems) == 4  # a wrong type is no member of its enum either
    assert max(map(len, problems)) <= 200


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "Missing required request body"),
        (b"[]", "body: [] is not of type 'object'"),
        (b"{", "body: is not application/json"),
        (b"\xff", "body: is not application/json"),
        (json.dumps(BODY | {"x": float("nan")}).encode(), "body: is not application/json"),
        (json.dumps(BODY | {"x": "\ud800"}).encode(), "body: is not application/json"),
        (json.dumps(BODY).encode()[:-1] + b', "x": 1e999}', "body: is not application/json"),
        (b"[" * 100_000, "body: is not application/json"),
    ],
)
def test_text_that_is_no_json_object_is_a_problem(raw: bytes, problem: str) -> None:
    assert sent(raw) == (problem,)


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ((JSON,), "Security"),
        ((("Authorization", "Basic x"), JSON), "Security"),
        ((KEY,), "mimetype"),
        ((KEY, ("content-type", "text/plain")), "text/plain"),
    ],
)
def test_a_header_that_is_missing_or_wrong_is_a_problem(
    headers: tuple[tuple[str, str], ...], word: str
) -> None:
    (found,) = VOICE.request_problems(replace(GOOD, request_headers=headers))
    assert word in found


@pytest.mark.parametrize(
    "kind", ["Application/JSON", "application/json;charset=utf-8", "application/json; x", "application/json;"]
)
def test_case_and_parameters_of_a_content_type_do_not_matter(kind: str) -> None:
    headers = (("AUTHORIZATION", "bearer key"), ("CONTENT-TYPE", kind))
    assert VOICE.request_problems(replace(GOOD, request_headers=headers)) == ()
    assert answered(GOOD, OPERATION.answer, response_headers=headers[1:]) == ()


def test_the_old_model_name_is_right_in_a_request_and_only_there() -> None:
    assert sent({"model": ALIAS}) == ()
    assert sent({"model": ALIAS, "duration": 7}) == ("body duration: 7 is not one of [6, 10]",)


def test_unknown_fields_and_whole_floats_are_right() -> None:
    assert sent({"aspect_ratio": "16:9", "duration": 6.0}) == ()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"progress": 101}, "body progress: 101 is greater than the maximum of 100"),
        ({"progress": 0.5}, "body progress: 0.5 is not of type 'integer'"),
        ({"status": "cancelled"}, "body status: 'cancelled' is not one of"),
        ({"id": "task-1"}, "body id: 'task-1' does not match"),
        ({"results": ["words"]}, "body results[0]: 'words' is not a 'uri'"),
        ({"error": {"type": "other"}}, "body error.type: 'task_error' was expected"),
        ([], "body: [] is not of type 'object'"),
        (b"", "Missing response data"),
        (b"<html>", "body: is not application/json"),
    ],
)
def test_an_answer_that_breaks_its_schema_is_a_problem(body: Any, problem: str) -> None:
    (found,) = answered(POLL, body)
    assert found.startswith(problem)


def test_an_error_code_must_be_a_string() -> None:
    assert answered(POLL, {"error": {"code": 404}}, status=404) == (
        "body error.code: 404 is not of type 'string'",
    )


def test_an_undocumented_status_is_a_problem() -> None:
    assert answered(GOOD, {}, status=201) == ("Unknown response http status: 201",)
    assert answered(GOOD, {}, status=404) == ("Unknown response http status: 404",)


def test_another_content_type_of_an_answer_is_a_problem() -> None:
    (found,) = answered(GOOD, {}, response_headers=(("content-type", "text/html"),))
    assert "text/html" in found


def test_a_429_without_retry_after_is_a_problem() -> None:
    assert answered(POLL, {}, status=429) == ("Retry-After: Missing required header: Retry-After",)
    assert answered(POLL, {}, status=429, response_headers=(JSON, ("retry-after", "3"))) == ()


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", CREATE),
        ("POST", TASK),
        ("GET", "/"),
        ("POST", f"/proxy{CREATE}"),
        ("POST", f"{CREATE}/"),
        ("GET", "/v1/credits"),
    ],
)
def test_what_no_document_describes_is_a_problem(method: str, url: str) -> None:
    stray = replace(GOOD, method=method, url=f"https://api.evolink.ai{url}?x=1")
    expected = (f"no document describes {method} {url}",)
    assert VOICE.request_problems(stray) == VOICE.response_problems(stray) == expected


def test_of_two_documents_for_one_path_the_model_decides() -> None:
    """The same path once more, for a model whose clips last 15 s and whose answers say what they made."""
    (source,) = {operation.source for operation in SPEC.creates["POST", CREATE].values()}
    other = copy.deepcopy(SPEC.documents[source])
    schemas = other["components"]["schemas"]
    request = next(name for name in schemas if name.endswith("Request"))
    schemas[request]["properties"] |= {"model": {"const": "other"}, "duration": {"const": 15}}
    schemas["VideoGenerationResponse"]["required"] = ["made"]
    operations = dict(SPEC.creates["POST", CREATE]) | {
        "other": replace(OPERATION, source="other", models=("other",), aliases={})
    }
    conformance = Conformance(
        replace(SPEC, creates={("POST", CREATE): operations}, documents={"other": other, **SPEC.documents})
    )
    for model, right, wrong in ((OPERATION.models[0], 6, 15), (ALIAS, 6, 15), ("other", 15, 6)):
        asked = [
            json.dumps(BODY | {"model": model, "duration": seconds}).encode() for seconds in (right, wrong)
        ]
        assert conformance.request_problems(replace(GOOD, request_body=asked[0])) == ()
        assert len(conformance.request_problems(replace(GOOD, request_body=asked[1]))) == 1
        problems = conformance.response_problems(replace(GOOD, request_body=asked[0]))
        assert problems == (("body: 'made' is a required property",) if model == "other" else ())
    assert conformance.response_problems(POLL) == ()


def test_what_cannot_be_judged_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr("evolink_check.analysis.openapi.is_uri", broken)
    conformance = Conformance(SPEC)
    with pytest.raises(ZeroDivisionError):
        conformance.request_problems(GOOD)


def test_openapi_core_is_loaded_when_first_asked_and_the_mock_never() -> None:
    code = (
        "import sys, evolink_check, evolink_spec; evolink_check.Conformance(evolink_spec.load());"
        "print([name for name in ('openapi_core', 'jsonschema', 'evolink_mock', 'httpx2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


URI = jsonschema_rs.Draft202012Validator({"format": "uri"}, validate_formats=True).is_valid
PIECES = st.sampled_from(
    [
        *"ab1:/?#[]@!$&'()*+,;=%-._~ \\\"<>^`{|}é\n",
        "%41",
        "%4",
        "//",
        "http",
        "https://",
        "[::1]",
        "[v1.a]",
        "[1.2.3.4]",
        ":80",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=10))
@example("http://[::ffff:1.2.3.4]/")
@example("http://[fe80::1%25eth0]/")
@example("a:")
@example("a:/")
@example("a://")
@example("mailto:a@b")
@example("http://a b/")
@example("//example.com/")
def test_two_readers_of_rfc_3986_agree_on_what_a_uri_is(text: str) -> None:
    assert is_uri(text) == URI(text), text


@pytest.mark.parametrize("value", [None, 5, [], {}, True])
def test_a_format_says_nothing_of_what_is_no_text(value: Any) -> None:
    assert is_uri(value)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        st.lists,
        max_leaves=5,
    )
)
def test_strict_json_reads_what_json_is(value: Any) -> None:
    assert strict_json(json.dumps(value).encode()) == value
    assert strict_json(json.dumps(value, ensure_ascii=False).encode()) == value
