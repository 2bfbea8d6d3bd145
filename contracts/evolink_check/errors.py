"""The error that ends a command without a verdict, and tracebacks of unexpected errors."""

from __future__ import annotations

import traceback

_LINE_LIMIT = 500  # characters; the text of an exception may hold a whole file or a response body
_CUT = " [...]"


class CannotRunError(Exception):
    """The command cannot do what the user wants. The message says why."""


def describe_bug(error: BaseException) -> str:
    """Return the traceback of an exception. Lines longer than `_LINE_LIMIT` characters are cut."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(line if len(line) <= _LINE_LIMIT else line[:_LINE_LIMIT] + _CUT for line in lines)
