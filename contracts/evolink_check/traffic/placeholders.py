"""Distinguish real keys from the placeholders that recorders and sanitizers write in their place."""

from __future__ import annotations

import re

SHORT = 8  # characters: a shorter key may occur in a text by chance
# RFC 6750: the characters of a bearer token. Anything else in its place was written by a tool.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_WORDS = re.compile(r"[a-z]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SCHEME = re.compile(r"[A-Za-z0-9\-]+")
_MASK = re.compile(r"[\[\]<>{}*\u2022\u2026\u2588]|\.{3}|x{4}|#{4}|-{4}|_{4}|^[$%]", re.IGNORECASE)
_WORDS_OF_MASKING = {
    "anonymised", "anonymized", "censored", "changeme", "cleaned", "deleted", "dummy", "elided", "erased", "filtered",
    "hidden", "hide", "masked", "obfuscated", "omitted", "placeholder", "private", "redact", "redacted", "removed",
    "replaced", "replaceme", "sanitised", "sanitized", "sanitizer", "scrubbed", "sensitive", "stripped", "suppressed",
    "unavailable", "withheld",
}  # fmt: skip
_WORDS_OF_NAMING = {
    "a", "access", "api", "apikey", "auth", "authorization", "available", "bearer", "change", "credential",
    "credentials", "data", "evolink", "fake", "header", "here", "id", "insert", "jwt", "key", "me", "my", "none", "not",
    "null", "password", "recorded", "replace", "secret", "sk", "some", "the", "token", "undefined", "value", "vcr",
    "xxx", "your",
}  # fmt: skip


def is_placeholder(key: str) -> bool:
    """Whether a value is not a real bearer key: a tool replaced the key, or a template was not filled in."""
    return not _TOKEN.fullmatch(key) or _is_removed(key)


def _is_removed(value: str) -> bool:
    """Whether a value is the replacement of a removed one."""
    if _MASK.search(value) or len(set(value.lower())) <= 1:
        return True
    if not any(char.isascii() and char.isalnum() for char in value):
        return True
    separated = (
        value if any(map(str.isdigit, value)) else _CAMEL.sub(" ", value)
    )  # not in a key of random letters
    words = {word for text in (value, separated) for word in _WORDS.findall(text.lower())}
    if words & _WORDS_OF_MASKING:
        return True
    named = set(_WORDS.findall(separated.lower()))
    return bool(named) and named <= _WORDS_OF_NAMING


def bearer_key(value: str) -> str | None:
    """The key of an `Authorization` header; empty for a credential in another scheme; None for a placeholder."""
    scheme, _, rest = value.strip().partition(" ")
    key = rest.strip()
    if scheme.lower() == "bearer":
        return None if is_placeholder(key) else key
    if key:
        return None if _is_removed(key) or _is_removed(value) or not _SCHEME.fullmatch(scheme) else ""
    return "" if is_distinctive(scheme) else None


def is_distinctive(value: str) -> bool:
    """Whether a value is long and unusual enough to be a credential rather than an ordinary word."""
    long = len(value) >= SHORT and any(char.isdigit() for char in value)
    return (long or len(value) >= 2 * SHORT) and not _is_removed(value)
