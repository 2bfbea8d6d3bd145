"""Explain why a key is not accepted: it may be in the wrong header or parameter, or in the wrong form."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from evolink_mock.http.errors import ApiError
from evolink_mock.http.requests import token_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM = "write `Authorization: Bearer KEY`"
_OTHER_HEADERS = (
    "x-api-key",
    "api-key",
    "apikey",
    "x-goog-api-key",
    "x-auth-token",
    "x-authorization",
    "proxy-authorization",
)
_OTHER_PARAMETERS = frozenset({"key", "api_key", "apikey", "api-key", "token", "access_token"})
_MOST_PARAMETERS = 100  # of a query string at most


def unauthorized(headers: Mapping[bytes, bytes], query: bytes) -> ApiError:
    """Return the 401 for a request without an accepted key.

    It names the wrong header or parameter, but never its value.
    """
    where, problem = _wrong_place(headers, query)
    return ApiError(401, f"{problem}: {_FORM}" if problem else "", where)


def _wrong_place(headers: Mapping[bytes, bytes], query: bytes) -> tuple[str, str]:
    authorization = headers.get(b"authorization", b"").strip()
    token = token_of(authorization)
    if token is not None:  # the right header, but the key is not accepted
        problem = _odd_form(token)
        return ("Authorization", f"Authorization: {problem}") if problem else ("", "")
    if authorization:
        problem = "no key after Bearer" if authorization.lower() == b"bearer" else "the scheme is not Bearer"
        return "Authorization", f"Authorization: {problem}"
    for header in _OTHER_HEADERS:
        if header.encode("ascii") in headers:
            return header, f"{header}: no key is read from this header"
    for parameter in _parameters(query):
        if parameter.lower() in _OTHER_PARAMETERS:
            return parameter, f"{parameter}: no key is read from the query string"
    return "", ""


def _odd_form(token: str) -> str:
    """Return the mistake that a token shows, such as quotes or an unexpanded variable; empty if there is none."""
    if token.lower().startswith("bearer "):
        return "Bearer is given twice"
    if token.startswith(("$", "%", "{{")):
        return "a variable was not expanded"
    is_wrapped = token[0] in "\"'" or token[0] + token[-1] in {"<>", "{}", "[]"}
    return "the key is in quotes or brackets" if is_wrapped else ""


def _parameters(query: bytes) -> list[str]:
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:  # too many parameters
        return []
    return [name for name, _ in pairs]
