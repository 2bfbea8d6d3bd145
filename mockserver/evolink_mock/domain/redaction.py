"""Replace credentials in logs and recorded requests with a placeholder.

Headers, query parameters and fields with names such as `api_key` contain credentials. A credential can occur again in
the same log line or request. Each occurrence is replaced. The run time is proportional to the length of the text.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import msgspec
from evolink_spec.credentials.encodings import without_encoded
from evolink_spec.credentials.members import secret_strings
from evolink_spec.credentials.names import header_names_secret, names_secret
from evolink_spec.credentials.shapes import is_uuid
from evolink_spec.credentials.texts import named_values, without_credentials, without_keys, without_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

REMOVED = "[removed]"
KEY_REMOVED = "[removed:key]"  # stands for an account's token, so that the reader notices where it was sent
_TOKEN_MARK, _VALUE_MARK = "\ufdd0", "\ufdd1"  # placeholders of removed text during redaction; noncharacters
# In characters. A value below `_SHORTEST` is kept. A value below `_SHORT` is removed only as a whole word.
_SHORTEST, _SHORT = 3, 8
_MOST_VALUES = 32  # maximum number of credentials per request
_MOST_REMOVED = 300  # maximum number of values that are searched for in a text

_SCHEME_NAMES = frozenset({"basic", "bearer", "digest", "token"})  # a header with only this has no key
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,30}) +(.+)", re.DOTALL)
_PAIR = re.compile(r"(?<![\w.-])([\w.-]{1,64})=([^&;\s\"'<>]+)")
_MEMBER = re.compile(r'("([\w.-]{1,64})"\s{0,9}:\s{0,9}")((?:[^"\\]|\\.)*)')
_PART = re.compile(
    r'(form-data; ?name="?([\w.-]{1,64})"?[^\r\n]{0,100}\r?\n(?:[^\r\n]{1,100}\r?\n){0,9}\r?\n)([^\r\n]*)'
)
# The parts of a URL after its scheme: the user information, the rest up to the query, the query and fragment.
_URL = re.compile(r"(:(?:\\?/){2})(?:[^/?#\s\"'<>\\]*@)?([^?#\s\"'<>]*)([?#][^\s\"'<>]*)?")
_URL_PATH = re.compile(r"(:(?:\\?/){2})(?:[^/?#\s\"'<>\\]*@)?([^/?#\s\"'<>\\]*)[^\s\"'<>]*")
_AFTER_SCHEME = re.compile(r"(:(?:\\?/){2})[^\s\"'<>]+")
# Headers whose values are long and random, but are no API keys.
_IDENTIFYING = re.compile(
    rb"\bid$|request|trace|span|correlation|etag|match|nonce|digest|websocket|idempotency|content|agent",
    re.IGNORECASE,
)
# JSON members whose values are long and random, but are no API keys; and bodies that contain a file.
_CALLBACK_NAME = re.compile(r"callback|webhook", re.IGNORECASE)
_RANDOM_NAME = re.compile(r"id$|base64|checksum|digest|etag|hash|md5|nonce|sha\d", re.IGNORECASE)
_ENCODED = re.compile(r"form-data|base64|[\x00\ufffd]")
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-f])", re.IGNORECASE)
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def is_credential_name(name: str) -> bool:
    """Return whether a field with this name (such as `api_key`) contains a credential.

    Headers and query parameters also count as fields.
    """
    return names_secret(name)


def is_credential_header(name: bytes) -> bool:
    """Return whether a header with this name (such as `Authorization`) contains a credential."""
    return header_names_secret(name.decode("latin-1"))


def credential_values(
    headers: Iterable[tuple[bytes, bytes]], query: bytes = b"", body: bytes = b"", path: str = ""
) -> list[str]:
    """Return the credentials in the headers, query string, JSON body and path."""
    values: list[str] = []
    for name, value in headers:
        if is_credential_header(name):
            values += _values_of(name.decode("latin-1").lower(), value.decode("latin-1").strip())
    for parameter, text in _PAIR.findall(query.decode("latin-1")) if query else ():
        if is_credential_name(parameter):
            values += (text, unquote_plus(text))
    if body[:1] in {b"{", b"["}:
        values += sorted(filter(_is_distinctive, _secret_strings(body)))
    if path:
        values += filter(_is_distinctive, named_values(path))
    return [value for value in dict.fromkeys(values) if len(value) >= _SHORTEST][:_MOST_VALUES]


def _secret_strings(body: bytes) -> set[str]:
    try:
        return secret_strings(_decode(body))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return set()


def _is_distinctive(
    value: str,
) -> bool:  # a shorter or plainer value may also be an ordinary word of the text
    return len(value) >= _SHORT and (any(map(str.isdigit, value)) or len(value) >= 2 * _SHORT)


def _values_of(name: str, value: str) -> Iterator[str]:
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
    """Return the texts of a log line without credentials.

    The first text is the path of a request. The other texts are notes about the request. `headers` are the headers of
    the request. Credentials from these headers are replaced in all texts. Words that look like API keys are also
    replaced. URLs are shortened to scheme and host.
    """
    return [*_redacted(tuple(texts), tuple(headers))]


def redact_identifier_for_log(text: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return an identifier (such as the value of `X-Request-Id`) without the credentials in `headers`.

    Other words that look like API keys are kept, because identifiers may look like keys.
    """
    return Redactor((), credential_values(headers)).identifier(text) if text else text


