"""Find valid words that are similar to an invalid word, for error messages."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the known word that is most similar to `word`.

    Returns an empty string if all similarities are below `cutoff` (0 to 1).
    """
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=cutoff)), "")


def did_you_mean(word: str, known: Iterable[str], prefix: str = "", cutoff: float = 0.6) -> str:
    """Return ` (did you mean …?)` to append to an error message.

    Returns an empty string if no known word is similar to `word`. `prefix` is written before the suggested word.
    """
    match = nearest(word, known, cutoff)
    return f" (did you mean {prefix}{match}?)" if match else ""


def closest(word: str, known: Iterable[str], count: int) -> list[str]:
    """Return the `count` most similar known words, the most similar first."""
    return get_close_matches(word, list(known), n=count, cutoff=0.0)
