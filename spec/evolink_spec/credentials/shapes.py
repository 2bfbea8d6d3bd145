"""Recognize API keys by a known prefix or by many random characters."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from evolink_spec.credentials.prefixes import has_form_of_key

LONGEST = 8192  # characters of a value that may be a key
_REMEMBERED = 4_096  # words
_SHORTEST, _HYPHENATED = 20, 24  # characters of a random word, without and with a hyphen or underscore
_ENCODED = 40  # characters of a random word that contains a slash or a plus sign
_CHANGES = 4  # a random word changes between letters and digits, or to a capital, once in four characters
_TWO_KINDS = 5  # the same for a word without capitals, or without small letters
_LONG_NUMBER = 32  # hexadecimal digits that may be a key
_DISTINCT = 5  # different digits of a hexadecimal number that is no filler
_HEXADECIMAL = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)
_HEXADECIMAL_PART = re.compile(
    r"(?P<before>[A-Za-z0-9]{0,16})[_\-.](?P<digits>[0-9a-f]{32,})(?![0-9a-z])", re.IGNORECASE
)
# Words before a hexadecimal number that identifies something, as in `file-9f86…`.
_IDENTIFIED = frozenset(
    {
        "audio",
        "batch",
        "call",
        "chatcmpl",
        "file",
        "image",
        "img",
        "job",
        "md5",
        "message",
        "msg",
        "req",
        "request",
    }
    | {"resp", "response", "run", "sha1", "sha256", "task", "trace", "unified", "upload", "video"}
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9_\-]{20,}={0,2}")
_OF_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")


@lru_cache(_REMEMBERED)
def is_prefixed_key(word: str) -> bool:
    """Return whether a word begins like a key of a well-known service.

    An example of a beginning is `sk-`. A JSON Web Token counts as a key, too.
    """
    return len(word) <= LONGEST and has_form_of_key(word)


def is_identifier_like(word: str) -> bool:
    """Return whether a word is a UUID or a long hexadecimal number.

    Services use UUIDs and hexadecimal numbers as API keys and as identifiers.
    """
    return is_uuid(word) or (_HEXADECIMAL.fullmatch(word) is not None and len(set(word)) >= _DISTINCT)


def contains_hexadecimal_key(word: str) -> bool:
    """Return whether a word contains a long hexadecimal number after a separator.

    An example is `pul-9f86…`. The number does not count after a word such as `file`.
    """
    return any(
        len(set(part["digits"])) >= _DISTINCT and part["before"].lower() not in _IDENTIFIED
        for part in _HEXADECIMAL_PART.finditer(word)
    )


def is_uuid(word: str) -> bool:
    """Return whether a word is a UUID."""
    return _UUID.fullmatch(word) is not None


@lru_cache(_REMEMBERED)
def is_random(word: str) -> bool:
    """Return whether a word looks random, like an API key.

    A random word is long. The characters of such a word alternate often between small letters, capitals
    and digits.
    """
    if len(word) > LONGEST:
        return False
    if _WORD.fullmatch(word):
        plain = word.rstrip("=")
        shortest = _SHORTEST if plain.isalnum() else _HYPHENATED
        return len(plain) >= shortest and _changes_often(plain)
    return len(word) >= _ENCODED and _OF_BASE64.fullmatch(word) is not None and _changes_often(word)


def is_key(word: str) -> bool:
    """Return whether a word looks like an API key. Identifiers such as UUIDs count as keys, too."""
    return (
        is_prefixed_key(word)
        or is_identifier_like(word)
        or is_random(word)
        or (len(word) > len("-") + _LONG_NUMBER and contains_hexadecimal_key(word))
    )


def _changes_often(word: str) -> bool:
    kinds = ["digit" if c.isdigit() else "upper" if c.isupper() else "lower" for c in word if c.isalnum()]
    # Names such as `VideoTask` often change from a capital to a small letter, so this change is not counted.
    changes = sum(a != b and (a, b) != ("upper", "lower") for a, b in pairwise(kinds))
    if len(set(kinds)) == len(("digit", "upper", "lower")):
        return changes * _CHANGES >= len(kinds)
    alone = word.isalnum() and len(word) >= _HYPHENATED
    return alone and "digit" in kinds and len(set(kinds)) > 1 and changes * _TWO_KINDS >= len(kinds)
