"""Explain why an API key is not accepted. For example, the key is in a wrong header."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from evolink_mock.domain.redaction import is_credential_header, is_credential_name
from evolink_mock.http.errors import ApiError
from evolink_mock.http.requests import token_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM = "write `Authorization: Bearer KEY`"
_HEADER = "authorization"
_SIMILARITY = 0.85  # minimum similarity of a misspelled header name, 0 to 1
_OTHER_HEADERS = frozenset({"authentication", "bearer", "x-authorization"})  # may also contain the key
_UNSET = frozenset({"undefined", "null", "none", "nil", "nan", "[object object]"})  # texts of a missing value
_VARIABLE = re.compile(
    r"(?:[\w.]{0,64}\.)?(?:your|my|the)?[-_]?(?:evolink[-_]?)?(?:api)?[-_]?key(?:[-_]?here)?", re.IGNORECASE
)
_NO_KEY_CHARACTER = re.compile(r"[^A-Za-z0-9\-._~+/=]|=(?!=*\Z)")  # RFC 6750, and ~ before a recipe
_MEMBER = re.compile(rb'"(api[-_]?key|apikey|(?:access[-_]?)?token|authorization)"\s{0,9}:', re.IGNORECASE)
_MOST_PARAMETERS = 100  # maximum number of parameters of a query string


def unauthorized(headers: Mapping[bytes, bytes], query: bytes, body: bytes = b"") -> ApiError:
    """Return the 401 for a request without an accepted API key.

    The message names the place of a misplaced key, but never shows the key.
    """
    where, problem = _wrong_place(headers, query, body)
    return ApiError(401, f"{problem}: {_FORM}" if problem else "", where)


def _wrong_place(headers: Mapping[bytes, bytes], query: bytes, body: bytes) -> tuple[str, str]:
    authorization = headers.get(b"authorization", b"").strip()
    token = token_of(authorization)
    if token is not None:  # the right header, but the key is not accepted
        problem = _token_mistake(token)
        return ("Authorization", f"Authorization: {problem}") if problem else ("", "")
    if authorization:
        return "Authorization", f"Authorization: {_scheme_mistake(authorization)}"
    for name in headers.keys() - {_HEADER.encode()}:
        if header := _text_if_key_header(name):
            return (
                header,
                f"{header}: no key is read from {'cookies' if header == 'cookie' else 'this header'}",
            )
    for parameter in _parameters(query):
        if is_credential_name(parameter):
            return parameter, f"{parameter}: no key is read from the query string"
    if field := _MEMBER.search(body):
        name_ = field[1].decode("ascii")
        return name_, f"{name_}: no key is read from the body"
    return "", ""


def _scheme_mistake(authorization: bytes) -> str:
    lower = authorization.lower()
    if lower == b"bearer":
        return "no key after Bearer"
    return "a space must follow Bearer" if lower.startswith(b"bearer") else "the scheme is not Bearer"


def _text_if_key_header(name: bytes) -> str:
    header = name.decode("latin-1").lower()
    if header in _OTHER_HEADERS or is_credential_header(name):
        return header
    ratio = (
        SequenceMatcher(None, header, _HEADER, autojunk=False).ratio()
        if len(header) < 2 * len(_HEADER)
        else 0
    )
    return header if ratio >= _SIMILARITY else ""


def _token_mistake(token: str) -> str:
    key = token.partition("~")[0] or token  # without a recipe
    character = _NO_KEY_CHARACTER.search(key)
    mistakes = {
        "Bearer is given twice": key.lower().startswith("bearer "),
        "a variable was not expanded": key.startswith(("$", "%", "{{")),
        "the key is the text of a missing value, so a variable was not set": key.lower() in _UNSET,
        "the key is in quotes or brackets": key[0] in "\"'" or key[0] + key[-1] in {"<>", "{}", "[]"},
        "the key is the text of bytes in Python, so it was not decoded": key.startswith(("b'", 'b"')),
        "the key is the name of a variable or a placeholder": _VARIABLE.fullmatch(key) is not None,
        "the key contains a character that no key contains": character is not None,
    }
    return next((mistake for mistake, is_made in mistakes.items() if is_made), "")


def _parameters(query: bytes) -> list[str]:
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:  # too many parameters
        return []
    return [name for name, _ in pairs]
