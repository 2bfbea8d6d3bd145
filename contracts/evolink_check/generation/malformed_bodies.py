"""Malformed request bodies, such as bodies with wrong syntax, a wrong type or excessive size."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from evolink_check.generation.case_builders import JSON, Headers, compact_json, create_case
from evolink_check.generation.fields import required_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_spec import CreateOperation, Spec

    from evolink_check.generation.case import Case

OTHER_CONTENT_TYPES = (
    *("text/plain", "text/html; charset=utf-8", "application/xml", "application/octet-stream"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
)
NOT_OBJECTS = (b"null", b"true", b"0", b'"words"', b"[]", b"[{}]", b"[[[]]]", b"-1.5e3")
NOT_JSON_TEXTS = (
    b" \n",
    b"{",
    b"}",
    b"[",
    b'"',
    b"{]",
    b"{,}",
    b"\x00",
    b"\xff\xfe",
    b"\x80{}",
    b"undefined",
    b"model=x",
)
_LEVELS = 400  # brackets that are never closed, but few enough for a decoder to detect that
_MB = 1024 * 1024
_LIMIT = ("body.limit",)


def refused_malformed(operation: CreateOperation, spec: Spec, good: Mapping[str, Any]) -> Iterator[Case]:
    """Yield create requests that a server must reject because of their malformed bodies. `good` is a valid body."""
    for name, body in (*_not_json(good), *_not_an_object(good), *_duplicate_keys(good)):
        yield create_case(name, operation, spec, body)
    for name, headers, body in _other_content_types(good):
        yield create_case(name, operation, spec, body, headers=headers)
    for name, body in _large_bodies(without_last_required_field(good, operation)):
        yield create_case(name, operation, spec, body, about=_LIMIT)


def tolerated_malformed(operation: CreateOperation, spec: Spec, good: Mapping[str, Any]) -> Iterator[Case]:
    """Yield create requests with JSON that not every decoder accepts. `good` is a valid body."""
    # without a required field, few servers create a task
    bad = without_last_required_field(good, operation)
    head = compact_json(bad)[:-1]
    comma = b"," if bad else b""
    bodies = {
        "a byte order mark": b"\xef\xbb\xbf" + compact_json(bad),
        "NaN": head + comma + b'"x":NaN}',
        "Infinity": head + comma + b'"x":[-Infinity]}',
        "a number out of range": head + comma + b'"x":1e400}',
        "a number of 4,000 digits": head + comma + b'"x":' + b"9" * 4_000 + b"}",
        "invalid UTF-8 in a string": head + comma + b'"x":"\xc3\x28"}',
        "a lone surrogate": head + comma + b'"x":"\\ud800"}',
        "a control character in a string": head + comma + b'"x":"\x01"}',
        "5,000 levels": head + comma + b'"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        "100,000 brackets": b"[" * 100_000,
    }
    for name, body in bodies.items():
        yield create_case(name, operation, spec, body, about=("error.no-500",))


def without_last_required_field(good: Mapping[str, Any], operation: CreateOperation) -> dict[str, Any]:
    """Return the body without the last of its required fields."""
    required = [name for name in required_of(operation) if name in good]
    return {name: value for name, value in good.items() if name != (required or [""])[-1]}


def _not_json(good: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    text = compact_json(good)
    yield "no body", b""
    for raw in NOT_JSON_TEXTS:
        yield f"not JSON: {raw!r}"[:60], raw
    yield "half a body", text[: len(text) // 2]
    yield "a body without its last byte", text[:-1]
    yield "trailing data after the body", text + b"}"
    yield "two bodies", text + text
    yield "a comment", b"/* body */" + text
    yield "single quotes", text.replace(b'"', b"'")
    yield "a trailing comma", text[:-1] + b",}"
    yield "a form", b"&".join(f"{name}=words".encode() for name in good) or b"x=words"
    yield f"{_LEVELS} open brackets", b"[" * _LEVELS
    yield "JSON with escaped quotes", json.dumps(text.decode()).encode()[1:-1]


def _not_an_object(good: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for raw in NOT_OBJECTS:
        yield f"not an object: {raw.decode()}", raw
    yield "the body in a list", b"[" + compact_json(good) + b"]"
    yield "the body in a string", json.dumps(compact_json(good).decode()).encode()


def _duplicate_keys(good: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name in good:
        rest = compact_json({**good, name: {}})
        # Both values are invalid, so a server must reject either (clause `body.duplicate-keys`).
        yield f"{name} twice", rest[:-1] + b"," + compact_json({name: [{}]})[1:]
        return


def _other_content_types(good: Mapping[str, Any]) -> Iterator[tuple[str, Headers, bytes]]:
    for kind in OTHER_CONTENT_TYPES:
        yield f"the type {kind.partition(';')[0]}", (("Content-Type", kind),), compact_json(good)
    compressed = gzip.compress(compact_json({}), mtime=0)
    yield "invalid gzip", (*JSON, ("Content-Encoding", "gzip")), b"\x1f\x8b no gzip"
    yield "gzip of an empty object", (*JSON, ("Content-Encoding", "gzip")), compressed
    yield "gzip without a Content-Encoding", JSON, compressed


def _large_bodies(bad: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    head = compact_json(bad)[:-1]
    more = head + b"," * bool(bad)
    yield "3 MB of one string", more + b'"x":"' + b"x" * 3 * _MB + b'"}'
    yield "1 MB of fields", more + _many_fields() + b"}"
    yield "1 MB of white space", head + b" " * _MB + b"}"
    yield "100 levels", more + b'"x":' + b"[" * 100 + b"]" * 100 + b"}"


@cache
def _many_fields() -> bytes:
    return b",".join(b'"x%d":%d' % (place, place) for place in range(75_000))
