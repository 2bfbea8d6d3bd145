"""Replace secrets in bodies, such as API keys, by marks such as `[removed]`."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from evolink_spec.credentials.languages import may_name_secret
from evolink_spec.credentials.members import secret_strings
from evolink_spec.credentials.names import names_numeric_secret, names_secret

from evolink_check.traffic.credentials import part_places
from evolink_check.traffic.known_keys import KEY, KnownKeys
from evolink_check.traffic.text_redaction import NO_KEYS, REMOVED, redact_text, redact_url, redact_words

if TYPE_CHECKING:
    from collections.abc import Collection

_KEY_LENGTH = 20  # characters of a name that may be a key
# What a name suggests about its value: `password` a secret, `callback_url` a callback, `etag` an identifier.
Kind = Literal["secret", "callback", "identifier", ""]
_IDENTIFIER = re.compile(
    r"id$|hash|digest|nonce|base64|checksum|etag|md5|sha"
)  # names of random values, not keys
_URL = re.compile(r"\s*+(?:[a-z][a-z0-9+.\-]{0,30}:)?[/\\]{2}[^\n]*+", re.IGNORECASE)
_HEADER_LINE = re.compile(r"[\w\-]{1,64}:\s")
# A JSON string, and the colon after it if it is a name. A string cut off at the end of the text matches, too.
_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)(?:(")(\s*:)?|\\?\Z)', re.DOTALL)
_NUMBER = re.compile(r'("([^"\\]{1,100})"\s{0,9}:\s{0,9})-?[0-9][0-9.eE+\-]*+')  # a member that is a number
_REPEATED = 1_024  # bytes of a body that may be repeated, such as a response to a status query
# Without known keys, a text is changed only if it contains one of these in lower case, or a word like a key.
_SIGNS = (
    "//", "\\", "%2f", "authorization", "cookie", "key", "token", "secret", "pass", "signature", "-u ", "--user",
    "session", "cred", "auth", "jwt", "callback", "webhook", "bearer", "basic", "aiza", "gh", "eyj", "cert",
    "begin ", "connectionstring", "otp", 'pin"', "pwd", 'sas"', "sid", "ticket", "pw", "tok", "psk", 'pat"', "@",
    "identified", " -p", " -k ", "form-data",
)  # fmt: skip


def redact_body(body: bytes, keys: KnownKeys = NO_KEYS) -> bytes:
    """Return a body in which each secret is replaced by a mark.

    The character encoding remains the same. A body without secrets is returned unchanged.
    """
    return keys.once(_redact_body, body, limit=_REPEATED) if body else body


def _redact_body(body: bytes, keys: KnownKeys) -> bytes:
    for coding in dict.fromkeys((json.detect_encoding(body), "utf-8", "latin-1")):
        try:
            text = body.decode(coding)
        except UnicodeDecodeError:
            continue
        if "form-data" not in text[:4_096] and _has_no_secret(text, keys):
            return body
        plain = _redact_if_json(text, keys) or _redact_other(text, keys)
        return body if plain == text else plain.encode(coding, "replace")
    raise AssertionError  # latin-1 decodes everything


def redact_value(value: str, keys: KnownKeys = NO_KEYS, kind: Kind = "") -> str:
    """Redact a single value, such as a JSON string or a header's value.

    `kind` states what the name of the field or header suggests about the value. For example, `kind` is "secret" for the
    name `password`. `kind` is empty if the name suggests nothing.
    """
    return keys.once(_redact_value, value, kind)


def _redact_value(value: str, kind: Kind, keys: KnownKeys) -> str:
    if kind == "secret":
        return REMOVED if value and value != KEY else value
    if (kind == "callback" and not _HEADER_LINE.match(value)) or _URL.fullmatch(value):
        return redact_url(value, keys)
    if value[:1] in {"{", "[", '"'}:
        return _redact_if_json(value, keys) or redact_text(value, keys)
    return redact_text(value, keys)


def _kind_of(name: str) -> Kind:
    if names_secret(name):
        return "secret"
    lower = name.lower()
    if "callback" in lower or "webhook" in lower:
        return "callback"
    return "identifier" if _IDENTIFIER.search(lower) else ""


def _redact_if_json(text: str, keys: KnownKeys) -> str | None:
    plain = text.removeprefix("\ufeff")
    try:
        data = _decoded(plain)
    except (ValueError, RecursionError):
        return None  # the text is not JSON
    return _redact_strings_and_numbers(text, keys, secret_strings(data))


def _decoded(text: str) -> Any:
    with suppress(msgspec.MsgspecError, ValueError, RecursionError):
        return msgspec.json.decode(text)
    return json.loads(text)  # a more lenient decoder may accept what msgspec refuses


def _redact_other(text: str, keys: KnownKeys) -> str:
    if "form-data" in text[:4_096]:
        text = _redact_parts(text)
    plain = redact_text(_redact_strings_and_numbers(text, keys), keys)
    return plain if "form-data" in text[:4_096] or "\0" in text else redact_words(plain)


def _has_no_secret(text: str, keys: KnownKeys) -> bool:
    # If True, the slower patterns need not be tried. False does not mean that the text has a secret.
    lower = text.lower()
    if (
        any(map(lower.__contains__, _SIGNS))
        or may_name_secret(lower)
        or lower.count("sk-") > lower.count("task-")
    ):
        return False  # a key does not begin within a word, such as the id of a task
    return not keys.may_be_in(text) and redact_words(text) == text


def _redact_strings_and_numbers(text: str, keys: KnownKeys, secrets: Collection[str] = ()) -> str:
    # The text need not be valid JSON.
    if _has_no_secret(text, keys):
        return text
    kind: Kind = (
        "identifier"  # a string without a name, such as the value of an ETag, is not judged by its form
    )

    def redacted(match: re.Match[str]) -> str:
        nonlocal kind
        written, closing, colon = match.groups("")
        if not colon and secrets and _unescaped(written) in secrets:
            plain: str | None = REMOVED if written != KEY else None
        else:
            plain, kind = keys.once(_redact_string, written, bool(colon), kind)
        return match[0] if plain is None else f'"{plain}{closing}{colon}'

    return _NUMBER.sub(_redact_number, _STRING.sub(redacted, text))


def _unescaped(written: str) -> str | None:
    try:
        value: str = json.loads(f'"{written}"', strict=False) if "\\" in written else written
    except ValueError:  # in a text that is not JSON
        return None
    return value


def _redact_string(written: str, is_name: bool, kind: Kind, keys: KnownKeys) -> tuple[str | None, Kind]:  # noqa: FBT001  (remembered by position)
    # The second result is the kind for the next string: what the last member name suggests about it.
    value = _unescaped(written)
    if value is None:
        return None, kind
    if is_name:
        kind = _kind_of(value)
        plain = (
            value
            if value.isidentifier() and not keys and len(value) < _KEY_LENGTH
            else redact_text(value, keys)
        )
        plain = redact_words(plain)
    else:
        plain = redact_value(value, keys, kind) if value else value
        if not kind and value[:5].lower() != "data:":
            plain = redact_words(plain)
    return None if plain == value else _encoded_like(plain, written)[1:-1], kind


def _redact_number(match: re.Match[str]) -> str:
    return f'{match[1]}"{REMOVED}"' if names_numeric_secret(match[2]) else match[0]


def _encoded_like(value: str, written: str) -> str:
    # Escape slashes and non-ASCII letters as `written` does.
    encoded = json.dumps(value, ensure_ascii=written.isascii())
    return encoded.replace("/", r"\/") if r"\/" in written else encoded


def _redact_parts(text: str) -> str:
    pieces, copied = [], 0
    for name, start, end in part_places(text):
        if kind := _kind_of(name):
            pieces += [text[copied:start], redact_value(text[start:end], kind=kind)]
            copied = end
    return "".join([*pieces, text[copied:]])
