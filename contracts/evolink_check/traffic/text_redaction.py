"""Replace secrets in texts and URLs by marks.

Secrets are API keys, and the user, query string and fragment of URLs.

A mark is usually as long as its secret. Limits on length can therefore be checked. Equal secrets have equal marks. A
link therefore still matches the request that fetches it. A callback URL still matches its delivery. A mark contains at
most sixteen bits of a digest. A mark does not reveal the secret. Redacting a URL twice has the same result as redacting
it once.

Two marks have a fixed length. `[removed:key]` replaces the bearer keys of requests to the API. `[removed]` is used in
texts that are not URLs. There, `[removed]` replaces other words that look like API keys, such as `sk-…`. `[removed]`
also replaces values after a name such as `token`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote

from evolink_spec.credentials.shapes import is_identifier_like, is_prefixed_key, is_random
from evolink_spec.credentials.texts import without_keys, without_named

from evolink_check.traffic.known_keys import KEY, KnownKeys

if TYPE_CHECKING:
    from collections.abc import Collection

# Each regular expression below takes linear time: two adjacent quantifiers never match the same character, and
# quantifiers that could backtrack are possessive (such as `*+`).

REMOVED = "[removed]"
NO_KEYS = KnownKeys()
_PATTERNS = 16  # sets of short keys, of which a process has few
_REPEATED = 256  # characters of a URL that may be repeated
_ROOM = len("removed-0000")
_MARK = re.compile(r"removed|(?:removed-[0-9a-f]{4}|~[0-9a-f]{0,4})\.*+[ ^]?")
_OF_URI = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]++|%[0-9A-Fa-f]{2})*+")

# A text that is one URL in any notation; the pattern matches every text.
_URL = re.compile(
    r"(?P<lead>\s*+(?:[a-z][a-z0-9+.\-]{0,30}:)?[/\\]*+)(?P<user>[^/?#]*@)?(?P<rest>[^?#]*+)(?P<query>\?[^#]*+)?(?P<fragment>#.*)?",
    re.IGNORECASE | re.DOTALL,
)
# A user whose password contains / ? or #, which belong in percent codes there: what follows the colon is no port.
_MALFORMED_USER = re.compile(
    r"(?P<lead>//)(?P<user>[^/?#@:\s\"'<>]{0,64}:(?!\d{0,9}(?:[/?#\s\"'<>]|\Z))[^\s\"'<>]{0,256})@"
)
# URLs within a text, escaped slashes and percent codes included.
_SIGN = r"%3f|%23|\\{1,9}u00(?:3f|23)"  # a question mark or a hash, escaped
_URL_IN_TEXT = re.compile(
    r"(?P<lead>(?:\\{0,9}/|%2f|\\{1,9}u002f){2})(?P<user>[^/?#\s\"<>\\]*(?:@|%40))?"
    rf"(?P<rest>[^?#\s\"<>%\\]*+(?:(?!{_SIGN})[%\\][^?#\s\"<>%\\]*+)*+)"
    rf"(?P<sign>\?|#|{_SIGN})?(?P<query>(?<=[?#fF3])[^\s\"<>]*+)?",
    re.IGNORECASE,
)
_AFTER = "'),.;:\\"  # punctuation that follows a URL in a sentence

# The prefix of a key, whatever is around it.
_PREFIXED = re.compile(
    r"\bsk-[a-z0-9_\-]{8,}+|\bAIza[a-z0-9_\-]{30,}+|\bgh[pousr]_[a-z0-9]{20,}+", re.IGNORECASE
)
_WEB_TOKEN = re.compile(r"\beyJ[\w\-]{8,}+(?P<rest>\.[\w\-]{8,}+\.[\w\-]*+)?")
_SEGMENT = re.compile(r"(?<=/)(?P<segment>[^/]{11,}+)")
_OF_TASKS = "tasks/"  # before an identifier

# A text must contain one of these in lower case for the patterns above to match.
_SLASHES = ("//", "\\/", "%2f", "u002f")


def redact_url(url: str, keys: KnownKeys = NO_KEYS, *, identifiers: bool = True) -> str:
    """Redact a URL, or a path with its query string.

    Marks replace the user, query string, fragment and API keys. If `identifiers` is True, UUIDs and hexadecimal numbers
    in the path are kept.
    """
    return keys.once(_redact_url, url, identifiers, limit=_REPEATED)


def _redact_url(url: str, identifiers: bool, keys: KnownKeys) -> str:  # noqa: FBT001  (remembered by position)
    url = _MALFORMED_USER.sub(
        lambda match: f"{match['lead']}{mark(match['user'])}@", keys.remove_from(url), 1
    )
    match = _URL.fullmatch(url)
    if match is None:
        return redact_text(url, keys)
    user, query, fragment = (match[part] or "" for part in ("user", "query", "fragment"))
    tail = "".join(f"{part[0]}{mark(part[1:])}" for part in (query, fragment) if part)
    path = redact_path(match["rest"], identifiers=identifiers)
    return f"{match['lead']}{mark(user[:-1])}{user[-1:]}{path}{tail}"


def _without_malformed_user(text: str) -> str:
    if "@" not in text:
        return text
    return _MALFORMED_USER.sub(lambda match: f"{match['lead']}{mark(match['user'])}@", text)


def redact_path(path: str, *, identifiers: bool = True) -> str:
    """Replace the parts of a path that look like API keys by marks.

    Parts after a name such as `token` are replaced too. If `identifiers` is True, UUIDs and hexadecimal numbers are
    kept.
    """

    def redacted(match: re.Match[str]) -> str:
        segment, before = (
            match["segment"],
            match.string[max(0, match.start() - len(_OF_TASKS)) : match.start()],
        )
        plain = unquote(segment)
        if is_identifier_like(plain):
            return segment if identifiers or before == _OF_TASKS else mark(segment)
        return mark(segment) if is_prefixed_key(plain) or is_random(plain) else segment

    return _SEGMENT.sub(redacted, redact_text(without_named(path, mark)))


def redact_text(text: str, keys: KnownKeys = NO_KEYS) -> str:
    """Replace the API keys in a text, and the secrets in its URLs."""
    return keys.once(_redact_text, text)


def _redact_text(text: str, keys: KnownKeys) -> str:
    plain = keys.remove_from(text)
    lower = plain.lower()  # most texts contain nothing that the patterns could match
    if any(sign in lower for sign in _SLASHES):
        plain = _URL_IN_TEXT.sub(_redact_match, _without_malformed_user(plain))
    return _without_keys_by_prefix(without_named(plain, _removed))


def _removed(_: str) -> str:
    return REMOVED


def _without_keys_by_prefix(text: str) -> str:
    lower = text.lower()
    if "sk-" in lower or "aiza" in lower or "gh" in lower:
        text = _PREFIXED.sub(REMOVED, text)
    return _WEB_TOKEN.sub(_redact_web_token, text) if "eyJ" in text else text


def _redact_web_token(match: re.Match[str]) -> str:
    return REMOVED if match["rest"] else match[0]


def redact_words(text: str) -> str:
    """Replace those words of a text that look like API keys by `[removed]`."""
    return without_keys(text, _removed, plain_urls=True)


def mask_words(text: str, words: Collection[str]) -> str:
    """Replace the short API keys `words` by marks of the same length.

    A key is replaced where it is a whole word. The replacement may also change an ordinary word that equals a short
    key. Therefore, rules must not check the masked text.
    """
    if not words or not any(word in text for word in words):
        return text
    return _pattern_of(tuple(words)).sub(lambda word: mark(word[0]), text)


@lru_cache(_PATTERNS)
def _pattern_of(words: tuple[str, ...]) -> re.Pattern[str]:
    pattern = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.compile(rf"(?<![A-Za-z0-9_-])(?:{pattern})(?![A-Za-z0-9_-])")


def _redact_match(match: re.Match[str]) -> str:
    user, sign, query = match["user"] or "", match["sign"] or "", match["query"] or ""
    at = "@" if user.endswith("@") else user[-3:]
    user = f"{mark(user[: len(user) - len(at)])}{at}"
    secret = query.rstrip(_AFTER)
    rest, after = (match["rest"], query[len(secret) :]) if sign else (match["rest"], query)
    return f"{match['lead']}{user}{rest}{sign}{mark(secret)}{after}"


def mark(secret: str) -> str:
    """Return the mark for a secret.

    The mark has the length of the secret, and equal secrets have equal marks. If the secret is valid in a URI, the mark
    is valid, too. If the secret is invalid there, the mark is invalid.
    """
    if not secret or _MARK.fullmatch(secret):
        return secret
    if KEY in secret or secret == REMOVED:
        return KEY if KEY in secret else "removed"
    invalid = _invalid_uri_character(secret)
    size = len(secret) - len(invalid)
    digest = sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:4]
    word = f"removed-{digest}" if size >= _ROOM else f"~{digest[: max(0, size - 1)]}"
    return word.ljust(size, ".") + invalid


def _invalid_uri_character(secret: str) -> str:
    # The mark of an invalid URI ends with this character, so that redaction does not make an invalid URL valid.
    if any(char.isspace() for char in secret):
        return " "
    return "" if _OF_URI.fullmatch(secret) else "^"