@lru_cache(maxsize=256)  # clients repeat refused requests
def _redacted(texts: tuple[str, ...], headers: tuple[tuple[bytes, bytes], ...]) -> tuple[str, ...]:
    values = credential_values(headers, path=texts[0] if texts else "")
    redacted = []
    for text in texts:
        for value in values:
            if value in text:
                text = _without(text, value, REMOVED)  # noqa: PLW2901
        plain = _URL_PATH.sub(r"\1\2", text) if "://" in text else text
        redacted.append(without_credentials(plain, _removed))
    return tuple(redacted)


def _removed(_: str) -> str:
    return REMOVED


class Redactor:
    """Replaces the tokens of accounts (`tokens`) and other credentials (`values`) in recorded requests."""

    def __init__(self, tokens: Iterable[str], values: Iterable[str] = ()) -> None:
        keys = {part for token in tokens for part in (token, token.partition("~")[0])}
        marks = dict.fromkeys(values, _VALUE_MARK) | dict.fromkeys(keys, _TOKEN_MARK)
        known = [(value, mark) for value, mark in marks.items() if len(value) >= _SHORTEST]
        known.sort(key=lambda pair: (pair[1] != _TOKEN_MARK, -len(pair[0])))
        self._known = known[:_MOST_REMOVED]

    def text(self, text: str, *, plain_urls: bool = False) -> str:
        """Return a text without credentials.

        Replaces the credentials of this redactor, and values after a name such as `api_key=`. Replaces query strings
        and passwords in URLs. Replaces words that look like API keys. If `plain_urls` is true, the paths of URLs keep
        UUIDs and hexadecimal numbers.
        """
        # In the path of a URL, a UUID or a hexadecimal number is usually an identifier.
        return without_keys(self._plain(text), _removed, plain_urls=plain_urls)

    def identifier(self, text: str) -> str:
        """Return an identifier without credentials.

        Replaces the credentials of this redactor. Other words that look like API keys are kept, because identifiers may
        look like keys.
        """
        return self._plain(text)

    def _plain(self, text: str) -> str:
        marked = self._marked(text)
        return without_named(_shown(_URL.sub(_without_query, marked) if ":" in marked else marked), _removed)

    def query(self, query: str) -> str:
        """Return the placeholder that replaces a query string.

        The placeholder is `[removed:key]` if the query string contains an account's token. The placeholder for all
        other query strings is `[removed]`.
        """
        has_key = _TOKEN_MARK in self._marked(unquote_plus(query))
        return KEY_REMOVED if has_key else REMOVED

    def headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
        """Return the names and values of headers as text, with placeholders for credentials."""
        redacted = []
        for raw_name, raw_value in headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            secret = is_credential_header(raw_name)
            redacted.append((name, _hidden(value) if secret else self._header_text(raw_name, value)))
        return redacted

    def _header_text(self, name: bytes, value: str) -> str:
        identifies = _IDENTIFYING.search(name) or is_uuid(value)
        return self._plain(value) if identifies else self.text(value)

    def body(self, body: bytes) -> str:
        """Return a body as text without credentials.

        In JSON, each string is redacted separately. Any other body is redacted as one text. URLs in this text are cut
        after the scheme and `://`.
        """
        try:
            data = _decode(body)
            return _encode(self._value(data, secret_strings(data))).decode()
        except (msgspec.MsgspecError, ValueError, RecursionError):
            text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), body.decode("utf-8", "replace"))
            text = _PAIR.sub(_without_pair, _MEMBER.sub(_without_member, _PART.sub(_without_member, text)))
            plain = _shown(_AFTER_SCHEME.sub(rf"\1{REMOVED}", self._marked(text)))
            plain = without_named(plain, _removed)
            return plain if _ENCODED.search(text) else without_keys(plain, _removed)

    def _value(self, value: Any, secrets: set[str], name: str = "") -> Any:
        if isinstance(value, str):
            text = self._member_text(value, name)
            is_secret = value in secrets or is_credential_name(name)
            return REMOVED if text and is_secret and text != KEY_REMOVED else text
        if isinstance(value, list):
            return [self._value(item, secrets, name) for item in value]
        if isinstance(value, dict):
            return {self._name(key): self._value(item, secrets, key) for key, item in value.items()}
        return value

    def _member_text(self, value: str, name: str) -> str:
        if value.startswith("data:") or _RANDOM_NAME.search(name):
            return self._plain(value)
        return self.text(value, plain_urls=_CALLBACK_NAME.search(name) is None)

    def _name(self, name: str) -> str:
        return self.text(name) if len(name) >= _SHORT else name  # a short name may equal a short credential

    def _marked(self, text: str) -> str:
        lower = text.lower()
        for value, mark in self._known:
            if value.lower() in lower:
                text = _without(text, value, mark)
        # Long credentials are also found in another letter case or encoded, for example as base64.
        long = [(value.lower(), mark) for value, mark in self._known if len(value) >= _SHORT]
        if not long:
            return text

        def mark_of(decoded: str) -> str:
            lower = decoded.lower()
            return next((mark for value, mark in long if value in lower), "")

        return without_encoded(text, mark_of)


