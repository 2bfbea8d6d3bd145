"""Explain an error response: the violated clause and the probable spelling mistake."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_spec.options.suggestions import nearest

from evolink_mock.domain.exchange import WARNING, violation_records

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange

_NEAREST = re.compile(r'did you mean (.+?)\?|the nearest (?:is|are) ([^;]+)|"([^"]+)" is the nearest')
_NOT_LISTED = re.compile(r'\w+: "(?P<value>[^"]+)" is not one of (?P<values>[^;]+)')
# The clause for the beginning of a note, which is the reason for a refused create request, or a warning.
_BY_REASON = (
    ("callback_url", "client.callback-url"),
    ("the Content-Type", "client.content-type"),
    (f"{WARNING}unknown field", "client.no-unknown-fields"),
    (f"{WARNING}model", "client.actual-model"),
    ("unknown recipe", ""),
)
_FILES = "/files/"  # in the path of every operation on files
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN = 400, 401, 403


def clause_of(exchange: Exchange) -> str:
    """Return the id of the clause that a request violated, or an empty text.

    The result is also empty if a recipe caused the error. For an undocumented path, the result is
    `auth.header` or empty. The same applies to operations on files.
    """
    if exchange.is_unmatched or _FILES in exchange.path:
        return "auth.header" if exchange.status == _UNAUTHORIZED else ""
    if exchange.notes and (exchange.status == _BAD_REQUEST or exchange.notes[0].startswith(WARNING)):
        reason = exchange.notes[0]
        other = "" if reason.startswith(WARNING) else "client.valid-request"
        return next((clause for start, clause in _BY_REASON if reason.startswith(start)), other)
    if _seems_to_name_recipe(exchange):
        return ""
    if exchange.status == _UNAUTHORIZED:
        return "auth.header"
    if any(violation_records(exchange)):  # of a status query
        return "client.same-account" if exchange.status == _FORBIDDEN else "client.given-ids"
    return ""


def nearest_of(exchange: Exchange) -> str:
    """Return the name that the client probably meant; empty if none is similar.

    The name is a path, model, field or recipe.
    """
    for note in exchange.notes:
        if match := _NEAREST.search(note):
            return str(next(filter(None, match.groups())))
        if match := _NOT_LISTED.search(note):
            return nearest(match["value"], match["values"].split(", "))
    return ""


def _seems_to_name_recipe(exchange: Exchange) -> bool:
    headers = dict(exchange.request_headers)
    return b"mock=" in headers.get(b"prefer", b"") or b"~" in headers.get(b"authorization", b"")
