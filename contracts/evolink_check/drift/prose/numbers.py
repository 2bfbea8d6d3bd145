"""Find numbers with units in a description, such as the limit in "at most 10 MB".

Times are converted to seconds, and sizes to bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evolink_check.drift.prose.sentences import plain, sentences_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Bound = Literal["max", "min", ""]


@dataclass(frozen=True, slots=True)
class StatedNumber:
    """One number in a description, such as the 10 in "at most 10 MB"."""

    kind: str  # the quantity that the number measures, such as `bytes`
    bound: Bound  # whether the number is a maximum or a minimum; empty if neither
    topic: str  # to what the number applies, such as `image`; empty if unknown
    value: float  # the number after its conversion, such as 10000000
    shown: str  # the number with its unit, as in the description
    pointer: str  # the JSON pointer to the description
    soft: bool = False  # the number is only advice or an estimate


_WORDS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}
_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,12})?|\d{1,12}(?:\.\d{1,12})?)"
_NOUNS = (
    r"(?:images?|pictures?|photos?|videos?|audios?|files?|urls?|links?|items?|elements?|results?|clips?|shots?|"
    r"tags?|speakers?|references?|prompts?|tasks?|characters? references?|variations?|outputs?)"
)
_UNITS: tuple[tuple[str, str, float], ...] = (
    ("rate", r"(?:requests?|calls?|queries)\s*(?:per|/|a)\s*(?:second|sec|s)\b|qps\b", 60),
    ("rate", r"(?:requests?|calls?|queries)\s*(?:per|/|a)\s*min(?:ute)?\b|rpm\b", 1),
    ("rate", r"(?:requests?|calls?|queries)\s*(?:per|/|an)\s*h(?:our)?\b", 1 / 60),
    ("concurrent", r"(?:concurrent|parallel|simultaneous)\b", 1),
    ("bytes", r"(?:kb|kib|kilobytes?)\b", 1e3),
    ("bytes", r"(?:mb|mib|megabytes?|m)\b(?!\w)", 1e6),
    ("bytes", r"(?:gb|gib|gigabytes?)\b", 1e9),
    ("bytes", r"bytes?\b", 1),
    ("characters", r"(?:(?:\w+ )?characters?|chars?)\b", 1),
    ("tokens", r"tokens?\b", 1),
    ("words", r"(?:\w+ )?words?\b", 1),
    ("pixels", r"(?:px|pixels?)\b", 1),
    ("time", r"(?:milliseconds?|ms)\b", 1e-3),
    ("time", r"(?:seconds?|secs?|s)\b", 1),
    ("time", r"(?:minutes?|mins?)\b", 60),
    ("time", r"(?:hours?|hrs?|h)\b", 3600),
    ("time", r"(?:days?|d)\b", 86400),
    ("time", r"weeks?\b", 604800),
    ("frames per second", r"(?:fps|frames? per second|hz)\b", 1),
    ("credits", r"credits?\b", 1),
    ("retries", r"(?:retries|retry|attempts?|times)\b", 1),
    ("percent", r"(?:%|percent\b)", 1),
    ("count", rf"(?:[a-z][a-z\-]*\s+){{0,2}}?{_NOUNS}\b", 1),
)
_UNIT = "|".join(f"(?P<u{index}>{pattern})" for index, (_, pattern, _) in enumerate(_UNITS))
_DASHES = "-–—~"  # noqa: RUF001  (dashes that pages use in ranges)
_TIMES = "x×*"  # noqa: RUF001  (signs that pages use in sizes)
_OF = r"(?<![\w.:/$-])"
_COUNTED = rf"(?:{_NUMBER}|\b(?:{'|'.join(_WORDS)})\b)"
_AMOUNT = re.compile(
    rf"{_OF}(?P<low>{_COUNTED})\s*(?P<unit1>[a-z]{{1,7}}\s*)??(?:[{_DASHES}{_TIMES}]|to|through|and|or|,\s)\s*"
    rf"(?P<high>{_COUNTED})[\s\-]*(?:{_UNIT})"
    rf"|{_OF}(?P<single>{_COUNTED})[\s\-]*(?:{_UNIT.replace('?P<u', '?P<v')})",
    re.IGNORECASE,
)
_RATIO = re.compile(rf"{_OF}(?P<one>{_NUMBER})\s*[:/]\s*(?P<other>{_NUMBER})(?![\w:/])")
_MONEY = re.compile(rf"(?:\$|usd\s?|€)\s?(?P<value>{_NUMBER})", re.IGNORECASE)
_PLAIN_RANGE = re.compile(
    rf"{_OF}(?P<low>-?{_NUMBER})\s*(?:[{_DASHES}]|to|through|and)\s*(?P<high>{_NUMBER})(?![\w:/%]|\.\d)"
)
_PLAIN_BOUND = re.compile(
    rf"(?P<word>>=|<=|≥|≤|>|<|\bup to\b|\bat most\b|\bat least\b|\bmax(?:imum)?\b|\bmin(?:imum)?\b|\bexceed\b)"
    rf"(?:\s+(?:of|is|value|value is))*\s*:?\s*(?P<value>-?{_NUMBER})(?![\w:/%])",
    re.IGNORECASE,
)
_SECONDS = r"\s*(?:seconds?|secs?|s)"
_LIST = re.compile(rf"(?P<list>{_NUMBER}(?:(?:{_SECONDS})?\s*/\s*{_NUMBER})+){_SECONDS}\b", re.IGNORECASE)
# Only in sentences about retries is "1, 2 and 4 seconds" a list. Elsewhere, "4 and 15 seconds" can be a range.
_WAITS = re.compile(
    rf"(?P<list>{_NUMBER}(?:(?:{_SECONDS})?\s*(?:/|,\s*and|,|and)\s*{_NUMBER})+){_SECONDS}\b", re.IGNORECASE
)
_MAX = (
    r"max(?:imum)?|up to|at most|not exceed|n't exceed|exceeds?|(?:no|not|not be) (?:more|larger|longer|greater) than|"
    r"(?:less|fewer|smaller|shorter) than|under|below|within|≤|<=|<|limit(?:ed)?|only"
)
_MIN = (
    r"min(?:imum)?|at least|(?:no|not|not be) (?:less|fewer|smaller|shorter) than|(?:more|greater|larger|longer) than|"
    r"above|over|≥|>=|>|starting (?:at|from)"
)
_BEFORE = re.compile(rf"(?P<max>(?<!\w)(?:{_MAX})(?!\w))|(?P<min>(?<!\w)(?:{_MIN})(?!\w))", re.IGNORECASE)
_AFTER = re.compile(
    r"^\W*(?:(?P<max>max(?:imum)?|or (?:less|fewer|smaller|below)|at most|limit)|"
    r"(?P<min>min(?:imum)?|or more|at least))\b",
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"recommend|suggest|typical|usual|average|estimat|ideal|(?:about|around|approx\w*|roughly)\s+\W?\d",
    re.IGNORECASE,
)
_LIFETIME = re.compile(
    r"valid|expir|retain|retention|kept|stored|available for|accessible|lifetime|save them|"
    r"can be (?:queried|downloaded|retrieved|accessed)",
    re.IGNORECASE,
)
_OF_LINKS = re.compile(r"link|url|result|download|expir|file|quer", re.IGNORECASE)
_TOTAL = re.compile(r"\b(?:total|combined|sum|overall|altogether)\b[^,;]*$", re.IGNORECASE)
_PER_REQUEST = re.compile(
    r"^\W*(?:(?:per|each|in (?:one|a)|for each)\s+(?:request|task|call|time))", re.IGNORECASE
)
_NAMED = re.compile(r"[A-Z][\w.\-]*\s*$")  # a name in front of a number, as in "Kling 3 videos"
_MINUTE = 60
_TIMEOUT = re.compile(r"time[ds]?[ -]?out|must (?:answer|respond|reply)|respond within", re.IGNORECASE)
_TOPICS = re.compile(
    r"image|picture|video|audio|mask|prompt|text|file|url|first frame|last frame|reference|body|width|height",
    re.IGNORECASE,
)
_RANGE_HINT = re.compile(r"range|between|from|value|`|number of|count|:\s*\d", re.IGNORECASE)


def stated_numbers(text: str, pointer: str) -> Iterator[StatedNumber]:
    """Yield every number in a description that measures something."""
    for sentence in sentences_of(text):
        yield from _facts(sentence, pointer)


def _facts(marked: str, pointer: str) -> Iterator[StatedNumber]:
    sentence = plain(marked)
    is_soft = bool(_SOFT.search(sentence))
    topic = _topic(sentence)
    rest = sentence
    is_retry = re.search(r"retr|back-?off", sentence, re.IGNORECASE) is not None
    for match in (_WAITS if is_retry else _LIST).finditer(sentence):
        for place, number in enumerate(re.findall(_NUMBER, match["list"])):
            kind, position = ("wait before a retry", str(place)) if is_retry else ("seconds", topic)
            yield StatedNumber(kind, "", position, _value(number), f"{number} s", pointer, is_soft)
        rest = rest.replace(match[0], " " * len(match[0]))
    for match in _MONEY.finditer(rest):
        yield StatedNumber("price", "", topic, _value(match["value"]), match[0], pointer, is_soft)
    rest = _MONEY.sub(lambda match: " " * len(match[0]), rest)
    for match in _AMOUNT.finditer(rest):
        yield from _amount(match, rest, topic, pointer, soft=is_soft)
    rest = _AMOUNT.sub(lambda match: " " * len(match[0]), rest)
    yield from _bounded_ratios(rest, topic, pointer, soft=is_soft)
    rest = _RATIO.sub(lambda match: " " * len(match[0]), rest)
    yield from _without_unit(rest, topic, pointer, soft=is_soft, hinted=bool(_RANGE_HINT.search(marked)))


def _bounded_ratios(rest: str, topic: str, pointer: str, *, soft: bool) -> Iterator[StatedNumber]:
    # In `rest`, spaces replace the numbers that were already read.
    matches = [match for match in _RATIO.finditer(rest) if _value(match["other"])]
    between = rest[matches[0].end() : matches[1].start()].strip() if len(matches) == 2 else ""  # noqa: PLR2004
    # two ratios with a dash, "to" or "and" between them are a minimum and a maximum
    ends: tuple[Bound, ...] = ("min", "max") if between in {*_DASHES, "to", "and"} else ()
    for place, match in enumerate(matches):
        value = _value(match["one"]) / _value(match["other"])
        bound = ends[place] if ends else _bound(rest, match, "ratio")
        if bound:  # a ratio without a bound is an option, such as 16:9
            yield StatedNumber("ratio", bound, topic, value, match[0], pointer, soft)


def _without_unit(rest: str, topic: str, pointer: str, *, soft: bool, hinted: bool) -> Iterator[StatedNumber]:
    if hinted:
        for match in _PLAIN_RANGE.finditer(rest):
            yield StatedNumber("value", "min", topic, _value(match["low"]), match["low"], pointer, soft)
            yield StatedNumber("value", "max", topic, _value(match["high"]), match["high"], pointer, soft)
        rest = _PLAIN_RANGE.sub(lambda match: " " * len(match[0]), rest)
    for match in _PLAIN_BOUND.finditer(rest):
        bound: Bound = (
            "min" if re.fullmatch(r">=|≥|>|at least|min(?:imum)?", match["word"], re.IGNORECASE) else "max"
        )
        yield StatedNumber("value", bound, topic, _value(match["value"]), match["value"], pointer, soft)


def _amount(
    match: re.Match[str], sentence: str, topic: str, pointer: str, *, soft: bool
) -> Iterator[StatedNumber]:
    index, text = next(
        (int(name[1:]), value)
        for name, value in match.groupdict().items()
        if name[0] in "uv" and name[1:].isdigit() and value
    )
    unit, _, factor = _UNITS[index]
    kind = _kind(unit, factor, sentence)
    if _TOTAL.search(sentence[: match.start()]):
        kind = f"total {kind}"
    topic = _topic(text) or topic
    if match["single"]:
        value = _value(match["single"])
        if unit == "count" and _is_of_name(match, sentence):
            return
        yield StatedNumber(
            kind,
            _bound(sentence, match, kind),
            topic,
            value * factor,
            _shown(match["single"], text),
            pointer,
            soft,
        )
        return
    is_list = bool(
        re.search(rf"\bor\b|[{_TIMES},]", match[0][len(match["low"]) : match.start("high") - match.start()])
    )
    of_list = _bound(sentence, match, kind)
    ends: tuple[tuple[str, Bound], ...] = (("low", "min"), ("high", "max"))
    for word, bound in ends:
        stated: Bound = of_list if is_list else bound
        yield StatedNumber(
            kind, stated, topic, _value(match[word]) * factor, _shown(match[word], text), pointer, soft
        )


def _is_of_name(match: re.Match[str], sentence: str) -> bool:
    """Whether a number belongs to a name, as in "Veo 3 videos"."""
    if "." in match["single"]:
        return True
    if _PER_REQUEST.search(sentence[match.end() : match.end() + 30]):
        return False
    named = _NAMED.search(sentence[: match.start()])
    return named is not None and not _BEFORE.search(named[0]) and match.start() != len(named[0])


def _kind(unit: str, factor: float, sentence: str) -> str:
    if unit != "time":
        return unit
    if _LIFETIME.search(sentence) and (factor >= _MINUTE or _OF_LINKS.search(sentence)):
        return "lifetime"
    return "timeout" if _TIMEOUT.search(sentence) else "seconds"


def _bound(sentence: str, match: re.Match[str], kind: str) -> Bound:
    after = _AFTER.search(sentence[match.end() : match.end() + 20])
    if after:
        return "max" if after["max"] else "min"
    found: Bound = ""
    for before in _BEFORE.finditer(sentence[max(0, match.start() - 40) : match.start()]):
        found = "max" if before["max"] else "min"
    if not found and kind in {"bytes", "characters", "tokens", "words", "count", "rate"}:
        return "max"
    return found


def _topic(text: str) -> str:
    match = _TOPICS.search(text)
    return match[0].lower() if match else ""


def _value(number: str) -> float:
    return float(_WORDS.get(number.lower(), number.replace(",", "")))


def _shown(number: str, unit: str) -> str:
    return f"{number} {unit.strip()}"
