"""From the bytes of a request to a JSON value, or to the fault that says why not. Survives anything."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mockserver.faults import Fault

_decode = msgspec.json.Decoder().decode
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_NO_NUMBER = re.compile(rb"[:,\[\s]-?(NaN|Infinity)\b")


def check_content_type(content_type: bytes) -> Fault | None:
    """A fault unless the media type is `application/json` (parameters and case aside)."""
    if content_type.partition(b";")[0].strip().lower() == b"application/json":
        return None
    given = content_type.decode("latin-1")[:100] or "none"
    return Fault(400, f"the Content-Type must be application/json, not {given}")


def too_large(limit: int) -> Fault:
    """The fault of a body of more than `limit` bytes."""
    return Fault(400, f"the body is larger than {limit} bytes")


def parse(raw: bytes) -> Any:
    """Decode a body, to a JSON value or a `Fault`. The last of duplicate keys wins (clause `body.duplicate-keys`)."""
    try:
        return _decode(raw)
    except RecursionError:
        return Fault(400, "the body is nested too deeply")
    except (msgspec.MsgspecError, ValueError) as error:
        return Fault(400, f"the body is not valid JSON: {_reason(raw, error)}")


def _reason(raw: bytes, error: Exception) -> str:
    """What is wrong, in words that help more than the decoder's own."""
    if not raw.strip():
        return "it is empty"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    if found := _NO_NUMBER.search(raw):
        return f"{found[1].decode()} is no JSON number"
    if "out of range" in str(error):
        return "a number is out of range"
    if _SURROGATE.search(raw) and "truncated" in str(error):
        return "a lone surrogate (\\ud800 to \\udfff) is no text"
    return str(error).removeprefix("JSON is malformed: ")
