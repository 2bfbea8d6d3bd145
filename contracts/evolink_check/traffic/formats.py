"""What openapi-core lets pass unread: text that is no JSON, and `format: uri`. Pure."""

from __future__ import annotations

import json
import re
from ipaddress import AddressValueError, IPv6Address
from typing import Any, NoReturn

NOT_JSON = object()  # what was read of a text that is no JSON

# RFC 3986, appendix A.
_CHARS = r"[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2}"
_SEGMENT = rf"(?:{_CHARS}|[:@])"
_AUTHORITY = rf"(?:(?:{_CHARS}|:)*@)?(?:\[(?P<literal>[^\[\]]*)\]|(?:{_CHARS})*)(?::[0-9]*)?"
_PATH = rf"(?://{_AUTHORITY}(?:/{_SEGMENT}*)*|/?(?:{_SEGMENT}+(?:/{_SEGMENT}*)*)?)"
_TAIL = rf"(?:{_SEGMENT}|[/?])*"
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:{_PATH}(?:\?{_TAIL})?(?:#{_TAIL})?")
_DIGITS = 308  # of an integer that any decoder can hold: more are out of the range of a double
_FUTURE = re.compile(r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+")


def is_uri(value: Any) -> bool:
    """Whether a value is an absolute URI; what is no text at all is not for a format to refuse."""
    if not isinstance(value, str):
        return True
    found = _URI.fullmatch(value)
    if found is None:
        return False
    literal = found["literal"]
    return literal is None or _FUTURE.fullmatch(literal) is not None or _is_ipv6(literal)


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except AddressValueError:
        return False


def strict_json(raw: bytes, **_: str) -> Any:
    """Decode JSON as RFC 8259 has it: UTF-8, finite numbers, no lone surrogates. ValueError otherwise."""
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_no_number, parse_float=_finite, parse_int=_whole
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if b"\\u" in raw:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate cannot be encoded
    return value


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError("a number is out of range")
    return int(text)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise ValueError("a number is out of range")
    return value


def decode_json(body: bytes) -> Any:
    """The JSON value of a body; `NOT_JSON` when it is none, by RFC 8259."""
    try:
        return strict_json(body)
    except ValueError:
        return NOT_JSON
