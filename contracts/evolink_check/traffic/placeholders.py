"""Distinguish real API keys from placeholders that a tool wrote in their place."""

from __future__ import annotations

import re
from functools import lru_cache

_REMEMBERED = 256  # headers: a trace has few, each of them thousands of times
SHORT = 8  # characters: a shorter key may occur in a text by chance
# The characters of a bearer token (RFC 6750). A value with other characters was written by a tool.
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
# A value that consists of these words only is a name or a remark, not a key.
_WORDS_OF_NAMING = {
    "a", "access", "an", "any", "api", "apikey", "auth", "authorization", "available", "bearer", "blank", "blocked",
    "by", "captured", "change", "credential", "credentials", "data", "demo", "dropped", "empty", "env", "evolink",
    "example", "fake", "false", "for", "header", "here", "id", "in", "included", "insert", "is", "jwt", "kept", "key",
    "logged", "me", "missing", "mock", "my", "no", "none", "not", "null", "password", "policy", "process", "real",
    "recorded", "replace", "sample", "saved", "secret", "shown", "sk", "some", "stored", "stub", "test", "the", "this",
    "token", "true", "undefined", "unknown", "unset", "value", "vcr", "xxx", "your",
}  # fmt: skip
_FEW = 4  # digits that may number a placeholder: `test-key-1`, `EXAMPLE_TOKEN_2024`
_RUNS = re.compile(r"[a-z0-9]+")
_PLAIN_WORDS = re.compile(r"[A-Za-z]?[a-z]{1,14}(?: [A-Za-z]?[a-z]{1,14}){0,9}")
# The schemes of credentials. After any other word, plain words are a sentence.
_SCHEMES = {
    "apikey", "basic", "digest", "dpop", "gnap", "hawk", "hmac", "hoba", "key", "mutual", "negotiate", "ntlm", "oauth",
    "privatetoken", "scram-sha-1", "scram-sha-256", "token", "vapid",
}  # fmt: skip


@lru_cache(_REMEMBERED)
def is_placeholder(key: str) -> bool:
    """Return whether a bearer token is a placeholder, such as `***` or `YOUR_API_KEY`."""
    return not _TOKEN.fullmatch(key) or _looks_like_placeholder(key)


def _looks_like_placeholder(value: str) -> bool:
    if _MASK.search(value) or len(set(value.lower())) <= 1:
        return True
    runs = _RUNS.findall(value.lower())
    if all(len(set(run)) == 1 for run in runs) and (not runs or len(max(runs, key=len)) > 1):
        return True  # `0000-0000`
    # A value with digits is not separated at its capitals, because it may be a key of random characters.
    separated = value if any(map(str.isdigit, value)) else _CAMEL.sub(" ", value)
    words = {word for text in (value, separated) for word in _WORDS.findall(text.lower())}
    if words & _WORDS_OF_MASKING:
        return True
    named = set(_WORDS.findall(separated.lower()))
    digits = [char for char in value if char.isdigit()]
    return bool(named) and named <= _WORDS_OF_NAMING and (len(digits) <= _FEW or len(set(digits)) == 1)


@lru_cache(_REMEMBERED)
def bearer_key(value: str) -> str | None:
    """Return the API key in the value of an `Authorization` header.

    Returns None if a tool has replaced the key by a placeholder such as `***`. Returns None if a tool has replaced the
    key by a remark in plain words. Returns an empty string if the scheme is not Bearer.
    """
    scheme, _, rest = value.strip().partition(" ")
    key = rest.strip()
    if scheme.lower() == "bearer":
        return None if is_placeholder(key) else key
    if key:
        no_key = (
            _looks_like_placeholder(key) or _looks_like_placeholder(value) or not _SCHEME.fullmatch(scheme)
        )
        return None if no_key or _is_remark_in_plain_words(scheme, key) else ""
    return "" if is_distinctive(scheme) else None


def _is_remark_in_plain_words(scheme: str, rest: str) -> bool:
    return scheme.lower() not in _SCHEMES and _PLAIN_WORDS.fullmatch(f"{scheme} {rest}") is not None


@lru_cache(_REMEMBERED)
def is_distinctive(value: str) -> bool:
    """Return whether a value is long and unusual enough to be a credential."""
    long = len(value) >= SHORT and any(char.isdigit() for char in value)
    return (long or len(value) >= 2 * SHORT) and not _looks_like_placeholder(value)
