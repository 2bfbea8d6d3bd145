"""Every effect that a recipe can have: the one table that the parser, the documentation and the tests read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from evolink_mock.domain.tasks import LAST_PROGRESS, Phase
from evolink_mock.domain.units import parse_duration, parse_rate, parse_speed
from evolink_mock.recipes.grammar import LONGEST, PATTERN, Word

ANY = "any"
OPERATIONS = ("create", "query", "media", "credits")
GATEWAY = (502, 503, 504)
FAIL = "fail"
STATUS = "STATUS"
_WAITING = "429"
USUAL = ("ok", "200")  # 200 is what Prism's users send who want no error
LONG = 10.0  # times as long as usual
_CREDITS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_TYPE = re.compile(r"[\w.-]+/[\w.-]+(?:;[ \w.:/-]*)?", re.ASCII)
_TASK = frozenset({"create"})
_STATED = frozenset({"create", "query"})
_WHOSE = frozenset({"create", "query", "credits"})
_ALL = frozenset(OPERATIONS)

Read = Callable[
    [Word], dict[str, Any]
]  # the fields of a Recipe that a word sets; ValueError: how to write it


class Effect(Struct, frozen=True):
    """One row: what it is called, how it is written, what happens, on which operations it can have an effect."""

    name: str
    form: str
    meaning: str
    examples: tuple[str, ...]
    operations: frozenset[str]
    read: Read


def _flag(field: str, value: object = True) -> Read:  # noqa: FBT002  (what a field is set to)
    def read(word: Word) -> dict[str, Any]:
        if word.value is not None:
            raise ValueError(f"{word.name} takes no value")
        return {field: value}

    return read


def _choice(field: str, *options: str) -> Read:
    def read(word: Word) -> dict[str, Any]:
        if word.value not in options:
            raise ValueError(f"{word.name} is one of {', '.join(options)}")
        return {field: word.value}

    return read


def _number(field: str, convert: Callable[[str], object]) -> Read:
    return lambda word: {field: convert(word.value or "")}


def _usual(word: Word) -> dict[str, Any]:
    return _flag("status", None)(word) and {}


def _status(word: Word) -> dict[str, Any]:
    if word.name == _WAITING and word.value is not None:
        return {"status": int(word.name), "retry": parse_duration(word.value)}
    return _flag("status", int(word.name))(word)


def _fail(word: Word) -> dict[str, Any]:
    if word.value is None:
        raise ValueError("fail takes a code")
    reach = LAST_PROGRESS if word.progress is None else max(1, word.progress)
    return {"outcome": (word.value, reach)}  # the cookbook knows the failure of a code


def _slow(word: Word) -> dict[str, Any]:
    return (
        {"seconds": None, "longer": LONG} if word.value is None else {"seconds": parse_duration(word.value)}
    )


def _stuck(word: Word) -> dict[str, Any]:
    _choice("stuck", "pending", "processing")(word)
    return {"stuck": Phase.PENDING if word.value == "pending" else Phase.PROCESSING}


def _callback(word: Word) -> dict[str, Any]:
    kind, colon, time = (word.value or "").partition(":")
    if kind == "late" and colon:
        return {"callback": kind, "wait": parse_duration(time)}
    return _choice("callback", "twice", "early", "never", "late:TIME")(word)


def _type(word: Word) -> dict[str, Any]:
    if word.value is None or not _TYPE.fullmatch(word.value):
        raise ValueError("type takes a media type, such as text/html")
    return {"kind": word.value.encode("ascii")}


def _word(word: Word) -> dict[str, Any]:
    if word.value is None:
        raise ValueError("status takes a word")
    return {"word": word.value}


def _credits(word: Word) -> dict[str, Any]:
    if not _CREDITS.fullmatch(word.value or ""):
        raise ValueError("credits takes a number")
    return {"credits": float(word.value or "")}


EFFECTS = (
    Effect("ok", "ok", "the usual answer", ("ok", "200"), _ALL, _usual),
    Effect(STATUS, "STATUS, 429=TIME", "the documented error with this status; without effect on an operation that "
           "does not document it. A 429 says to wait this time, a second when not said",
           ("402", "429=5s", "429*2, ok"), _STATED, _status),
    Effect("502", "502, 503, 504", "an HTML page as a gateway sends it; the request has not reached the API",
           ("502", "503", "504"), _ALL, _status),
    Effect(FAIL, "fail=CODE[/KIND][@PROGRESS]",
           "the task fails with this code, or a kind of it, after this progress (99 when not said)",
           ("fail=generation_timeout", "fail=content_policy_violation/nudity", "fail=service_error@40"), _TASK, _fail),
    Effect("slow", "slow[=TIME]", "the task takes this time; 10 times as long as usual when not said",
           ("slow", "slow=10m"), _TASK, _slow),
    Effect("stuck", "stuck=pending, stuck=processing", "the task stays there for ever",
           ("stuck=pending", "stuck=processing"), _TASK, _stuck),
    Effect("queue", "queue", "the task begins when the account's earlier tasks have ended", ("queue",), _TASK,
           _flag("queued")),
    Effect("link", "link=expired, link=404, link=truncated",
           "the task's result link answers 410, or 404, or with half the file",
           ("link=expired", "link=404", "link=truncated"), _TASK, _choice("link", "expired", "404", "truncated")),
    Effect("callback", "callback=late:TIME, =twice, =early, =never",
           "called back that long after the end; again 1 s after a success; with the final body halfway, while a query "
           "still says that it runs; not at all",
           ("callback=late:30s", "callback=twice", "callback=early", "callback=never"), _TASK, _callback),
    Effect("latency", "latency=TIME, latency=A..B", "real time, or one between, passes before the answer",
           ("latency=1ms", "latency=1ms..3ms"), _ALL, _number("latency", parse_speed)),
    Effect("drop", "drop", "the request is carried out, and the connection closed without an answer", ("drop",), _ALL,
           _flag("drop")),
    Effect("cut", "cut", "half of the announced body, then the connection is closed", ("cut",), _ALL, _flag("cut")),
    Effect("type", "type=TEXT", "another Content-Type", ("type=text/html",), _ALL, _type),
    Effect("shape", "shape=minimal, =full, =extra, =any",
           "the 200 has only what the schema requires; every documented property; unknown fields and a header; "
           "any values that the schema allows",
           ("shape=minimal", "shape=full", "shape=extra", "shape=any"), _STATED,
           _choice("shape", "minimal", "full", "extra", "any")),
    Effect("status", "status=WORD", "the 200 has this `status`, which no document knows", ("status=archived",), _STATED,
           _word),
    Effect("credits", "credits=N", "the account has so many credits left, from now on", ("credits=0", "credits=12"),
           _WHOSE, _credits),
    Effect("rate", "rate=N/UNIT", "the rate limit of the account, from now on", ("rate=30/minute", "rate=1/day"),
           _WHOSE, _number("rate", parse_rate)),
)  # fmt: skip
BY_NAME = {effect.name: effect for effect in EFFECTS}
BY_NAME |= {"200": BY_NAME["ok"], "503": BY_NAME["502"], "504": BY_NAME["502"]}


def schema() -> dict[str, Any]:
    """JSON Schema of a recipe's text, with an example of every effect, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A recipe: what a mock is to do with a request, or with one after the other",
        "type": "string",
        "maxLength": LONGEST,
        "pattern": PATTERN,
        "examples": [example for effect in EFFECTS for example in effect.examples],
    }


def rows() -> list[tuple[str, str, str, str]]:
    """The table as text: how it is written, what happens, where, and an example."""
    return [
        (
            effect.form,
            effect.meaning,
            "all"
            if effect.operations == _ALL
            else ", ".join(one for one in OPERATIONS if one in effect.operations),
            effect.examples[-1],
        )
        for effect in EFFECTS
    ]


def listing() -> str:
    """The table for a terminal: what is written at the left, what happens below it."""
    lines = [
        f"{form}\n    {meaning}  (on: {where}; as in: {example})\n"
        for form, meaning, where, example in rows()
    ]
    return "".join(lines)
