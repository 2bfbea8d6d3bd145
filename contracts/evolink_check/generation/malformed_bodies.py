"""Bodies that are wrong on the wire: no JSON, no object, another type, too deep, too much. Pure."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from evolink_check.generation.fields import required_of
from evolink_check.generation.labels import JSON, Headers, compact, create_case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_spec import CreateOperation, Spec

    from evolink_check.generation.case import Case

OTHER_KINDS = (
    *("text/plain", "text/html; charset=utf-8", "application/xml", "application/octet-stream"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
)
NO_OBJECTS = (b"null", b"true", b"0", b'"words"', b"[]", b"[{}]", b"[[[]]]", b"-1.5e3")
BROKEN = (
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
_LEVELS = 400  # surely no JSON when they are never closed, and not too deep to say so
_MB = 1024 * 1024
_LIMIT = ("body.limit",)


def refused_malformed(operation: CreateOperation, spec: Spec, good: Mapping[str, Any]) -> Iterator[Case]:
    """Creates that a server surely must refuse, made of a body that it would take."""
    for name, body in (*_no_json(good), *_no_object(good), *_twins(good)):
        yield create_case(name, operation, spec, body)
    for name, headers, body in _other_kinds(good):
        yield create_case(name, operation, spec, body, headers=headers)
    for name, body in _large(without(good, operation)):
        yield create_case(name, operation, spec, body, about=_LIMIT)


def tolerated_malformed(operation: CreateOperation, spec: Spec, good: Mapping[str, Any]) -> Iterator[Case]:
    """Creates that only some decoders take; a required field is missing besides, so that hardly any makes a task."""
    bad = without(good, operation)
    head = compact(bad)[:-1]
    comma = b"," if bad else b""
    bodies = {
        "a byte order mark": b"\xef\xbb\xbf" + compact(bad),
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


def without(good: Mapping[str, Any], operation: CreateOperation) -> dict[str, Any]:
    """The body without the last of its required fields."""
    required = [name for name in required_of(operation) if name in good]
    return {name: value for name, value in good.items() if name != (required or [""])[-1]}


def _no_json(good: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    text = compact(good)
    yield "no body", b""
    for raw in BROKEN:
        yield f"no JSON: {raw!r}"[:60], raw
    yield "half a body", text[: len(text) // 2]
    yield "a body without its end", text[:-1]
    yield "something behind the body", text + b"}"
    yield "two bodies", text + text
    yield "a comment", b"/* body */" + text
    yield "single quotes", text.replace(b'"', b"'")
    yield "a comma at the end", text[:-1] + b",}"
    yield "a form", b"&".join(f"{name}=words".encode() for name in good) or b"x=words"
    yield f"{_LEVELS} open brackets", b"[" * _LEVELS
    yield "JSON with escaped quotes", json.dumps(text.decode()).encode()[1:-1]


def _no_object(good: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for raw in NO_OBJECTS:
        yield f"no object: {raw.decode()}", raw
    yield "the body in a list", b"[" + compact(good) + b"]"
    yield "the body in a string", json.dumps(compact(good).decode()).encode()


def _twins(good: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Wrong whichever of the two counts: which one does is left open (clause `body.duplicate-keys`)."""
    for name in good:
        rest = compact({**good, name: {}})
        yield f"{name} twice", rest[:-1] + b"," + compact({name: [{}]})[1:]
        return


def _other_kinds(good: Mapping[str, Any]) -> Iterator[tuple[str, Headers, bytes]]:
    for kind in OTHER_KINDS:
        yield f"the type {kind.partition(';')[0]}", (("Content-Type", kind),), compact(good)
    packed = gzip.compress(compact({}), mtime=0)
    yield "gzip that is none", (*JSON, ("Content-Encoding", "gzip")), b"\x1f\x8b no gzip"
    yield "gzip of an empty object", (*JSON, ("Content-Encoding", "gzip")), packed
    yield "gzip that is not said", JSON, packed


def _large(bad: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield "3 MB of one string", compact({**bad, "x": "x" * 3 * _MB})
    yield "1 MB of fields", compact({**bad, **{f"x{place}": place for place in range(75_000)}})
    yield "1 MB of white space", compact(bad)[:-1] + b" " * _MB + b"}"
    yield "100 levels", compact({**bad, "x": json.loads("[" * 100 + "]" * 100)})
