"""Decode JSON strictly, and check the JSON Schema `format: uri`.

The library openapi-core does not check this format.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from ipaddress import AddressValueError, IPv6Address
from math import isinf
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_JSON = object()  # the value of a body that is not JSON

# RFC 3986, appendix A. The quantifiers are possessive, because no part has to give a character back to the next one.
_CHARS = r"[A-Za-z0-9\-._~!$&'()*+,;=]++|%[0-9A-Fa-f]{2}"
_SEGMENT = rf"(?:{_CHARS}|[:@]++)"
_AUTHORITY = rf"(?:(?:{_CHARS}|:)*+@)?(?:\[(?P<literal>[^\[\]]*+)\]|(?:{_CHARS})*+)(?::[0-9]*+)?"
_PATH = rf"(?://{_AUTHORITY}(?:/{_SEGMENT}*+)*+|/?(?:{_SEGMENT}++(?:/{_SEGMENT}*+)*+)?)"
_TAIL = rf"(?:{_SEGMENT}|[/?]++)*+"
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*+:{_PATH}(?:\?{_TAIL})?(?:#{_TAIL})?")
_DIGITS = 308  # an integer of at most this many digits is within the range of a double
# Numbers that may be out of range. Each pattern begins with a set of characters, which makes the search much faster.
_LONG_NUMBER, _LARGE_EXPONENT = re.compile(rb"[0-9][0-9]{308}"), re.compile(rb"[eE]\+?0*[1-9][0-9]{2}")
_FUTURE = re.compile(r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+")


def is_uri(value: Any) -> bool:
    """Return whether a value is an absolute URI.

    Returns True for a value that is not a string. In JSON Schema, `format` applies to strings.
    """
    if not isinstance(value, str):
        return True
    match = _URI.fullmatch(value)
    if match is None:
        return False
    literal = match["literal"]
    return literal is None or _FUTURE.fullmatch(literal) is not None or _is_ipv6(literal)


def _is_ipv6(text: str) -> bool:
    try:
        return IPv6Address(text).scope_id is None
    except AddressValueError:
        return False


def strict_json(raw: bytes, **_: str) -> Any:
    """Decode JSON as RFC 8259 defines it: in UTF-8 and without lone surrogates.

    Raises ValueError if `raw` is not valid JSON or is nested too deeply. A number that no double can represent is
    accepted, and becomes an infinity.
    """
    if len(raw) <= _DIGITS or _LONG_NUMBER.search(raw) is None:
        # msgspec shares the names of members between bodies. If it refuses a body, the decoder below decides.
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            return msgspec.json.decode(raw)
    try:
        value = _DECODER.decode(raw.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if b"\\u" in raw:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate cannot be encoded
    return value


def finite_json(raw: bytes, **_: str) -> Any:
    """Decode JSON like `strict_json`, but refuse numbers that no double can represent.

    Raises ValueError for such a number.
    """
    value = strict_json(raw)
    if is_out_of_range(raw, value):
        raise ValueError("a number is out of range")
    return value


def is_out_of_range(raw: bytes, value: Any) -> bool:
    """Return whether a body has a number that no double can represent.

    `value` is the decoded body. Some JSON decoders read these numbers as infinite, and others reject them.
    """
    if _LONG_NUMBER.search(raw) is None and _LARGE_EXPONENT.search(raw) is None:
        return False
    level = [value]
    while level:
        if any(isinstance(inner, float) and isinf(inner) for inner in level):
            return True
        level = [part for inner in level for part in parts_of(inner)]
    return False


def parts_of(value: Any) -> Iterable[Any]:
    """Return the values in an object or an array.

    Returns an empty tuple for a string, a number, a boolean or null.
    """
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _whole(text: str) -> int | float:
    digits = len(text) - text.startswith("-")
    return int(text) if digits <= _DIGITS else float("-inf" if text.startswith("-") else "inf")


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_int=_whole)
_DECODER_OF_SHORT = json.JSONDecoder(
    parse_constant=_no_number
)  # a short text cannot contain an integer with too many digits


def decode_json(body: bytes) -> Any:
    """Decode the JSON of a body.

    Returns `NOT_JSON` if the body is not JSON as RFC 8259 defines it.
    """
    try:
        return strict_json(body)
    except ValueError:
        return NOT_JSON
