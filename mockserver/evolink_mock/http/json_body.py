"""Decode request bodies. An invalid body results in an `ApiError` that is returned, never raised."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Any

import msgspec

from evolink_mock.http.errors import ApiError

_decode = msgspec.json.Decoder().decode
_HIGH = rb"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE = re.compile(rb"(?<!\\)(?:\\\\)*+(?:%b(?!%b)|(?<!%b)%b)" % (_HIGH, _LOW, _HIGH, _LOW))
JSON = b"application/json"
_GZIP = b"\x1f\x8b"
_NOT_A_JSON_NUMBER = re.compile(rb"NaN|Infinity")
_OFFSET = re.compile(r" \(byte (\d+)\)")
_MESSAGES = {
    "out of range": "a number is out of range",
    "surrogate": "a lone surrogate (\\ud800 to \\udfff) is not text",
}


def check_content_type(content_type: bytes) -> ApiError | None:
    """Return an error if the media type is not `application/json`."""
    if content_type == JSON or content_type.partition(b";")[0].strip().lower() == JSON:
        return None
    actual = content_type.decode("latin-1")[:100] or "none"
    return ApiError(400, f"the Content-Type must be application/json, not {actual}")


def check_content_coding(content_encoding: bytes) -> ApiError | None:
    """Return an error if the body has a content coding, such as gzip.

    Returns None if the body has no content coding.
    """
    if not content_encoding:
        return None
    codings = [coding.strip() for coding in content_encoding.lower().split(b",")]
    applied = b", ".join(coding for coding in codings if coding not in {b"", b"identity"})
    if not applied:
        return None
    name = applied.decode("latin-1")[:100]
    detail = f"Content-Encoding: the body is encoded with {name}; send it without an encoding"
    return ApiError(400, detail, "Content-Encoding")


def too_large(limit: int) -> ApiError:
    """Return the error for a body of more than `limit` bytes."""
    return ApiError(400, f"the body is larger than {limit} bytes")


def parse(raw: bytes) -> Any:
    """Decode a JSON body, or return an `ApiError`.

    Of two members with the same name, the last one is used (clause `body.duplicate-keys`).
    """
    try:
        return _decode(raw)
    except RecursionError:
        return ApiError(400, "the body is nested too deeply")
    except (msgspec.MsgspecError, ValueError) as error:
        return ApiError(400, f"the body is not valid JSON: {_describe(raw, error)}")


def _describe(raw: bytes, error: Exception) -> str:
    message = str(error)
    if raw.startswith(_GZIP):
        return "it is compressed with gzip"
    if isinstance(error, UnicodeDecodeError) or "UTF-8" in message:  # before and since msgspec 0.23
        return _describe_not_utf8(raw)
    if "truncated" in message:
        return _describe_truncated(raw)
    if raw.startswith(BOM_UTF8):
        return "it begins with a byte order mark"
    if (offset := _OFFSET.search(message)) and (literal := _NOT_A_JSON_NUMBER.match(raw, int(offset[1]))):
        return f"{literal[0].decode()} is not a JSON number"
    descriptions = (text for fragment, text in _MESSAGES.items() if fragment in message)
    return next(descriptions, message.removeprefix("JSON is malformed: "))


def _describe_not_utf8(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        # The decoder counts from the start of a string in the body, not from the start of the body.
        return f"byte {error.start} is not UTF-8"
    return "it is not UTF-8"


def _describe_truncated(raw: bytes) -> str:
    # A lone surrogate near the end also makes the decoder report a truncated body.
    if not raw.strip():
        return "it is empty"
    return _MESSAGES["surrogate"] if _LONE.search(raw) else "it is incomplete"
