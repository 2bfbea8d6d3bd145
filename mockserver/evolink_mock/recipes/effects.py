"""All effects that a recipe can have, as one table."""

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
LINKS = ("expired", "404", "truncated", "page", "empty", "redirect")
REDIRECTS = ("same", "other", "http")
BODIES = ("none", "empty", "list", "string", "number", "null", "page")
RETRIES = ("date", "fraction", "zero", "none")
FAIL = "fail"
CANCEL = "cancel"
STATUS = "STATUS"
_TOO_MANY_REQUESTS = "429"
CANCELLED = "request_cancelled"  # the failure code of a cancelled task
HALFWAY = 50  # percent
_SLOWDOWN = 10.0  # how many times longer a `slow` task takes
_CREDITS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_TYPE = re.compile(r"[\w.-]+/[\w.-]+(?:;[ \w.:/-]*)?", re.ASCII)
_FIELD = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*")
_CREATE = frozenset({"create"})
_DOCUMENTED = frozenset({"create", "query"})
_AUTHENTICATED = frozenset({"create", "query", "credits"})
_ALL = frozenset(OPERATIONS)

# Returns the fields of a `Recipe` that a word sets. For a malformed word, raises ValueError with the correct form.
Read = Callable[[Word], dict[str, Any]]


class Effect(Struct, frozen=True):
    """A row of the table of effects."""

    name: str
    form: str  # how the effect is written, such as `slow[=TIME]`
    meaning: str
    examples: tuple[str, ...]
    operations: frozenset[str]  # operations that the effect can change
    read: Read  # returns the fields of `Recipe` that the effect sets


def _read_flag(field: str, value: object = True) -> Read:  # noqa: FBT002  (the value of a field)
    def read(word: Word) -> dict[str, Any]:
        if word.value is not None:
            raise ValueError(f"{word.name} takes no value")
        return {field: value}

    return read


def _read_choice(field: str, *options: str) -> Read:
    def read(word: Word) -> dict[str, Any]:
        if word.value not in options:
            raise ValueError(f"{word.name} takes one of {', '.join(options)}")
        return {field: word.value}

    return read


def _read_number(field: str, convert: Callable[[str], object]) -> Read:
    return lambda word: {field: convert(word.value or "")}


def _read_ok(word: Word) -> dict[str, Any]:
    return _read_flag("status", None)(word) and {}


def _read_status(word: Word) -> dict[str, Any]:
    if word.name == _TOO_MANY_REQUESTS and word.value is not None:
        return {"status": int(word.name), "retry_after": parse_duration(word.value)}
    return _read_flag("status", int(word.name))(word)


def _read_gateway(word: Word) -> dict[str, Any]:
    if word.value is None:
        return {"status": int(word.name)}
    if word.value != "done":
        raise ValueError(f"{word.name} takes no value except done")
    return {"gateway": int(word.name)}


def _read_fields(field: str) -> Read:
    def read(word: Word) -> dict[str, Any]:
        names = tuple(filter(None, (word.value or "").split("/")))
        if not names or not all(map(_FIELD.fullmatch, names)):
            raise ValueError(f"{word.name} takes the dotted names of fields, with / between them")
        return {field: names}

    return read


def _read_failure(word: Word) -> dict[str, Any]:
    if word.value is None:
        raise ValueError("fail takes a code")
    reach = LAST_PROGRESS if word.progress is None else max(1, word.progress)
    return {"outcome": (word.value, reach)}  # the registry finds the failure of a code


def _read_cancel(word: Word) -> dict[str, Any]:
    if word.value is not None:
        raise ValueError("cancel takes no value")
    return {"outcome": (CANCELLED, HALFWAY if word.progress is None else max(1, word.progress))}


def _read_expired(word: Word) -> dict[str, Any]:
    _read_choice("task", "expired")(word)
    return {"is_forgotten": True}


def _read_slow(word: Word) -> dict[str, Any]:
    return (
        {"seconds": None, "slowdown": _SLOWDOWN}
        if word.value is None
        else {"seconds": parse_duration(word.value)}
    )


def _read_stuck(word: Word) -> dict[str, Any]:
    _read_choice("stuck", "pending", "processing")(word)
    return {"stuck": Phase.PENDING if word.value == "pending" else Phase.PROCESSING}


