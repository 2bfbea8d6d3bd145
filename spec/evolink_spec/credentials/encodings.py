"""Find encoded credentials: in percent codes, escapes, HTML entities, base64 or hexadecimal digits."""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import suppress
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_RUN = re.compile(
    r"(?:[\w.~+/=\-!*'()]++|%[0-9A-Fa-f]{2}|\\{1,4}u[0-9A-Fa-f]{4}|\\{1,4}x[0-9A-Fa-f]{2}|&#\w{1,6};)++"
)
_ESCAPE = re.compile(r"\\{1,4}(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")
_WORD = re.compile(r"[A-Za-z0-9+/_\-]{8,}={0,2}")
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2}){6,}")
_SHORTEST = 8  # minimum number of characters of a word that is decoded
_LONGEST = 1_000_000  # maximum number of characters of a word that is decoded
_LAYERS = 3  # how often percent codes are decoded, because a proxy may have encoded them again


def without_encoded(text: str, replacement_of: Callable[[str], str]) -> str:
    """Replace the words that contain an encoded credential, and return the text.

    `replacement_of` is called with each decoded word. The result of `replacement_of` replaces the encoded word. If the
    result is empty, the encoded word is kept. Words of fewer than eight characters are not decoded.
    """

    def replaced_word(match: re.Match[str]) -> str:
        return next(filter(None, map(replacement_of, _decode(match[0]))), match[0])

    def replaced_run(match: re.Match[str]) -> str:
        run = match[0]
        if len(run) < _SHORTEST:
            return run
        plain = _unescaped(run)
        replacement = replacement_of(plain) if plain != run else ""
        return replacement or _WORD.sub(replaced_word, run)

    return _RUN.sub(replaced_run, text)


def _unescaped(run: str) -> str:
    if "\\" in run:
        run = _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), run)
    if "&#" in run:
        run = unescape(run)
    for _ in range(_LAYERS):
        if "%" not in run:
            break
        run = unquote(run, errors="replace")
    return run


def _decode(word: str) -> Iterator[str]:
    if len(word) > _LONGEST:
        return
    if _HEXADECIMAL.fullmatch(word):
        yield bytes.fromhex(word).decode("latin-1")
    letters = word.rstrip("=").replace("-", "+").replace("_", "/")
    with suppress(ValueError):
        yield b64decode(letters + "=" * (-len(letters) % 4)).decode("latin-1")
