"""Remove credentials from logs and records.

The name of a header, query parameter or field shows whether its value is a credential. A credential is removed
wherever its value appears. Each pass takes linear time.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

REMOVED = "[removed]"
KEY_REMOVED = "[removed:key]"  # stands for an account's token, so that the reader notices where it was sent
_TOKEN_MARK, _VALUE_MARK = "\ufdd0", "\ufdd1"  # placeholders of removed text during redaction; noncharacters
# In characters. A value below `_SHORTEST` is kept. A value below `_SHORT` is removed only as a whole word.
_SHORTEST, _SHORT = 3, 8
_MOST_VALUES = 32  # per request
_MOST_REMOVED = 100  # values that are searched for in a text

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS = frozenset(
    {
        *("auth", "authorization", "bearer", "cookie", "credential", "credentials", "jwt", "passphrase"),
        *("passwd", "password", "pwd", "secret", "sid", "signature", "token"),
        *("accesskey", "apikey", "sessionid"),  # spellings without a hyphen
    }
)
# Words before `key`; names without a hyphen, such as `secretkey`, begin with one of these.
_KEY_OWNERS = frozenset(
    {
        *("access", "account", "admin", "api", "app", "application", "auth", "client", "consumer"),
        *("customer", "developer", "encryption", "fastly", "function", "functions", "license", "master"),
        *("partner", "private", "project", "rest", "secret", "service", "session", "shared", "signing"),
        *("subscription", "token", "user", "webhook", "x"),
    }
)
# Words before `key` in names that are no credentials.
_NO_KEYS = frozenset(
    {
        *("cache", "file", "foreign", "hot", "idempotency", "image", "map", "object", "partition"),
        *("primary", "public", "route", "routing", "row", "socket", "sort", "translation", "video"),
        "websocket",
    }
)
_SESSION = ("session", "id")
_WHOLE_NAMES = frozenset({"access", "otp", "pass", "passcode", "pin"})  # of one word, perhaps after `X-`
_SCHEME_NAMES = frozenset({"basic", "bearer", "digest", "token"})  # of a header whose key is missing
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,30}) +(.+)", re.DOTALL)
_SCHEMED = re.compile(r"\b(bearer|basic)([ :,]{1,3})(?=\S*[0-9])([\w.~+/-]{8,}=*)", re.IGNORECASE)
_ELEMENT = re.compile(r"(<(?:\w{1,32}:)?([\w.-]{1,64})>)([^<>]+)")  # of XML
_PAIR = re.compile(r"(?<![\w.-])([\w.-]{1,64})=([^&;\s\"'<>]*)")
_MEMBER = re.compile(r'("([\w.-]{1,64})"\s{0,9}:\s{0,9}")((?:[^"\\]|\\.)*)')
_PART = re.compile(
    r'(form-data; ?name="?([\w.-]{1,64})"?[^\r\n]{0,100}\r?\n(?:[^\r\n]{1,100}\r?\n){0,9}\r?\n)([^\r\n]*)'
)
# After the scheme of a URL: the user information, the rest up to the query, the query and fragment.
_URL = re.compile(r"(:(?:\\?/){2})(?:[^/?#\s\"'<>\\]*@)?([^?#\s\"'<>]*)([?#][^\s\"'<>]*)?")
_URL_PATH = re.compile(r"(:(?:\\?/){2})(?:[^/?#\s\"'<>\\]*@)?([^/?#\s\"'<>\\]*)[^\s\"'<>]*")
_AFTER_SCHEME = re.compile(r"(:(?:\\?/){2})[^\s\"'<>]+")
# Words that may be keys: with the prefix of a well-known kind, JSON Web Tokens, or random.
# Minimum characters of a word with a prefix, without a prefix, and without a prefix but with a hyphen or underscore.
_SHAPE, _RANDOM, _HYPHENATED = 11, 20, 24
_KEY_SHAPE = re.compile(r"(?<![\w-])[\w-]{11,}+(?:\.[\w-]{8,}+){0,2}+")
_PREFIXED = re.compile(
    r"(?:[spr]k|api|key|pat|tok)[-_]|AIza|gh[pousr]_|glpat-|xox[abeprs]-|(?:AKIA|ASIA)[A-Z0-9]{16}|eyJ"
)
# Headers whose values are long and random, but no keys.
_IDENTIFYING = re.compile(
    rb"\bid$|request|trace|span|correlation|etag|match|nonce|digest|websocket|idempotency|content|agent",
    re.IGNORECASE,
)
# Members whose values are long and random, but no keys; and bodies that contain a file.
_RANDOM_NAME = re.compile(r"id$|base64|checksum|digest|etag|hash|md5|nonce|sha\d", re.IGNORECASE)
_ENCODED = re.compile(r"form-data|base64|[\x00\ufffd]")
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-f])", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=1024)
def is_credential_name(name: str) -> bool:
    """Return whether a header, query parameter or field with this name contains a credential."""
    words = [word.lower() for word in _WORDS.findall(name[:100])]
    if not _SECRET_WORDS.isdisjoint(words) or name.lower() in _SECRET_WORDS:
        return True
    if words[-1:] == ["key"]:
        return _NO_KEYS.isdisjoint(words[:-1])
    if len(words) == 1 + (words[:1] == ["x"]) and words[-1] in _WHOLE_NAMES:
        return True
    joined = words[-1].removesuffix("key") if words and words[-1].endswith("key") else ""
    return joined in _KEY_OWNERS or _SESSION in pairwise(words)


def is_credential_header(name: bytes) -> bool:
    """Return whether a header with this name contains a credential."""
    return is_credential_name(name.decode("latin-1"))


def credential_values(headers: Iterable[tuple[bytes, bytes]], query: bytes = b"") -> list[str]:
    """Return the values that a request sent as credentials in its headers and its query string."""
    values: list[str] = []
    for name, value in headers:
        if is_credential_header(name):
            values += _values_of(name.decode("latin-1").lower(), value.decode("latin-1").strip())
    for parameter, text in _PAIR.findall(query.decode("latin-1")) if query else ():
        if is_credential_name(parameter):
            values += (text, unquote_plus(text))
    return [value for value in dict.fromkeys(values) if len(value) >= _SHORTEST][:_MOST_VALUES]


def _values_of(name: str, value: str) -> Iterator[str]:
    """Yield the secret parts of a header's value: the value without its scheme, or the value of each cookie."""
    if name in {"cookie", "set-cookie"}:
        pairs = value.split(";")[: 1 if name == "set-cookie" else _MOST_VALUES]
        yield from (pair.partition("=")[2].strip() for pair in pairs)
        return
    scheme = _SCHEME.fullmatch(value)
    if value.lower() not in _SCHEME_NAMES:
        yield scheme[2] if scheme else value
    if scheme and scheme[1].lower() == "basic":
        try:
            user, _, password = b64decode(scheme[2], validate=True).decode("latin-1").partition(":")
        except ValueError:
            return
        yield from (user, password)


