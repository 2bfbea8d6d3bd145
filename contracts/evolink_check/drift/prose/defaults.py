"""Find the default value that a description states."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.drift.prose.sentences import sentences_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_VALUE = r"[`'\"](?P<value>[^`'\"\n]+)[`'\"]|(?P<plain>\d+(?:\.\d+)?|true|false|auto)\b"
_STATED = re.compile(
    rf"\bdefaults?(?:\s+(?:value|setting))?(?:\s*(?:is|to|:|=)\s*(?:set to\s+)?|\s+)(?:{_VALUE})",
    re.IGNORECASE,
)
_MARKED = re.compile(r"`(?P<value>[^`\n]+)`[^`\n]{0,60}?\(\s*(?:by\s+)?default\s*\)", re.IGNORECASE)


def stated_default(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the stated default value as a tuple with one text; empty if none."""
    for text in texts:
        for sentence in sentences_of(text):
            match = _STATED.search(sentence) or _MARKED.search(sentence)
            if match:
                return (match["value"] or match.groupdict().get("plain") or "",)
    return ()
