"""Find the old model names that are still accepted according to a description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.drift.prose.sentences import codes_of, sentences_of

if TYPE_CHECKING:
    from collections.abc import Collection

_ACCEPTED = re.compile(
    r"backward|compatib|still (?:supported|accepted|works?|valid)|previous|legacy|old(?:er)? (?:model )?name|former|"
    r"alias|mapped to|maps to|equivalent to|also accepts?|deprecated name|redirect",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"no longer|not (?:supported|accepted)|removed|discontinued|unsupported", re.IGNORECASE)
_TARGET = re.compile(
    r"(?:map(?:ped|s)|redirect(?:ed|s)?|alias|equivalent)\s+(?:to|of|for)\s+`([^`\n]+)`", re.IGNORECASE
)
_NAME = re.compile(r"(?!(?:model|null|true|false)$)[A-Za-z][\w.\-]*")


def stated_targets(text: str) -> frozenset[str]:
    """Return the current model names that a description states.

    For example, "`a` is mapped to `b`" states `b`.
    """
    return frozenset(match[1] for sentence in sentences_of(text) for match in _TARGET.finditer(sentence))


def stated_aliases(text: str, models: Collection[str]) -> dict[str, str]:
    """Return the current name of each old model name in a description.

    `models` are the current names in the schema.
    """
    aliases: dict[str, str] = {}
    for sentence in sentences_of(text):
        if not _ACCEPTED.search(sentence) or _REFUSED.search(sentence):
            continue
        names = [name for name in codes_of(sentence) if _NAME.fullmatch(name)]
        targets = [name for name in names if name in models] or ([*models] if len(models) == 1 else [])
        for name in names:
            if name not in models and targets:
                aliases[name] = targets[-1]
    return aliases
