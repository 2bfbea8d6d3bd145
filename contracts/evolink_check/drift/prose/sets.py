"""Find the sets of words in a description. For example, a set contains the accepted file formats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.drift.prose.sentences import codes_of, plain, sentences_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class StatedWords:
    """A set of words in a description, such as the formats `jpg` and `png`.

    If `kind` is `conditions`, the words are fields. For example, "`a` is required with `b`" relates `a` and `b`.
    """

    kind: str  # what the words are, such as `formats`, `events` or `conditions`
    topic: str  # to what the words apply, such as `image`; a condition has for example `required when`
    words: frozenset[str]
    sentence: str  # the sentence that contains the words
    pointer: str  # the JSON pointer to the description


_FORMATS = (
    r"jpe?g|png|webp|gif|bmp|tiff?|heic|heif|avif|svg|mp4|mov|webm|avi|mkv|m4v|"
    r"mp3|wav|m4a|aac|flac|ogg|opus|pcm|pdf|txt"
)
_FORMAT = re.compile(rf"(?<![\w])\.?({_FORMATS})(?![\w])", re.IGNORECASE)
_OF_FORMATS = re.compile(r"format|support|accept|type", re.IGNORECASE)
_EVENTS = re.compile(
    r"\b(completed?|succe(?:eds|eded|ss)|fail(?:s|ed|ure)?|cancel(?:l?ed|s)?|timed? ?out|expire[ds]?)\b",
    re.IGNORECASE,
)
_TRIGGER = re.compile(r"trigger|fire[sd]?\b|callback|notif|sent when|called when", re.IGNORECASE)
_RULES: tuple[tuple[str, str], ...] = (
    (
        "excludes",
        (
            r"mutually exclusive|can(?:not|'t| not) be (?:used|combined)|not (?:be )?(?:used )?together|not compatible|"
            r"conflicts? with|do(?:es)? not support|not (?:yet |currently )?(?:available|supported|accepted)"
        ),
    ),
    (
        "required when",
        (
            r"required (?:when|if|for|with|unless)|must be (?:provided|given|set|used)|at least one of|requires\b|"
            r"is required"
        ),
    ),
    (
        "only when",
        r"only (?:valid|effective|available|supported|applies|works|takes effect|when|for|with|if)",
    ),
    ("ignored when", r"ignored|no effect"),
)
_FLAGS: tuple[tuple[str, str], ...] = (
    ("https only", r"\bhttps\b"),
    ("over-long input is truncated", r"truncat|cut off"),
    ("no internal address", r"(?:internal|private)\b|intranet|127\.0\.0\.1|192\.168\."),
)
_THING = r"(?:parameter|field|model|option|value|endpoint|feature|name|api|mode|version|it|this)"
_WITHDRAWN = re.compile(
    rf"no longer (?:be )?(?:supported|accepted|available|offered)|\bdiscontinued|"
    rf"\b{_THING}`? (?:has|have) been (?:removed|retired|shut down)",
    re.IGNORECASE,
)
_DEPRECATED = re.compile(
    r"\bdeprecat|will be (?:removed|retired|discontinued|sunset)|sunset (?:date|on)|end[- ]of[- ]life",
    re.IGNORECASE,
)
_BILLED = re.compile(r"charg|bill|cost|pric", re.IGNORECASE)
_PER = re.compile(
    r"\b(?:per|each|by the)[ _](second|image|call|request|token|character|minute|video|song)", re.IGNORECASE
)
_CHOICE = re.compile(r"\b(?:options?|values?|supports?|one of|choose|allowed|available)\b", re.IGNORECASE)
_MEASURE = re.compile(r"\W*\d[\d.,]*\s*(?:[kmg]i?b|px|s|fps|%|seconds?|characters?)?", re.IGNORECASE)
_LEAST_OPTIONS = 2
_OPTION = re.compile(r"^`(?P<value>[^`\n]+)`\s*[:：–—\-(]")  # noqa: RUF001  (marks that pages use after an option)
_TOPICS = re.compile(r"image|video|audio|mask|file", re.IGNORECASE)
_SAME = {"jpeg": "jpg", "tif": "tiff"}


def stated_words(text: str, pointer: str) -> Iterator[StatedWords]:
    """Yield every set of words that a description states."""
    options: list[str] = []
    for sentence in sentences_of(text):
        if codes_of(sentence):
            yield StatedWords("codes", "", frozenset(map(field_of, codes_of(sentence))), sentence, pointer)
        option = _OPTION.match(sentence)
        options += [option["value"]] if option else _choices(sentence)
        yield from _sets(sentence, pointer)
    if len(options) >= _LEAST_OPTIONS:
        yield StatedWords("options", "", frozenset(options), ", ".join(options), pointer)


def _choices(sentence: str) -> list[str]:
    codes = [code for code in codes_of(sentence) if not _MEASURE.fullmatch(code)]
    is_choice = len(codes) >= _LEAST_OPTIONS and _CHOICE.search(sentence)
    return (
        codes
        if is_choice and not any(pattern for _, pattern in _RULES if _matches(pattern, sentence))
        else []
    )


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


def field_of(code: str) -> str:
    """Return the field that a code span names. For example, `a=false` names the field `a`."""
    return code.partition("=")[0].strip()


def _sets(sentence: str, pointer: str) -> Iterator[StatedWords]:
    text = plain(sentence)
    topic = _TOPICS.search(text)
    about = topic[0].lower() if topic else ""
    formats = frozenset(_SAME.get(word.lower(), word.lower()) for word in _FORMAT.findall(text))
    if formats and (len(formats) > 1 or "format" in text.lower()) and _OF_FORMATS.search(text):
        yield StatedWords("formats", about, formats, text, pointer)
    events = frozenset(word.lower()[:4] for word in _EVENTS.findall(text))
    if events and _TRIGGER.search(text):
        yield StatedWords("events", "", frozenset(_event(word) for word in events), text, pointer)
    units = frozenset(unit.lower() for unit in _PER.findall(text))
    if units and _BILLED.search(text):
        yield StatedWords("billing", "", units, text, pointer)
    for name, pattern in _FLAGS:
        if _matches(pattern, text):
            yield StatedWords("flags", "", frozenset({name}), text, pointer)
    if _WITHDRAWN.search(text):
        yield StatedWords("withdrawn", "", frozenset(codes_of(sentence)), text, pointer)
    elif _DEPRECATED.search(text):
        yield StatedWords("deprecated", "", frozenset(codes_of(sentence)), text, pointer)
    for name, pattern in _RULES:
        if _matches(pattern, text) and codes_of(sentence):
            yield StatedWords("conditions", name, frozenset(codes_of(sentence)), text, pointer)
            break


def _event(start: str) -> str:
    return {"comp": "completed", "succ": "completed", "fail": "failed", "canc": "cancelled"}.get(start, start)
