"""What of a test's requests broke the contract, and was it expected? Pure: the journal comes in, a reason comes out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import MsgspecError, Struct
from msgspec.json import decode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from evolink_mock.testing.models import JournalEntry

_WARNING = "warning: "  # how the mock begins what it lets pass
_NO_TASK_OF_ITS_OWN = {"invalid_task_id", "task_not_found", "permission_denied"}  # of a query, as documented


class ContractViolationError(AssertionError):
    """A request broke the contract, or one that was expected to did not."""


class _Error(Struct, frozen=True):
    code: str


class _Refusal(Struct, frozen=True):
    error: _Error


def problems(broken: Sequence[tuple[JournalEntry, str]], expected: Sequence[str]) -> list[str]:
    """A line for each violation that no expression of `expected` is found in, and for each of these without one.

    What is let pass with a warning may be expected, but need not be.
    """
    lines = [
        f"{entry.method} {entry.path} was answered {entry.status}: {text}"
        for entry, text in broken
        if not text.startswith(_WARNING) and not any(re.search(match, text) for match in expected)
    ]
    return lines + [
        f"a violation matching {match!r} was expected, and none came"
        for match in expected
        if not any(re.search(match, text) for _, text in broken)
    ]


def noted(entries: Iterable[JournalEntry]) -> list[tuple[JournalEntry, str]]:
    """What the mock itself noted."""
    return [(entry, text) for entry in entries for text in entry.violations]


def refused_queries(entries: Iterable[JournalEntry]) -> list[JournalEntry]:
    """Queries that may have asked for a task that is none, or another's: or else a recipe said so."""
    return [entry for entry in entries if not entry.violations and _error_code(entry) in _NO_TASK_OF_ITS_OWN]


def strangers(queries: Iterable[JournalEntry], own: Collection[str]) -> list[tuple[JournalEntry, str]]:
    """Those of `refused_queries` for a task that is not among the account's `own`."""
    asked = ((entry, entry.path.rpartition("/")[2]) for entry in queries)
    return [
        (entry, f"{_error_code(entry)}: {name!r} is no task of this account")
        for entry, name in asked
        if name not in own
    ]


def _error_code(entry: JournalEntry) -> str | None:
    """The code of the error that a GET was answered with."""
    if entry.method != "GET" or entry.status < 400 or entry.answer.body is None:  # noqa: PLR2004  (no error)
        return None
    try:
        return decode(entry.answer.body, type=_Refusal).error.code
    except MsgspecError:  # a gateway's page, say
        return None
