"""Split descriptions into sentences."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_URL = re.compile(r"https?://[^\s)`\"']+")
_ENDS = re.compile(r"\n+|(?<=[.;!?])\s+(?=[A-Z`*(\d])|(?<=[;])\s+|<br\s*/?>")
_BULLET = re.compile(r"^\s*(?:[-*+•>]|\d+[.)])\s+")
_CODE = re.compile(r"`([^`\n]+)`")


def sentences_of(text: str) -> list[str]:
    """Split a Markdown description into its sentences and list items. Code spans keep their backticks."""
    plain = _URL.sub("URL", _LINK.sub(r"\1", _FENCE.sub("", text)))
    lines = (_BULLET.sub("", line).replace("**", "").strip() for line in _ENDS.split(plain))
    return [line for line in lines if line]


def codes_of(sentence: str) -> list[str]:
    """Return the code spans (texts in backticks) of a sentence, without the backticks."""
    return _CODE.findall(sentence)


def plain(sentence: str) -> str:
    """Return a sentence without the backticks of its code spans."""
    return sentence.replace("`", "")
