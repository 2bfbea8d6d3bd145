"""From the bytes of a request to a JSON value, or to the fault that says why not. Survives anything."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Any

import msgspec

from evolink_mock.http.errors import ApiError

_decode = msgspec.json.Decoder().decode
_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE = re.compile(rb"(?<!\\)(?:\\\\)*(?:%b(?!%b)|(?<!%b)%b)" % (_HIGH, _LOW, _HIGH, _LOW))
_NO_NUMBER = re.compile(rb"NaN|Infinity")
_PLACE = re.compile(r" \(byte (\d+)\)")
_PLAINER = {
    "out of range": "a number is out of range",
    "surrogate": "a lone surrogate (\\ud800 to \\udfff) is no text",
}


def check_content_type(content_type: bytes) -> ApiError | None:
    """A fault unless the media type is `application/json` (parameters and case aside)."""
    if content_type.partition(b";")[0].strip().lower() == b"application/json":
        return None
    given = content_type.decode("latin-1")[:100] or "none"
    return ApiError(400, f"the Content-Type must be application/json, not {given}")


def too_large(limit: int) -> ApiError:
    """The fault of a body of more than `limit` bytes."""
    return ApiError(400, f"the body is larger than {limit} bytes")


def parse(raw: bytes) -> Any:
    """Decode a body, to a JSON value or a `ApiError`. The last of duplicate keys wins (clause `body.duplicate-keys`)."""
    try:
        return _decode(raw)
    except RecursionError:
        return ApiError(400, "the body is nested too deeply")
    except (msgspec.MsgspecError, ValueError) as error:
        return ApiError(400, f"the body is not valid JSON: {_reason(raw, error)}")


def _reason(raw: bytes, error: Exception) -> str:
    """What is wrong, in words that help more than the decoder's own."""
    said = str(error)
    if isinstance(error, UnicodeDecodeError):
        return _not_utf8(raw)
    if "truncated" in said:
        return _cut_short(raw)
    if raw.startswith(BOM_UTF8):
        return "it begins with a byte order mark"
    if (place := _PLACE.search(said)) and (found := _NO_NUMBER.match(raw, int(place[1]))):
        return f"{found[0].decode()} is no JSON number"
    plainer = (words for sign, words in _PLAINER.items() if sign in said)
    return next(plainer, said.removeprefix("JSON is malformed: "))


def _not_utf8(raw: bytes) -> str:
    """Where it is not: the decoder counts from the beginning of a string, we from that of the body."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} is not UTF-8"
    return "it is not UTF-8"


def _cut_short(raw: bytes) -> str:
    """The decoder looks for the other half of a surrogate pair, past the end of the body."""
    if not raw.strip():
        return "it is empty"
    return _PLAINER["surrogate"] if _LONE.search(raw) else "it ends too early"
