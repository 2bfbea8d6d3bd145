"""What a create has wrong: each fault by its clause, none where there is none, and never in conflict with the mock."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from evolink_check.analysis.request_faults import RequestFault, create_faults, operation_of, renamed
from evolink_check.traffic.formats import NOT_JSON, decode_json
from evolink_mock.api.operations import CompiledOperations
from evolink_mock.http.errors import ApiError as Refusal
from evolink_mock.http.json_body import check_content_type, parse
from hypothesis import example, given
from hypothesis import strategies as st
from support.records.callbacks import url_refusal
from support.records.trace_builders import BODY, MODEL, SPEC, compact

CREATES = next(iter(SPEC.creates.values()))
OPERATION = CREATES[MODEL]
SCRIPTS = CompiledOperations(CREATES)
JSON = (("Content-Type", "application/json"),)
HOOK = "https://hooks.example.com/c/1"


def faults(
    body: Any, headers: tuple[tuple[str, str], ...] = JSON, receiver: str = ""
) -> tuple[RequestFault, ...]:
    return create_faults(headers, compact(body), CREATES, receiver)


def clauses(body: Any, **more: Any) -> list[str]:
    """The clauses of the faults; one that is not sure in brackets."""
    return [one.clause if one.sure else f"({one.clause})" for one in faults(body, **more)]


def refused_by_the_mock(body: bytes, kind: str = "application/json") -> bool:
    """What the mock decides before it asks what the host of a callback resolves to."""
    if not body or check_content_type(kind.encode()):
        return True
    document: Any = parse(body)
    document, script = (document, document) if isinstance(document, Refusal) else SCRIPTS.choose(document)
    if isinstance(script, Refusal) or script.validator.check(document):
        return True
    rules = OPERATION.callback
    url = document.get("callback_url")
    return rules is not None and url is not None and url_refusal(url, rules, ()) is not None


def agrees(body: bytes, kind: str = "application/json") -> None:
    """A sure fault is refused, and what has none is not."""
    found = create_faults((("Content-Type", kind),), body, CREATES)
    refused = refused_by_the_mock(body, kind)
    if any(one.sure for one in found):
        assert refused, found
    if not found:
        assert not refused


VALID = st.fixed_dictionaries(
    {
        "model": st.sampled_from([*OPERATION.models, *OPERATION.aliases]),
        "prompt": st.text(min_size=1).filter(lambda text: text.strip() and is_text(text)),
        "image_urls": st.lists(
            st.sampled_from(["https://a.test/b.jpg", "http://a.test/%20?x#y"]), min_size=1, max_size=1
        ),
    },
    optional={
        "duration": st.sampled_from([6, 10]),
        "mode": st.sampled_from(["fun", "normal", "spicy"]),
        "quality": st.sampled_from(["480p", "720p"]),
        "callback_url": st.just(HOOK),
        "aspect_ratio": st.one_of(st.none(), st.integers(-9, 9), st.just("16:9")),
    },
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.lists(st.one_of(st.text(max_size=3), st.integers()), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(
        [6.0, 10.0, 1e300, -0.0, 2**70, HOOK, "http://a.b/", "https://127.1/", "x:", "https://é.com"]
    ),
)


def is_text(text: str) -> bool:
    return text.isprintable() or text.isascii()


@given(VALID)
def test_a_valid_body_has_no_fault_and_the_mock_takes_it(body: dict[str, Any]) -> None:
    assert faults(body) == ()
    assert not refused_by_the_mock(compact(body))


@given(VALID, st.dictionaries(st.sampled_from([*OPERATION.properties, "more"]), ODD, min_size=1, max_size=2))
@example(BODY, {"duration": 6.5})
@example(BODY, {"duration": 2**64})
@example(BODY, {"mode": None})
@example(BODY, {"model": 5})
@example(BODY, {"callback_url": ""})
def test_a_mutated_body_is_judged_as_the_mock_does(body: dict[str, Any], changes: dict[str, Any]) -> None:
    agrees(compact(body | changes))


@given(st.one_of(st.binary(max_size=30), st.text(max_size=30).map(str.encode), ODD.map(compact)))
@example(b"")
@example(b" ")
@example(b"\xef\xbb\xbf{}")
@example(b'{"a":\xff}')
@example(b'{"a":NaN}')
@example(b'{"a":"\\ud800"}')
@example(b"[" * 100_000)
@example(b'{"a":' * 300 + b"1" + b"}" * 300)
def test_any_bytes_are_judged_as_the_mock_does(body: bytes) -> None:
    agrees(body)


@given(
    st.sampled_from(
        [
            "application/json",
            "Application/JSON; charset=utf-8",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
        ]
    )
)
def test_a_content_type_is_judged_as_the_mock_does(kind: str) -> None:
    agrees(compact(BODY), kind)


@given(VALID, st.sampled_from(["model", "prompt", "image_urls"]))
def test_what_is_required_and_missing_is_the_only_fault(body: dict[str, Any], name: str) -> None:
    found = {key: value for key, value in body.items() if key != name}
    assert clauses(found) == ["create.required"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"duration": 7}, ["duration.enum"]),
        ({"duration": 6.5}, ["duration.enum"]),
        ({"duration": 10**30}, ["duration.enum"]),
        ({"duration": 6.0}, ["(duration.enum)"]),
        ({"duration": "6"}, ["create.types"]),
        ({"duration": True}, ["create.types"]),
        ({"duration": None}, ["(create.types)"]),
        ({"mode": "Normal"}, ["mode.enum"]),
        ({"mode": 1}, ["create.types"]),
        ({"mode": None}, ["(create.types)"]),
        ({"quality": "1080p"}, ["quality.enum"]),
        ({"model": "another"}, ["model.enum"]),
        ({"model": 5}, ["create.types"]),
        ({"model": None}, ["create.types"]),
        ({"prompt": None}, ["create.types"]),
        ({"prompt": ["x"]}, ["create.types"]),
        ({"prompt": ""}, ["(prompt.length)"]),
        ({"prompt": "x" * 100_000}, []),
        ({"prompt": "x" * 130_000}, ["(prompt.length)"]),
        ({"prompt": "x" * 1_100_000}, ["(body.limit)", "(prompt.length)"]),
        ({"image_urls": []}, ["(create.image-urls-empty)"]),
        ({"image_urls": ["https://a.b/1", "https://a.b/2"]}, ["create.image-urls-max-one"]),
        ({"image_urls": "https://a.b/1"}, ["create.types"]),
        ({"image_urls": [5]}, ["create.types"]),
        ({"image_urls": ["words"]}, ["create.image-urls-uri", "(create.image-urls-uri)"]),
        ({"image_urls": ["https://a.b/ä"]}, ["(create.image-urls-uri)"]),
        ({"image_urls": ["data:image/png;base64,AAAA"]}, ["(create.image-urls-uri)"]),
        ({"callback_url": HOOK}, []),
        ({"callback_url": HOOK.ljust(2048, "x")}, []),
        ({"callback_url": HOOK.ljust(2049, "x")}, ["callback.max-length"]),
        ({"callback_url": ""}, ["callback.uri"]),
        ({"callback_url": "words"}, ["callback.uri"]),
        ({"callback_url": "https://a.b/c d"}, ["callback.uri"]),
        ({"callback_url": "https://a.b/ä"}, ["(callback.uri)"]),
        ({"callback_url": "http://example.com/"}, ["callback.https-only"]),
        ({"callback_url": "ftp://example.com/"}, ["callback.https-only"]),
        ({"callback_url": "https://127.0.0.1/"}, ["callback.no-internal"]),
        ({"callback_url": "https://printer.local/"}, ["(callback.no-internal)"]),
        ({"callback_url": 5}, ["create.types"]),
        ({"callback_url": None}, ["(create.types)"]),
        ({"aspect_ratio": None}, []),
        ({"duration": 7, "mode": "x"}, ["duration.enum", "mode.enum"]),
        ({"x": json.loads("[" * 80 + "]" * 80)}, ["(body.limit)"]),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_each_field_has_its_fault(fields: dict[str, Any], expected: list[str]) -> None:
    assert sorted(clauses(BODY | fields)) == sorted(expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", ["body.required"]),
        (b" ", ["body.json"]),
        (b"{", ["body.json"]),
        (b"[]", ["body.json"]),
        (b"null", ["body.json"]),
        (b"\xff", ["body.json"]),
        (b"[" * 100_000, ["(body.json)"]),
        (compact(BODY) + b"\0", ["(body.json)"]),
        (compact(BODY)[:-1] + b',"x":Infinity}', ["(body.json)"]),
        (compact(BODY)[:-1] + b',"x":1e999}', ["(body.json)"]),
        (compact(BODY)[:-1] + b',"x":"\\udc00"}', ["(body.json)"]),
        (compact(BODY)[:-1] + b',"mode":"fun","mode":"fun"}', ["(body.duplicate-keys)"]),
    ],
    ids=lambda value: repr(value)[-50:],
)
def test_text_that_is_no_object_has_its_fault(body: bytes, expected: list[str]) -> None:
    assert clauses(body) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((("content-TYPE", "APPLICATION/json;charset=UTF-8"),), []),
        ((("Content-Type", 'application/json; charset="utf-8"'),), []),
        ((("Content-Type", "application/json; charset=latin-1"),), ["(body.json)"]),
        ((("Content-Type", "application/vnd.api+json"),), ["(body.json)"]),
        ((), ["(body.json)"]),
        ((*JSON, *JSON), ["(body.json)"]),
        ((("Content-Type", "text/plain"),), ["body.json"]),
    ],
)
def test_a_content_type_has_its_fault(headers: tuple[tuple[str, str], ...], expected: list[str]) -> None:
    assert clauses(BODY, headers=headers) == expected


def test_a_callback_to_the_receiver_is_right_wherever_it_is_and_still_not_too_long() -> None:
    body = BODY | {"callback_url": "http://127.0.0.1:9/c/1"}
    assert clauses(body) == ["callback.https-only"]
    assert clauses(body, receiver="http://127.0.0.1:9/") == []
    body["callback_url"] = body["callback_url"].ljust(2049, "x")
    assert "callback.max-length" in clauses(body, receiver="http://127.0.0.1:9/")


def test_where_a_receiver_on_an_internal_host_may_be_called_no_internal_host_is_surely_wrong() -> None:
    for receiver, fault in (
        ("http://127.0.0.1:9", "(callback.no-internal)"),
        ("https://a.example", "callback.no-internal"),
    ):
        assert clauses(BODY | {"callback_url": "https://10.0.0.1/x"}, receiver=receiver) == [fault]


def test_no_fault_shows_what_was_sent() -> None:
    secret = "https://user:hunter2@127.0.0.1/?key=hunter2"
    found = faults(BODY | {"callback_url": secret, "prompt": ["hunter2"], "mode": "hunter2"})
    assert len(found) == 3
    assert "hunter2" not in repr(found)


def test_a_body_is_decoded_strictly() -> None:
    assert decode_json(b'{"a":1}') == {"a": 1}
    assert decode_json(b"") is decode_json(b"NaN") is decode_json(b"\xff") is NOT_JSON


def test_the_operation_of_a_body_is_that_of_its_model() -> None:
    old = next(iter(OPERATION.aliases))
    assert operation_of({"model": MODEL}, CREATES) is OPERATION
    assert operation_of({"model": ["x"]}, CREATES) is operation_of([], CREATES) is OPERATION
    assert renamed({"model": old, "x": 1}, OPERATION) == {"model": MODEL, "x": 1}
    assert renamed({"model": ["x"]}, OPERATION) == {"model": ["x"]}


@pytest.mark.parametrize("number", [b"9" * 400, b"-" + b"9" * 5000, b"1e400"])
def test_a_number_that_few_decoders_can_hold_may_be_refused_or_not(number: bytes) -> None:
    body = json.dumps(BODY).encode()[:-1] + b', "seed": ' + number + b"}"
    assert clauses(body) == ["(body.json)"]
    assert decode_json(number) in {math.inf, -math.inf}, "valid JSON, and out of range"


@pytest.mark.parametrize("number", [b"9" * 308, b"1e307", b"1e-400", b"[1e10]"])
def test_a_large_number_in_range_is_no_fault(number: bytes) -> None:
    assert clauses(json.dumps(BODY).encode()[:-1] + b', "seed": ' + number + b"}") == []


def test_no_depth_of_a_body_stops_the_reader() -> None:
    for depth in range(800, 1001):
        body = json.dumps(BODY).encode()[:-1] + b', "x": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        assert clauses(body) in (["(body.limit)"], ["(body.json)"])


@pytest.mark.parametrize(
    "url", ["https://", "http:a.jpg", "https:///a.jpg", "http://127.0.0.1/a.jpg", "data:,x"]
)
def test_an_image_that_a_server_may_not_want_to_fetch_may_be_refused_or_not(url: str) -> None:
    assert clauses(BODY | {"image_urls": [url]}) == ["(create.image-urls-uri)"]
