"""Decide from the name of a field whether its value is a credential.

A field is a header, a query parameter or a member of a body.
"""

from __future__ import annotations

import re
from functools import lru_cache

from evolink_spec.credentials.languages import names_secret_in_other_language

_TAIL = 100  # only this many characters at the end of a name matter
_NAMES = 4_096  # results that are cached, because a trace repeats a few names thousands of times
_KEY_OWNERS = (
    "access", "account", "admin", "api", "app", "application", "auth", "client", "consumer", "customer", "deploy",
    "developer", "encryption", "function", "functions", "hmac", "license", "master", "partner", "private", "project",
    "secret", "service", "session", "shared", "signing", "ssh", "storage", "subscription", "token", "user", "webhook",
)  # fmt: skip
_SECRET_ENDS = (
    *(f"{owner}key" for owner in _KEY_OWNERS), "accesskeyid", "authentication", "authorization", "bearer", "clientcert",
    "clientcertificate", "cookie", "cred", "credential", "authheader", "connectionstring",
    "githubpat", "jwtassertion", "oauth", "passcode", "privatekeypem", "passphrase", "passwd", "password",
    "keypass", "privatekeyid", "pwd", "secret", "sessionid", "signature", "storepass", "token",
)  # fmt: skip
_OTHER_KEYS = tuple(  # keys that are no secrets, and words that end like one
    f"{word}key" for word in (
        "cache", "file", "foreign", "hot", "idempotency", "image", "map", "mon", "object", "partition", "primary",
        "public", "route", "routing", "row", "sort", "translation", "tur", "video", "websocket",
    )
)  # fmt: skip
_NUMERIC = (
    "otp",
    "passcode",
    "passwd",
    "password",
    "pin",
    "pwd",
    "secret",
)  # credentials that may be numbers
_PARAMETERS = {"code"}  # as the whole name of a query parameter; members with these names are common
_SECRET_WORDS = {
    "auth",
    "jwt",
    "key",
    "otp",
    "pass",
    "pin",
    "pw",
    "sas",
    "session",
    "sid",
    "ticket",
}  # as a whole name, or at the end of a header's
_LAST_WORDS = {
    *("auth", "bearer", "creds", "jwt", "otp", "pass", "pat", "psk", "pw", "sas", "sid", "tok"),
}  # at the end of a name of several words
_ANY_WORDS = {
    *(
        "apikey",
        "authorization",
        "bearer",
        "cookie",
        "credential",
        "credentials",
        "jwt",
        "passphrase",
        "passwd",
    ),
    *("password", "pwd", "secret", "signature", "token"),
}  # anywhere in a name, unless its last word is one of these
_DESCRIPTIONS = {
    *(
        "at",
        "count",
        "enabled",
        "expiration",
        "expires",
        "expiry",
        "hint",
        "in",
        "length",
        "limit",
        "max",
        "method",
    ),
    *(
        "accepted",
        "mode",
        "name",
        "policy",
        "remaining",
        "required",
        "scheme",
        "size",
        "status",
        "total",
        "ttl",
        "type",
    ),
    *("uri", "url", "usage", "version", "details"),
}
_WHOLE_NAMES = {"x-access"}  # of headers
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NO_SECRETS = {"idempotency", "websocket"}  # words of headers that end in `key` but are not secret
_COUNTS = re.compile(
    r"limit|remaining|max|total|usage|prompt|completion|input|output|cached|audio|reasoning"
)  # names such as max_tokens: numbers of tokens
_SEPARATORS = re.compile(r"[-_. ]")
_NUMBERING = re.compile(r"[-_. ]?v?[0-9]{1,3}$")


def names_secret(name: str) -> bool:
    """Return whether a field with this name contains a credential.

    Examples are `api_key`, `apiKey` and `API-KEY`.
    """
    return _names_secret(name.strip()[-_TAIL:])


@lru_cache(_NAMES)
def _names_secret(name: str) -> bool:
    lower = _base_name(name)
    joined = _SEPARATORS.sub("", lower).removesuffix("value")  # `auth.value`
    if joined.endswith("key") and len(joined) > len("key") and not joined.endswith(_OTHER_KEYS):
        return True
    if joined.endswith(_SECRET_ENDS) or joined.removeprefix("x") in _SECRET_WORDS:
        return True
    if names_secret_in_other_language(name.lower()):
        return True
    words = [word.lower() for word in _WORDS.findall(name)]
    if len(words) > 1 and words[-1] in _LAST_WORDS:
        return True
    return not _ANY_WORDS.isdisjoint(words) and words[-1] not in _DESCRIPTIONS and not _COUNTS.search(lower)


def names_numeric_secret(name: str) -> bool:
    """Return whether a number in a field with this name is a credential.

    An example is `pin`.
    """
    return names_secret(name) and _SEPARATORS.sub("", _base_name(name)).endswith(_NUMERIC)


def parameter_names_secret(name: str) -> bool:
    """Return whether a query parameter with this name contains a credential."""
    return names_secret(name) or name.lower() in _PARAMETERS


def _base_name(name: str) -> str:  # `secret` for `Secret_2` and for `secrets`
    lower = _NUMBERING.sub("", name.strip().lower()[-_TAIL:])
    is_plural = lower.endswith("s") and not lower.endswith(("ss", "cs", "sas")) and not _COUNTS.search(lower)
    return lower[:-1] if is_plural else lower


def header_names_secret(name: str) -> bool:
    """Return whether a header with this name contains a credential.

    Some names, such as `App-Session`, name a credential in headers alone.
    """
    return _header_names_secret(name.strip()[-_TAIL:])


@lru_cache(_NAMES)
def _header_names_secret(name: str) -> bool:
    lower = _base_name(name)
    words = _SEPARATORS.split(lower)
    if lower in _WHOLE_NAMES:
        return True
    return _names_secret(name) or (words[-1] in _SECRET_WORDS and _NO_SECRETS.isdisjoint(words))
