"""Remove credentials from free text.

Examples of texts are prompts, messages, commands, configuration files and markup. A credential is recognized by
the name before the value, as in `password=…`, `--token …` and `Bearer …`. A credential without a name is recognized if
the value looks like an API key.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING

from evolink_spec.credentials.commands import NAMED, PASSWORDS
from evolink_spec.credentials.languages import SEVERAL_WORDS, WITH_VERB, may_name_secret
from evolink_spec.credentials.names import names_secret
from evolink_spec.credentials.prefixes import DOTTED
from evolink_spec.credentials.replacement import with_value_replaced
from evolink_spec.credentials.shapes import is_identifier_like, is_key, is_prefixed_key, is_random
from evolink_spec.credentials.webhooks import without_webhook_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    Replace = Callable[[str], str]

_REMEMBERED, _REPEATED = 2_048, 64  # maximum number of cached texts, and of characters in a cached text
_PATHS = 4  # maximum number of paths in a text whose values are searched for in the rest of the text
_SURE = 8  # a value with letters and digits and at least this many characters is no ordinary word
_LONG_WORD = 16  # a value with at least this many letters is no ordinary word
# Each pattern takes linear time, because its quantifiers are bounded or possessive.
_VALUE = r"(?!\[|removed|[\ufdd0\ufdd1~])[^\s\"'\\,;}&<>()\[\]\ufdd0\ufdd1\uff0c\u3002\uff1b]{3,8192}+"
_SCHEME = r"(?:(?:bearer|basic|digest|token|apikey|key|!\w{1,20})\s{1,9})?"
_PEM = re.compile(
    r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)(.+?)(?=-----END|\Z)", re.DOTALL
)  # what is between the first line and the last
_QUOTE = r"&quot;|&#3[49];|&apos;|%2[27]"  # a quotation mark in HTML or in a URL
_SIGN = r"=>|:=|->|\u2192|[=:\uff1a]|%3[ad]|&#(?:58|61);|&colon;|&equals;"


# Matches the name before a value, and the signs after the name, such as `=` or a quote.
# `words` matches names of several words. Each of them ends in `|`, as in `mot de passe|`.
def _name_pattern(words: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.\-])(?P<name>{words}-{{0,2}}\w[\w.\-]{{0,63}}+)(?:[\\\"'\]*`]|{_QUOTE}){{0,9}}"
        rf"(?:(?P<sign>(?:\s{{1,3}}(?:is|was|are))?\s{{0,3}}(?:{_SIGN})[*`]{{0,3}}\s{{0,9}})"
        r"|\s{1,3}(?:(?:is|was)\s{1,3})?|(?=\(\s?[\"']))"
        rf"(?P<quote>(?:[\\\"'(]|{_QUOTE}){{0,9}})(?P<scheme>{_SCHEME})",
        re.IGNORECASE,
    )


_NAMED, _NAMED_IN_OTHER_LANGUAGE = _name_pattern(""), _name_pattern(f"{SEVERAL_WORDS}|")
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
_SIGNS = (
    "key", "token", "secret", "pass", "auth", "cookie", "cred", "sign", "sess", "jwt", "pwd", "bearer", "basic", "-u",
    "--user", "@", "otp", "pin", "pw", "cert", "conn", "ticket", "sid", "sas", "pat", "tok", "psk", "identified", " -p",
    " -k", " -a",
)  # fmt: skip

_PATTERNS = {
    False: (_COOKIES, _USER, _BEARER, *PASSWORDS),
    True: (_COOKIES, _USER, _BEARER, *PASSWORDS, WITH_VERB),
}


def without_credentials(text: str, replace: Replace, *, plain_urls: bool = False) -> str:
    """Replace the credentials in a text, and return the text.

    If `plain_urls` is true, probable identifiers in paths of URLs are kept. Probable identifiers are UUIDs and
    hexadecimal numbers.
    """
    return without_keys(without_named(text, replace), replace, plain_urls=plain_urls)


def without_named(text: str, replace: Replace) -> str:
    """Replace the values that the text names as credentials.

    An example is `password=…`.
    """
    may_contain, in_other_language = (_signs_in if len(text) <= _REPEATED else _signs_in.__wrapped__)(text)
    if "." in text:
        text = without_webhook_secrets(text, replace)
    if not may_contain:
        return text
    lower = text.lower()
    if "private key" in lower:
        text = _PEM.sub(lambda match: f"{match[1]}{replace(match[2])}", text)
    for pattern in _PATTERNS[in_other_language]:
        text = pattern.sub(partial(_replaced, replace), text)
    repeated = {
        path["value"].rstrip(".,;:!)") for path in islice(_IN_PATH.finditer(text), _PATHS) if _is_named(path)
    }
    for pattern in (*_ATTRIBUTES, _ELEMENT, _IN_PATH, *NAMED):
        text = pattern.sub(partial(_replaced_if_named, replace), text)
    for value in repeated:  # a message may suggest another path that ends in the same way
        text = text.replace(value, replace(value)) if value in text else text
    named = _NAMED_IN_OTHER_LANGUAGE if in_other_language else _NAMED
    text = _without_announced(text, replace, named)
    return _USERINFO.sub(partial(_replaced, replace), text) if "@" in text else text


@lru_cache(_REMEMBERED)
def _signs_in(text: str) -> tuple[bool, bool]:  # of a credential, in any language and in another than English
    lower = text.lower()
    in_other_language = may_name_secret(lower)
    return in_other_language or any(sign in lower for sign in _SIGNS), in_other_language


def named_values(text: str) -> list[str]:
    """Return the values that the text names as credentials (as in `password=…`)."""
    values: list[str] = []

    def keep(value: str) -> str:
        values.append(value)
        return ""

    without_named(text, keep)
    return values


def without_keys(text: str, replace: Replace, *, plain_urls: bool = False) -> str:
    """Replace the words that look like API keys, and return the text.

    If `plain_urls` is true, UUIDs and hexadecimal numbers in paths of URLs are kept.
    """
    if len(text) < 11:  # noqa: PLR2004  (the shortest word with a prefix)
        return text
    parts, copied = [], 0
    for url in _URL.finditer(text) if plain_urls and "//" in text else ():
        parts += [_SHAPE.sub(partial(_replace_keys, replace), text[copied : url.start()]), url[1]]
        parts.append(_PART.sub(partial(_segment, replace), url[2]))
        copied = url.end()
    return "".join([*parts, _SHAPE.sub(partial(_replace_keys, replace), text[copied:])])


def _replace_keys(replace: Replace, match: re.Match[str]) -> str:
    word = match[0]
    if is_key(word) or is_key(word.rstrip("=")):
        return replace(word)
    if "/" in word or "+" in word or "." in word or "=" in word:  # separate the parts of a word
        return _PART.sub(lambda part: replace(part[0]) if is_key(part[0].rstrip("=")) else part[0], word)
    return word


def _segment(replace: Replace, match: re.Match[str]) -> str:
    word = match[0].rstrip("=")
    is_secret = is_prefixed_key(word) or (is_random(word) and not is_identifier_like(word))
    return replace(match[0]) if is_secret else match[0]


def _replaced(replace: Replace, match: re.Match[str]) -> str:
    if _VARIABLE.fullmatch(match["value"]):
        return match[0]
    return with_value_replaced(replace, match)


def _replaced_if_named(replace: Replace, match: re.Match[str]) -> str:
    return _replaced(replace, match) if _is_named(match) else match[0]


def _is_named(match: re.Match[str]) -> bool:
    by_form = match.re in {_IN_PATH, *NAMED}
    return names_secret(match["name"]) and (not by_form or _is_unusual(match["value"]))


def _without_announced(text: str, replace: Replace, named: re.Pattern[str]) -> str:
    parts, copied, place = [], 0, 0
    while name := named.search(text, place):
        place = name.end("name")
        if not _names_credential(name["name"].lstrip("-")):
            continue
        value = _VALUE_AFTER.match(text, name.end())
        if value and _is_announced(name, value[0]) and not _VARIABLE.fullmatch(value[0]):
            parts += [text[copied : name.end()], replace(value[0])]
            copied = place = value.end()
    return "".join([*parts, text[copied:]])


def _names_credential(name: str) -> bool:
    return names_secret(name)


def _is_announced(match: re.Match[str], value: str) -> bool:
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
    plain = value.rstrip(".!?:")
    has_both = any(map(str.isdigit, plain)) and any(map(str.isalpha, plain))
    return (len(plain) >= _SURE and has_both) or is_key(plain)