def redact_for_log(texts: Iterable[str], headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Return the texts of a log line (path and notes) without credentials.

    Credentials in `headers` are removed from each text, and URLs are cut after their origin.
    """
    return [*_redacted(tuple(texts), tuple(headers))]


@lru_cache(maxsize=256)  # clients repeat refused requests
def _redacted(texts: tuple[str, ...], headers: tuple[tuple[bytes, bytes], ...]) -> tuple[str, ...]:
    values = credential_values(headers)
    redacted = []
    for text in texts:
        for value in values:
            if value in text:
                text = _without(text, value, REMOVED)  # noqa: PLW2901
        plain = _without_named(_URL_PATH.sub(r"\1\2", text) if "://" in text else text)
        redacted.append(without_key_shapes(plain))
    return tuple(redacted)


def _without_named(text: str) -> str:
    """Return a text without the values of pairs such as `token=VALUE`, and without keys after `Bearer` or `Basic`."""
    text = _PAIR.sub(_without_pair, text) if "=" in text else text
    return _SCHEMED.sub(rf"\1\2{REMOVED}", text)


def without_key_shapes(text: str) -> str:
    """Return a text without the words that look like API keys: with a well-known prefix, or long and random."""
    return text if len(text) < _SHAPE else _KEY_SHAPE.sub(_without_shape, text)


def _without_shape(word: re.Match[str]) -> str:
    text = word[0]
    prefixed = _PREFIXED.match(text) is not None and any(map(str.isdigit, text))
    kinds = {(char.isdigit(), char.isupper()) for char in text if char.isalnum()}
    is_long = len(text) >= (_RANDOM if text.isalnum() else _HYPHENATED)
    return REMOVED if prefixed or (is_long and len(kinds) == len(("digit", "upper", "lower"))) else text


class Redactor:
    """Removes the tokens of accounts (`tokens`) and other credentials (`values`) from messages."""

    def __init__(self, tokens: Iterable[str], values: Iterable[str] = ()) -> None:
        keys = {part for token in tokens for part in (token, token.partition("~")[0])}
        marks = dict.fromkeys(values, _VALUE_MARK) | dict.fromkeys(keys, _TOKEN_MARK)
        known = [(value, mark) for value, mark in marks.items() if len(value) >= _SHORTEST]
        known.sort(key=lambda pair: (pair[1] != _TOKEN_MARK, -len(pair[0])))
        self._known = known[:_MOST_REMOVED]

    def text(self, text: str) -> str:
        """Return a text without known credentials, credentials in URLs, and words that look like API keys."""
        return without_key_shapes(self._plain(text))

    def _plain(self, text: str) -> str:
        """Return a text without known credentials and without those in URLs. Words that look like API keys are kept."""
        marked = self._marked(text)
        return _shown(_without_named(_URL.sub(_without_query, marked) if ":" in marked else marked))

    def query(self, query: str) -> str:
        """Return the text that replaces a query string, and that shows whether the query string contained a token."""
        has_key = _TOKEN_MARK in self._marked(unquote_plus(query))
        return KEY_REMOVED if has_key else REMOVED

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
        """Return names and values of headers as text. The values of headers with credentials are replaced."""
        redacted = []
        for raw_name, raw_value in headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            secret = is_credential_header(raw_name)
            redacted.append((name, _hidden(value) if secret else self._header_text(raw_name, value)))
        return redacted

    def _header_text(self, name: bytes, value: str) -> str:
        return self._plain(value) if _IDENTIFYING.search(name) else self.text(value)

    def body(self, body: bytes) -> str:
        """Return a body as text, without credentials.

        In JSON, each string is redacted. In any other body, URLs are cut after their scheme.
        """
        try:
            return _encode(self._value(_decode(body))).decode()
        except (msgspec.MsgspecError, ValueError, RecursionError):
            text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), body.decode("utf-8", "replace"))
            text = _MEMBER.sub(_without_member, _PART.sub(_without_member, text))
            text = _without_named(_ELEMENT.sub(_without_member, text))
            plain = _shown(_AFTER_SCHEME.sub(rf"\1{REMOVED}", self._marked(text)))
            return plain if _ENCODED.search(text) else without_key_shapes(plain)

    def _value(self, value: Any, name: str = "") -> Any:
        if isinstance(value, str):
            random = value.startswith("data:") or _RANDOM_NAME.search(name)
            hidden = REMOVED if _HEXADECIMAL.fullmatch(value) else self.text(value)
            text = self._plain(value) if random else hidden
            return REMOVED if text and text != KEY_REMOVED and is_credential_name(name) else text
        if isinstance(value, list):
            return [self._value(item, name) for item in value]
        if isinstance(value, dict):
            # Everything below a member named like a credential is secret; so is the `value` beside such a `name`.
            below = name if is_credential_name(name) else ""
            named = str(value.get("name", "")) if "value" in value else ""
            return {
                self._name(key): self._value(item, below or (named if key == "value" else key))
                for key, item in value.items()
            }
        return value

    def _name(self, name: str) -> str:
        """Return the redacted name of a JSON member.

        A name below 8 characters is kept, because it may be an ordinary word.
        """
        return self.text(name) if len(name) >= _SHORT else name

    def _marked(self, text: str) -> str:
        for value, mark in self._known:
            if value in text:
                text = _without(text, value, mark)
        return text


def _without(text: str, value: str, mark: str) -> str:
    """Replace each occurrence of a value by a mark. A value below 8 characters is replaced only as a whole word."""
    if len(value) >= _SHORT:
        return text.replace(value, mark)
    return re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", lambda _: mark, text)


def _shown(marked: str) -> str:
    return marked.replace(_TOKEN_MARK, KEY_REMOVED).replace(_VALUE_MARK, REMOVED)


def _without_query(url: re.Match[str]) -> str:
    """Return the rest of a URL after its scheme, without user information, query and fragment."""
    query = url[3]
    hidden = f"{query[0]}{KEY_REMOVED if _TOKEN_MARK in unquote_plus(query) else REMOVED}" if query else ""
    return f"{url[1]}{url[2]}{hidden}"


def _without_pair(pair: re.Match[str]) -> str:
    return f"{pair[1]}={REMOVED}" if is_credential_name(pair[1]) else pair[0]


def _without_member(member: re.Match[str]) -> str:
    return f"{member[1]}{REMOVED}" if is_credential_name(member[2]) else member[0]


def _hidden(value: str) -> str:
    """Return the text that replaces a credential. The scheme `Bearer` is kept, because it is documented."""
    return f"Bearer {REMOVED}" if value[:7].lower() == "bearer " else REMOVED


def merged(requests: Iterable[Sequence[str]]) -> list[str]:
    """Return the credentials of several requests without duplicates, beginning with those of the latest request."""
    return list(dict.fromkeys(value for values in reversed([*requests]) for value in values))
