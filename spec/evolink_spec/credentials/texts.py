"""Remove credentials from free text, such as prompts, messages, commands, configuration files and markup.

A value is a credential if the text before it says so (`password=…`, `--token …`, `-u user:…`, `Bearer …`), or if it has
the form of a key. Each pattern takes linear time, because its quantifiers are bounded or possessive.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from evolink_spec.credentials.names import names_secret
from evolink_spec.credentials.prefixes import DOTTED
from evolink_spec.credentials.shapes import is_identifier_like, is_key, is_prefixed_key, is_random
from evolink_spec.credentials.webhooks import without_webhook_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    Replace = Callable[[str], str]

_SHORTEST = 3  # characters of a value after a name
_SURE = 8  # characters of a value with letters and digits that is no ordinary word
_LONG_WORD = 16  # letters of a value that is no ordinary word
_VALUE = r"(?!\[|removed|[\ufdd0\ufdd1~])[^\s\"'\\,;}&<>()\[\]\ufdd0\ufdd1\uff0c\u3002\uff1b]{3,8192}+"
_SCHEME = r"(?:(?:bearer|basic|digest|token|apikey|key)\s{1,9})?"
_PEM = re.compile(
    r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)(.+?)(?=-----END|\Z)", re.DOTALL
)  # what is between the first line and the last
_NAMED = re.compile(
    r"(?<![\w.\-])(?P<name>-{0,2}\w[\w.\-]{0,63}+)[\\\"']{0,9}"
    r"(?:(?P<sign>\s{0,3}(?:=>|:=|[=:\uff1a])\s{0,9})|\s{1,3}(?:is\s{1,3})?)"
    rf"(?P<quote>[\\\"'(]{{0,9}})(?P<scheme>{_SCHEME})",
    re.IGNORECASE,
)  # up to the value
_VALUE_AFTER = re.compile(_VALUE)
_BEARER = re.compile(
    r"\b(?:bearer|basic)[\s:,]{1,9}(?=\S{0,99}[0-9])(?P<value>[\w.~+/=\-]{8,}+)", re.IGNORECASE
)
_USER = re.compile(
    r"(?<![\w\-])(?:-u|-U|--user|--proxy-user)[\s=]{1,3}[\\\"']{0,9}[^\s:\"'\\]{0,64}+:(?P<value>[^\s\"'\\]{3,8192}+)"
)
_USERINFO = re.compile(r"(?<![\w.\-])[\w.\-]{1,64}+:(?P<value>(?!\[)[^\s/:@\"'<>\\]{6,200}+)@(?=[\w\-])")
_IN_PATH = re.compile(r"/(?P<name>[\w.\-]{3,64}+)/(?P<value>[^\s/?#\"'<>\\]{8,8192}+)")
_ELEMENT = re.compile(r"<(?:\w{1,32}:)?(?P<name>[\w.\-]{1,64})>(?P<value>[^<>\s\[][^<>]{2,8191}+)")
_ATTRIBUTE = (
    r"\b(?:name|key|id)\s?=\s?[\\\"']{1,9}(?P<name>[\w.\-]{1,64})[\\\"']{1,9}",
    r"\b(?:value|val|content)\s?=\s?",
)
_ATTRIBUTES = (
    re.compile(
        rf"{_ATTRIBUTE[0]}\s{{1,9}}{_ATTRIBUTE[1]}[\\\"']{{1,9}}(?P<value>[^\"'<>\[]{{3,8192}}+)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"{_ATTRIBUTE[1]}[\\\"']{{1,9}}(?P<value>[^\"'<>\[]{{3,8192}}+)[\"']\s{{1,9}}{_ATTRIBUTE[0]}",
        re.IGNORECASE,
    ),
)
_COOKIES = re.compile(
    r"\b(?:set-)?cookie[\\\"']{0,9}\s{0,3}:\s{0,3}[\\\"']{0,9}(?P<value>[\w.\-]{1,64}=[^\r\n\"'\\\[]{1,8192}+)",
    re.IGNORECASE,
)
_SHAPE = re.compile(rf"(?<![\w+/\-]){DOTTED}[\w+/\-]{{11,}}+(?:\.[\w\-]{{8,}}+){{0,2}}+={{0,2}}+")
_PART = re.compile(rf"(?<![\w\-]){DOTTED}[\w\-]{{11,}}+(?:\.[\w\-]{{8,}}+){{0,2}}+={{0,2}}+")
_VARIABLE = re.compile(r"\$(?:\{?[A-Z][A-Z0-9_]{1,63})\}?|%[A-Z][A-Z0-9_]{1,63}%")
_URL = re.compile(r"(:(?:\\?/){2})([^?#\s\"'<>]*+)")
# Words that name a credential only beside an unusual value, because they are common in prose.
_COMMON = frozenset(
    {"auth", "key", "otp", "pass", "pin", "sas", "session", "sid", "ticket", "pat", "access", "bearer"}
)
_NAMES_IN_CHINESE = ("密码", "密钥", "口令", "令牌")
_SIGNS = (
    "key", "token", "secret", "pass", "auth", "cookie", "cred", "sign", "sess", "jwt", "pwd", "bearer", "basic", "-u",
    "--user", "@", "otp", "pin", "pw", "cert", "conn", "ticket", "sid", "sas", "pat", "tok", "psk", "密", "令", "口",
)  # fmt: skip


def without_credentials(text: str, replace: Replace, *, plain_urls: bool = False) -> str:
    """Return a text in which credentials are replaced.

    If `plain_urls` is true, UUIDs and hexadecimal numbers in the paths of URLs are kept, because they are identifiers
    there.
    """
    return without_keys(without_named(text, replace), replace, plain_urls=plain_urls)


def without_named(text: str, replace: Replace) -> str:
    """Return a text in which the values are replaced that the text names as credentials (as in `password=…`)."""
    if "." in text:
        text = without_webhook_secrets(text, replace)
    lower = text.lower()
    if not any(sign in lower for sign in _SIGNS):
        return text
    if "private key" in lower:
        text = _PEM.sub(lambda match: f"{match[1]}{replace(match[2])}", text)
    for pattern in (_COOKIES, _USER, _BEARER):
        text = pattern.sub(partial(_replaced, replace), text)
    for pattern in (*_ATTRIBUTES, _ELEMENT, _IN_PATH):
        text = pattern.sub(partial(_replaced_if_named, replace), text)
    text = _without_announced(text, replace)
    return _USERINFO.sub(partial(_replaced, replace), text) if "@" in text else text


def named_values(text: str) -> list[str]:
    """Return the values that the text names as credentials (as in `password=…`)."""
    values: list[str] = []

    def keep(value: str) -> str:
        values.append(value)
        return ""

    without_named(text, keep)
    return values


def without_keys(text: str, replace: Replace, *, plain_urls: bool = False) -> str:
    """Return a text in which the words that look like API keys are replaced."""
    if len(text) < 11:  # noqa: PLR2004  (the shortest word with a prefix)
        return text
    parts, copied = [], 0
    for url in _URL.finditer(text) if plain_urls and "//" in text else ():
        parts += [_SHAPE.sub(partial(_word, replace), text[copied : url.start()]), url[1]]
        parts.append(_PART.sub(partial(_segment, replace), url[2]))
        copied = url.end()
    return "".join([*parts, _SHAPE.sub(partial(_word, replace), text[copied:])])


def _word(replace: Replace, match: re.Match[str]) -> str:
    """Return a replacement for a word that looks like an API key, or for those of its parts that do.

    The parts are separated by slashes or plus signs.
    """
    word = match[0]
    if is_key(word) or is_key(word.rstrip("=")):
        return replace(word)
    if "/" in word or "+" in word or "." in word or "=" in word:
        return _PART.sub(lambda part: replace(part[0]) if is_key(part[0].rstrip("=")) else part[0], word)
    return word


def _segment(replace: Replace, match: re.Match[str]) -> str:
    word = match[0].rstrip("=")
    is_secret = is_prefixed_key(word) or (is_random(word) and not is_identifier_like(word))
    return replace(match[0]) if is_secret else match[0]


def _replaced(replace: Replace, match: re.Match[str]) -> str:
    if _VARIABLE.fullmatch(match["value"]):
        return match[0]
    start, end = (match.span("value")[side] - match.start() for side in (0, 1))
    return f"{match[0][:start]}{replace(match['value'])}{match[0][end:]}"


def _replaced_if_named(replace: Replace, match: re.Match[str]) -> str:
    """Replace a value if the name of its XML element, attribute or path segment is that of a credential."""
    in_path = match[0].startswith("/")
    is_secret = names_secret(match["name"]) and (not in_path or _is_unusual(match["value"]))
    return _replaced(replace, match) if is_secret else match[0]


def _without_announced(text: str, replace: Replace) -> str:
    """Replace the values that follow the name of a credential (as in `api key: …`)."""
    parts, copied, place = [], 0, 0
    while name := _NAMED.search(text, place):
        place = name.end("name")
        if not _names_credential(name["name"].lstrip("-")):
            continue
        value = _VALUE_AFTER.match(text, name.end())
        if value and _is_announced(name, value[0]) and not _VARIABLE.fullmatch(value[0]):
            parts += [text[copied : name.end()], replace(value[0])]
            copied = place = value.end()
    return "".join([*parts, text[copied:]])


def _names_credential(name: str) -> bool:
    return names_secret(name) or name.endswith(_NAMES_IN_CHINESE)


def _is_announced(match: re.Match[str], value: str) -> bool:
    """Return whether the name of a credential, and the sign after it (such as `=`), make this value a credential."""
    name, sign, scheme = match["name"], match["sign"] or "", match["scheme"]
    bare = name.lstrip("-")
    if bare.lower() in _COMMON and not name.startswith("--"):
        return _is_unusual(value)
    if not sign:
        return not value.startswith("-") if name.startswith("--") else _is_unusual(value)
    if (
        scheme and value.strip("`.!?").isalpha() and len(value) < _SURE
    ):  # a sentence about the form, such as `Bearer KEY`
        return False
    end = match.end() + len(value)
    ends_line = match.string[end : end + 1] in {"", "\r", "\n"}
    is_line = ends_line and (match.start() == 0 or match.string[match.start() - 1] in "\r\n")
    certain = "=" in sign or not sign[-1:].isspace() or match["quote"] or is_line or scheme
    return bool(certain) or not value.isalpha() or len(value) >= _LONG_WORD or not bare.isalpha()


def _is_unusual(value: str) -> bool:
    """Return whether a value is neither an ordinary word nor a number nor a name."""
    plain = value.rstrip(".!?:")
    has_both = any(map(str.isdigit, plain)) and any(map(str.isalpha, plain))
    return (len(plain) >= _SURE and has_both) or is_key(plain)
