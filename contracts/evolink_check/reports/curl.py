"""An exchange as a curl command that repeats it; keys stand as shell variables."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from evolink_check.reports.formatting import place_of, shown
from evolink_check.traffic.trace import MAIN, NOBODY, OTHER

if TYPE_CHECKING:
    from evolink_check.reports.model import Report
    from evolink_check.traffic.trace import Entry, Exchange

_VARIABLES = {MAIN: "$EVOLINK_API_KEY", OTHER: "$EVOLINK_OTHER_API_KEY", "wrong": "a-key-that-nobody-has"}
_BODY = 600  # characters of a body in a command
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:[/?#]|\Z)", re.IGNORECASE)
_UNSENT = {"host", "content-length", "connection", "authorization", "accept-encoding", "user-agent"}


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