def _without(text: str, value: str, mark: str) -> str:
    if len(value) >= _SHORT:
        return re.sub(re.escape(value), lambda _: mark, text, flags=re.IGNORECASE)
    return re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", lambda _: mark, text)


def _shown(marked: str) -> str:
    return marked.replace(_TOKEN_MARK, KEY_REMOVED).replace(_VALUE_MARK, REMOVED)


def _without_query(url: re.Match[str]) -> str:
    query = url[3]
    hidden = f"{query[0]}{KEY_REMOVED if _TOKEN_MARK in unquote_plus(query) else REMOVED}" if query else ""
    return f"{url[1]}{url[2]}{hidden}"


def _without_pair(pair: re.Match[str]) -> str:
    return f"{pair[1]}={REMOVED}" if is_credential_name(pair[1]) else pair[0]


def _without_member(member: re.Match[str]) -> str:
    return f"{member[1]}{REMOVED}" if is_credential_name(member[2]) else member[0]


def _hidden(value: str) -> str:
    return f"Bearer {REMOVED}" if value[:7].lower() == "bearer " else REMOVED


def merged(requests: Iterable[Sequence[str]]) -> list[str]:
    """Merge the credentials of several requests into one list without duplicates.

    `requests` contains the credentials of each request, the oldest request first. The merged list begins with the
    credentials of the latest request.
    """
    return list(dict.fromkeys(value for values in reversed([*requests]) for value in values))
