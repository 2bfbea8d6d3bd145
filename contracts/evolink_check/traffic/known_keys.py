"""Remove known API keys from texts, in one pass for any number of keys."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, AnyStr, TypeVar

from evolink_spec.credentials.encodings import without_encoded

from evolink_check.traffic.placeholders import SHORT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

T = TypeVar("T")
KEY = "[removed:key]"  # replaces a key that occurs outside the Authorization header; rules look for this mark
_SHORTEST = 4  # characters; shorter keys occur by chance too often
_FEW = 16  # up to this many starts of keys, searching for them one by one is faster
_REMEMBERED, _REMEMBERED_LENGTH = 4_096, 64  # results, and characters of a text
_WORD = re.compile(rf"(?<![\w-])[\w-]{{{_SHORTEST},{SHORT - 1}}}(?![\w-])")


class KnownKeys:
    """API keys that must be removed from texts.

    A long key is found anywhere in a text. A short key (4 to 7 characters) is found as a whole word. Short keys of
    letters alone, or of digits alone, are ignored. With a `limit`, the keys added most recently are kept.
    """

    def __init__(self, keys: Iterable[str] = (), limit: int | None = None) -> None:
        self._limit = limit
        self._marks: dict[str, str] = {}  # in the order in which the keys were last added
        self._lengths: dict[str, Counter[int]] = {}  # of the long keys with the same first `SHORT` characters
        self._short = 0
        self._results: dict[Callable[..., Any], dict[tuple[Hashable, ...], Any]] = {}  # of `once`
        for key in keys:
            self.add(key)

    def __bool__(self) -> bool:
        return bool(self._marks)

    def add(self, key: str, mark: str = KEY) -> None:
        """Add an API key. `remove_from` replaces the key by `mark`.

        A key that is added again keeps its first mark.
        """
        if key in self._marks:
            self._marks[key] = self._marks.pop(key)
            return
        if len(key) >= SHORT:
            self._lengths.setdefault(key[:SHORT], Counter())[len(key)] += 1
        elif _WORD.fullmatch(key) and not key.isalpha() and not key.isdigit():
            self._short += 1
        else:
            return
        self._marks[key] = mark
        self._results.clear()
        if self._limit is not None and len(self._marks) > self._limit:
            self._discard(next(iter(self._marks)))

    def once(
        self, redact: Callable[..., T], text: AnyStr, *context: Hashable, limit: int = _REMEMBERED_LENGTH
    ) -> T:
        """Return `redact(text, *context, self)`, from a cache if possible.

        The result of `redact` must depend on these arguments alone. Texts with more than `limit` characters or bytes
        are not cached.
        """
        # The cache saves time, because names, statuses and models occur thousands of times in a trace.
        if len(text) > limit:
            return redact(text, *context, self)
        results = self._results.setdefault(redact, {})
        key = (text, *context)
        result: T | None = results.get(key)
        if result is None:
            if len(results) >= _REMEMBERED:
                results.clear()
            results[key] = result = redact(text, *context, self)
        return result

    def may_be_in(self, text: str) -> bool:
        """Return whether the text may contain a known key.

        If the result is False, the text certainly contains none.
        """
        return (
            self._short > 0
            or self._may_have_long(text)
            or (bool(self._lengths) and self.remove_from(text) != text)
        )

    def remove_from(self, text: str) -> str:
        """Return the text with each key replaced by its mark."""
        if self._short:
            text = _WORD.sub(lambda word: self._marks.get(word[0], word[0]), text)
        if self._may_have_long(text):
            text = self._without_long(text)
        return without_encoded(text, self._mark_of_first_key) if self._lengths else text

    def _mark_of_first_key(self, text: str) -> str:
        if not self._may_have_long(text):
            return ""
        keys = (self._longest_key_at(text, place) for place in range(len(text) - SHORT + 1))
        return self._marks.get(next(filter(None, keys), ""), "")

    def _discard(self, key: str) -> None:
        del self._marks[key]
        self._results.clear()
        if len(key) < SHORT:
            self._short -= 1
            return
        lengths = self._lengths[key[:SHORT]]
        lengths[len(key)] -= 1
        if not +lengths:
            del self._lengths[key[:SHORT]]

    def _may_have_long(self, text: str) -> bool:
        if len(self._lengths) <= _FEW:
            return any(start in text for start in self._lengths)
        places = range(len(text) - SHORT + 1)
        return not self._lengths.keys().isdisjoint(text[place : place + SHORT] for place in places)

    def _without_long(self, text: str) -> str:
        parts, copied, place = [], 0, 0
        while place <= len(text) - SHORT:
            key = self._longest_key_at(text, place)
            if key:
                parts += [text[copied:place], self._marks[key]]
                copied = place = place + len(key)
            else:
                place += 1
        return "".join([*parts, text[copied:]])

    def _longest_key_at(self, text: str, place: int) -> str:
        for length in sorted(self._lengths.get(text[place : place + SHORT], ()), reverse=True):
            candidate = text[place : place + length]
            if candidate in self._marks:
                return candidate
        return ""