def _read_callback(word: Word) -> dict[str, Any]:
    kind, colon, time = (word.value or "").partition(":")
    if kind == "late" and colon:
        return {"callback": kind, "callback_delay": parse_duration(time)}
    return _read_choice("callback", "twice", "early", "never", "late:TIME")(word)


def _read_skew(word: Word) -> dict[str, Any]:
    way, colon, time = (word.value or "").partition(":")
    if way not in {"ahead", "behind"} or not colon:
        raise ValueError("skew takes ahead:TIME or behind:TIME")
    return {"skew": parse_duration(time) * (1 if way == "ahead" else -1)}


def _read_type(word: Word) -> dict[str, Any]:
    if word.value is None or not _TYPE.fullmatch(word.value):
        raise ValueError("type takes a media type, such as text/html")
    return {"content_type": word.value.encode("ascii")}


def _read_status_word(word: Word) -> dict[str, Any]:
    if word.value is None:
        raise ValueError("status takes a word")
    return {"status_word": word.value}


def _read_credits(word: Word) -> dict[str, Any]:
    if not _CREDITS.fullmatch(word.value or ""):
        raise ValueError("credits takes a number")
    return {"credits": float(word.value or "")}


EFFECTS = (
    Effect("ok", "ok", "the usual response", ("ok", "200"), _ALL, _read_ok),
    Effect(STATUS, "STATUS, 429=TIME", "the response is the documented error with this status, if the operation "
           "documents it; TIME is the `Retry-After` of a 429 (1 second by default)",
           ("402", "429=5s", "429*2, ok"), _AUTHENTICATED, _read_status),
    Effect("502", "502, 503, 504, 504=done", "the response is a gateway's HTML page; the request has no effect, "
           "but with `=done` it takes effect", ("502", "503", "504", "504=done"), _ALL, _read_gateway),
    Effect(FAIL, "fail=CODE[/KIND][@PROGRESS]",
           "the task fails with this code, and this kind if one is stated, at this progress in percent (99 by "
           "default); a code that no document lists gets a generic message",
           ("fail=generation_timeout", "fail=content_policy_violation/nudity", "fail=service_error@40"), _CREATE,
           _read_failure),
    Effect(CANCEL, "cancel[@PROGRESS]",
           "the task is cancelled at this progress in percent (50 by default); if the document has no status for "
           "that, the task fails with request_cancelled",
           ("cancel", "cancel@10"), _CREATE, _read_cancel),
    Effect("task", "task=expired", "the task is unknown after its end, so queries get a 404",
           ("task=expired",), _CREATE, _read_expired),
    Effect("slow", "slow[=TIME]", "the task takes this time (10 times as long as usual by default)",
           ("slow", "slow=10m"), _CREATE, _read_slow),
    Effect("stuck", "stuck=pending, stuck=processing", "the task stays in this status forever",
           ("stuck=pending", "stuck=processing"), _CREATE, _read_stuck),
    Effect("queue", "queue", "the task starts when the earlier tasks of the account have ended", ("queue",), _CREATE,
           _read_flag("queued")),
    Effect("link", "link=expired, =404, =truncated, =page, =empty, =redirect",
           "the result link of the task returns 410, 404, half of the file, an HTML page with status 200, an empty "
           "body with status 200, or a redirect to the file",
           tuple(f"link={kind}" for kind in LINKS), _CREATE, _read_choice("link", *LINKS)),
    Effect("callback", "callback=late:TIME, =twice, =early, =never",
           "the callback is sent this long after the end of the task; sent again 1 s after it was delivered; sent "
           "halfway through the task, with the final body; or never sent",
           ("callback=late:30s", "callback=twice", "callback=early", "callback=never"), _CREATE, _read_callback),
    Effect("latency", "latency=TIME, latency=A..B", "the response is delayed by this time, in real time",
           ("latency=1ms", "latency=1ms..3ms"), _ALL, _read_number("latency", parse_speed)),
    Effect("drop", "drop", "the request takes effect, but the connection is closed without a response", ("drop",), _ALL,
           _read_flag("drop")),
    Effect("cut", "cut", "half of the body is sent, then the connection is closed", ("cut",), _ALL,
           _read_flag("cut")),
    Effect("hang", "hang", "the request takes effect, but no response is sent and the connection stays open", ("hang",),
           _ALL, _read_flag("hang")),
    Effect("trickle", "trickle=TIME", "the body is sent in small parts over this time", ("trickle=1ms",), _ALL,
           _read_number("trickle", parse_duration)),
    Effect("redirect", "redirect=same, =other, =http",
           "the request is redirected (create: 307, else 302) to its own host, to another name of this server, or to "
           "plain http, and has no effect", tuple(f"redirect={where}" for where in REDIRECTS), _DOCUMENTED,
           _read_choice("redirect", *REDIRECTS)),
    Effect("body", "body=none, =empty, =list, =string, =number, =null, =page",
           "the request takes effect, but the response is a 204, or has an empty body, JSON that is not an "
           "object, or an HTML page", tuple(f"body={kind}" for kind in BODIES), _DOCUMENTED,
           _read_choice("body", *BODIES)),
    Effect("omit", "omit=FIELD/FIELD", "these fields of the body are missing; `.` separates nested names",
           ("omit=progress", "omit=task_info.can_cancel/usage"), _DOCUMENTED, _read_fields("omitted")),
    Effect("add", "add=FIELD/FIELD", "the body has these additional fields, whose values are texts",
           ("add=hint", "add=task_info.hint"), _DOCUMENTED, _read_fields("added")),
    Effect("null", "null=FIELD/FIELD", "these fields of the body are null", ("null=error",), _DOCUMENTED,
           _read_fields("nulled")),
    Effect("empty", "empty=FIELD/FIELD", "these lists, texts or objects of the body are empty",
           ("empty=results",), _DOCUMENTED, _read_fields("emptied")),
    Effect("skew", "skew=ahead:TIME, skew=behind:TIME",
           "`created` and the `Date` header are those of a server whose clock is ahead or behind by this time",
           ("skew=ahead:1h", "skew=behind:1h"), _DOCUMENTED, _read_skew),
    Effect("retry", "retry=date, =fraction, =zero, =none",
           "the `Retry-After` of a 429 is an HTTP date, has a fraction (half a second less), is 0, or is missing",
           tuple(f"retry={form}" for form in RETRIES), _DOCUMENTED, _read_choice("retry_form", *RETRIES)),
    Effect("type", "type=TEXT", "the response has this Content-Type", ("type=text/html",), _ALL, _read_type),
    Effect("shape", "shape=minimal, =full, =extra, =any",
           "the body of a 200 response has only the required properties, has every documented property, has unknown "
           "fields (and the response has an unknown header), or has random values that the schema allows",
           ("shape=minimal", "shape=full", "shape=extra", "shape=any"), _DOCUMENTED,
           _read_choice("shape", "minimal", "full", "extra", "any")),
    Effect("status", "status=WORD", "a 200 response has this undocumented `status`", ("status=archived",),
           _DOCUMENTED, _read_status_word),
    Effect("credits", "credits=N", "the account has this many credits left, also for later requests",
           ("credits=0", "credits=12"), _AUTHENTICATED, _read_credits),
    Effect("rate", "rate=N/UNIT", "the account has this rate limit, also for later requests",
           ("rate=30/minute", "rate=1/day"), _AUTHENTICATED, _read_number("rate", parse_rate)),
)  # fmt: skip
BY_NAME = {effect.name: effect for effect in EFFECTS}
BY_NAME |= {"200": BY_NAME["ok"], "503": BY_NAME["502"], "504": BY_NAME["502"]}


def recipe_schema() -> dict[str, Any]:
    """Return a JSON Schema for the text of a recipe."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A recipe: the mock's behaviour for a request, or for successive requests",
        "type": "string",
        "maxLength": LONGEST,
        "pattern": PATTERN,
        "examples": [example for effect in EFFECTS for example in effect.examples],
    }


def effect_rows() -> list[tuple[str, str, str, str]]:
    """Return a row for each effect: notation, meaning, operations and an example."""
    return [
        (
            effect.form,
            effect.meaning,
            "all"
            if effect.operations == _ALL
            else ", ".join(name for name in OPERATIONS if name in effect.operations),
            effect.examples[-1],
        )
        for effect in EFFECTS
    ]


def effect_listing() -> str:
    """Return the list of effects for a terminal.

    The notation of an effect is followed by a line with its meaning.
    """
    lines = [
        f"{form}\n    {meaning}  (on: {operations}; example: {example})\n"
        for form, meaning, operations, example in effect_rows()
    ]
    return "".join(lines)
