"""What every report says of a verdict, in the same words and without secrets. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.generation.case import MAIN, OTHER
from evolink_check.traffic.redaction import clean_exchange, clean_text
from evolink_check.traffic.trace import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.clauses import Clause

    from evolink_check.analysis.openapi import Exchange
    from evolink_check.analysis.verdicts import Finding, Verdict, Word
    from evolink_check.reports.model import Answer, Report
    from evolink_check.traffic.trace import Entry

WORDS: tuple[Word, ...] = ("kept", "broken", "noted", "not observed")
_VARIABLES = {MAIN: "$EVOLINK_API_KEY", OTHER: "$EVOLINK_OTHER_API_KEY", "wrong": "a-key-that-nobody-has"}
_BODY = 600  # characters of a body in a command
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:[/?#]|\Z)", re.IGNORECASE)
_UNSENT = {"host", "content-length", "connection", "authorization", "accept-encoding", "user-agent"}


@dataclass(frozen=True, slots=True)
class Breach:
    """What was seen, `times` times, alike. `numbers` are the entries of the first; the last one is decisive."""

    expected: str
    seen: str
    times: int
    numbers: tuple[int, ...]


def ordered(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Failures first, then known ones, notes, what is kept, what was not observed; else in the clauses' order."""
    ranks = {"broken": 0, "noted": 2, "kept": 3, "not observed": 4}
    return sorted(verdicts, key=lambda one: ranks[one.word] + one.known)


def word_of(verdict: Verdict) -> str:
    """The verdict in a word or two."""
    return f"{verdict.word} (known)" if verdict.known else verdict.word


def place(clause: Clause) -> str:
    """Where it stands what the clause says."""
    return f"{clause.document}#{clause.pointer}" if clause.document else "published facts, in no document"


def breaches(verdict: Verdict) -> list[Breach]:
    """The breaches of a verdict: those that read alike are one, in the order of their first appearance."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for one in verdict.breaches:
        found.setdefault((clean_text(one.expected), clean_text(one.seen)), []).append(one)
    return [Breach(expected, seen, len(alike), alike[0].entries) for (expected, seen), alike in found.items()]


def where(breach: Breach) -> str:
    """How often and in which entries of the HAR file."""
    often = f"{breach.times} times" if breach.times > 1 else ""
    entries = f"entr{'y' if len(breach.numbers) == 1 else 'ies'} {', '.join(map(str, breach.numbers))}"
    parts = [often, f"first in {entries}" if often else entries] if breach.numbers else [often or "once"]
    return ", ".join(part for part in parts if part)


def decisive(report: Report, breach: Breach) -> Entry | None:
    """The entry that shows it; None when the breach names none."""
    if not breach.numbers or breach.numbers[-1] >= len(report.trace.entries):
        return None
    return report.trace.entries[breach.numbers[-1]]


def shown(entry: Entry) -> Exchange:
    """The exchange of an entry without its secrets."""
    return clean_exchange(entry.exchange, entry.who)


def counts(report: Report) -> dict[str, int]:
    """How many clauses have each word, also those that none has."""
    found = report.counts()
    return {word: found.get(word, 0) for word in WORDS}


def counted(report: Report) -> str:
    """The counts in a line."""
    known = sum(verdict.known for verdict in report.verdicts)
    more = {"broken": f" ({known} known)" if known else ""}
    return ", ".join(f"{count} {word}{more.get(word, '')}" for word, count in counts(report).items())


def effort(report: Report) -> str:
    """What the run took of time, tasks and credits."""
    tasks = f"{report.created} task{'' if report.created == 1 else 's'} created"
    budget = f" of {report.budget:g}" if report.budget is not None else ""
    spent = f", {report.spent:g}{budget} credits spent" if report.kind == "api" else ""  # else nobody counted
    return f"{len(report.trace.entries)} exchanges, {tasks}{spent}, {report.seconds:.1f} s"


def unseen(report: Report) -> list[Answer]:
    """The documented answers that the trace does not hold."""
    return [answer for answer in report.answers if not answer.seen]


def repeat(report: Report, clause: Clause) -> str:
    """The command that looks at just this clause again; empty when nobody knows it."""
    return f"{clean_text(report.command)} --clause {clause.id}" if report.command else ""


def curl(report: Report, entry: Entry) -> str:
    """The exchange as a command that repeats it: `$EVOLINK_API_KEY` for the key, a body cut when it is long.

    A delivery cannot be repeated by who received it: then it is told in words.
    """
    exchange = shown(entry)
    url = exchange.url if "://" in exchange.url else f"{report.trace.origin}{exchange.url}"
    if entry.kind == "delivery":
        answered = f"answered {exchange.status}" if exchange.status else "without an answer"
        return printable(f"# the server called {exchange.method} {url}, {answered}")
    parts = ["curl", "-sS", "-i", *_as_is(url), *_method(exchange), quoted(url), *_key(entry, exchange)]
    parts += [word for header in _headers(exchange) for word in ("-H", quoted(header))]
    body, cut = _body(exchange.request_body)
    more = f"  # the body was cut: {place_of(report, entry)}" if cut else ""
    return " ".join([*parts, *body]) + more


def place_of(report: Report, entry: Entry) -> str:
    """Where the whole exchange is found."""
    return f"log.entries[{entry.number}] of {report.har or 'the HAR file (--har)'}"


def quoted(text: str) -> str:
    """A word of a shell's; in bash's own quotes where it holds what a terminal would act on."""
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(char: str) -> str:
    if char in "'\\":
        return f"\\{char}"
    return (
        char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "replace"))
    )


def printable(text: str) -> str:
    """A text for one line of a terminal: nothing in it moves the cursor, rings or turns the direction around."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _as_is(url: str) -> list[str]:
    """What keeps curl from taking brackets for a pattern, and dots out of a path."""
    dots = ["--path-as-is"] if _DOTS.search(url) else []
    return [*dots, "--globoff"] if set(url) & set("[]{}") else dots


def _headers(exchange: Exchange) -> list[str]:
    """As curl wants them: a semicolon ends one without a value, a colon takes out one of its own."""
    sent = [one for one in exchange.request_headers if one[0].lower() not in _UNSENT]
    told = [f"{name}: {value}" if value else f"{name};" for name, value in sent]
    if exchange.request_body and "content-type" not in {name.lower() for name, _ in sent}:
        told.append("Content-Type:")
    return told


def _method(exchange: Exchange) -> list[str]:
    if exchange.method == "HEAD":
        return ["--head"]
    implied = "POST" if exchange.request_body else "GET"
    return [] if exchange.method == implied else ["-X", quoted(exchange.method)]


def _key(entry: Entry, exchange: Exchange) -> list[str]:
    """The header with the key, in double quotes so that a shell fills it in."""
    sent = next((value for name, value in exchange.request_headers if name.lower() == "authorization"), None)
    if entry.who == NOBODY:
        return [] if sent is None else ["-H", quoted(f"Authorization: {sent}")]
    if entry.who in _VARIABLES:
        return ["-H", f'"Authorization: Bearer {_VARIABLES[entry.who]}"']
    return ["-H", '"Authorization: Bearer $EVOLINK_API_KEY"'] if sent is not None else []


def _body(body: bytes) -> tuple[list[str], bool]:
    if not body:
        return [], False
    text = body.decode("utf-8", "backslashreplace")
    is_text = text.encode("utf-8", "replace") == body
    cut = len(text) > _BODY or not is_text
    return ["--data-raw", quoted(f"{text[:_BODY]}…" if len(text) > _BODY else text)], cut
