"""Patterns that find credentials in command-line options, SQL statements, function calls and Markdown tables."""

from __future__ import annotations

import re

_VALUE = r"(?P<value>(?!\[|removed|[\ufdd0\ufdd1~])[^\s\"'\\,;|`<>()\ufdd0\ufdd1]{3,8192}+)"
_OTHERS = r"(?:\s{1,3}(?!-[apk])[^\s|;]{1,100}+){0,9}+\s{1,3}"  # the options before
_QUOTE = r"[\\\"']{0,9}"
# The value is a password.
PASSWORDS = (
    re.compile(
        rf"\b(?:sshpass|(?:docker|podman|oras|buildah|nerdctl|registry)\s{{1,3}}login){_OTHERS}-p[\s=]{{0,3}}{_QUOTE}{_VALUE}"
    ),
    re.compile(rf"\b(?:mysql|mariadb)[a-z\-]{{0,12}}+{_OTHERS}-p{_QUOTE}{_VALUE}"),
    re.compile(rf"\bpassword\(\s?[\\\"']{{1,9}}{_VALUE}", re.IGNORECASE),
    re.compile(rf"\bredis-cli{_OTHERS}-a\s{{1,3}}{_QUOTE}{_VALUE}"),
    re.compile(rf"\bopenssl{_OTHERS}-k\s{{1,3}}{_QUOTE}{_VALUE}"),
    re.compile(rf"\bhttps?{_OTHERS}-a\s{{1,3}}{_QUOTE}[^\s:\"']{{1,64}}+:{_VALUE}"),
    re.compile(
        rf"\bidentified\s{{1,3}}(?:with\s{{1,3}}\S{{1,40}}\s{{1,3}})?by\s{{1,3}}(?:password\s{{1,3}})?[\\\"']{{1,9}}{_VALUE}",
        re.IGNORECASE,
    ),
)
# The value is a credential if the name before it says so, and the value is no ordinary word.
NAMED = (
    re.compile(rf"\.(?P<name>\w{{1,64}}+)\(\s{{0,3}}[\\\"']{{1,9}}{_VALUE}"),
    re.compile(
        rf"\w\(\s{{0,3}}[\\\"']{{1,9}}(?P<name>[\w.\-]{{1,64}}+)[\\\"']{{1,9}}\s{{0,3}},\s{{0,3}}[\\\"']{{1,9}}{_VALUE}"
    ),
    re.compile(
        rf"\|\s{{0,9}}[*`]{{0,3}}(?P<name>[\w.\-]{{1,64}}+(?:\s[\w.\-]{{1,64}}+){{0,3}}+)[*`]{{0,3}}\s{{0,9}}\|\s{{0,9}}`?{_VALUE}"
    ),
)
