"""Write an exchange as a curl command that repeats the exchange.

Shell variables stand for API keys.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from evolink_check.reports.formatting import har_location
from evolink_check.traffic.trace import MAIN, NOBODY, OTHER

if TYPE_CHECKING:
    from evolink_check.reports.evidence import Excerpt
    from evolink_check.reports.model import Report
    from evolink_check.traffic.trace import Entry, Exchange

_VARIABLES = {MAIN: "$EVOLINK_API_KEY", OTHER: "$EVOLINK_OTHER_API_KEY", "wrong": "a-key-that-nobody-has"}
_BODY = 600  # maximum number of characters of a body that are shown in a command
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:[/?#]|\Z)", re.IGNORECASE)
_UNSENT = {"host", "content-length", "connection", "authorization", "accept-encoding", "user-agent"}


def curl(report: Report, excerpt: Excerpt) -> str:
    """Return the curl command that repeats an exchange.

    The API key is a shell variable, such as `$EVOLINK_API_KEY`. A long request body is cut. For a callback, the
    result is a shell comment. The server sends callbacks, so the user cannot repeat them with curl.
    """
    entry, exchange = excerpt.entry, excerpt.entry.exchange
    url = exchange.url if "://" in exchange.url else f"{report.evidence.origin}{exchange.url}"
    if entry.kind == "delivery":
        answered = f"answered {exchange.status}" if exchange.status else "without an answer"
        return printable(f"# the server called {exchange.method} {url}, {answered}")
    parts = [
        "curl",
        "-sS",
        "-i",
        *_unchanged_url_options(url),
        *_method(exchange),
        quoted(url),
        *_key(entry, exchange),
    ]
    parts += [word for header in _headers(exchange) for word in ("-H", quoted(header))]
    body, cut = _body(exchange.request_body, excerpt.request_size)
    more = f"  # the body was cut: {har_location(report, entry)}" if cut else ""
    return " ".join([*parts, *body]) + more


def quoted(text: str) -> str:
    """Return the text, quoted as one word of a shell command.

    Characters that are not printable are written in bash's ANSI-C quoting (`$'…'`).
    """
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
    """Escape characters that are not printable.

    A terminal shows the result on one line.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _unchanged_url_options(url: str) -> list[str]:
    # These options stop curl from expanding brackets and from removing dot segments.
    dots = ["--path-as-is"] if _DOTS.search(url) else []
    return [*dots, "--globoff"] if set(url) & set("[]{}") else dots


def _headers(exchange: Exchange) -> list[str]:
    sent = [header for header in exchange.request_headers if header[0].lower() not in _UNSENT]
    # In curl's syntax, `name;` sends an empty header.
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in sent]
    if exchange.request_body and "content-type" not in {name.lower() for name, _ in sent}:
        # In curl's syntax, `name:` leaves out a header that curl would add.
        lines.append("Content-Type:")
    return lines


def _method(exchange: Exchange) -> list[str]:
    if exchange.method == "HEAD":
        return ["--head"]
    implied = "POST" if exchange.request_body else "GET"
    return [] if exchange.method == implied else ["-X", quoted(exchange.method)]


def _key(entry: Entry, exchange: Exchange) -> list[str]:
    sent = next((value for name, value in exchange.request_headers if name.lower() == "authorization"), None)
    if entry.who == NOBODY:
        return [] if sent is None else ["-H", quoted(f"Authorization: {sent}")]
    if entry.who in _VARIABLES:
        # Within double quotes, the shell replaces the variable by its value.
        return ["-H", f'"Authorization: Bearer {_VARIABLES[entry.who]}"']
    return ["-H", '"Authorization: Bearer $EVOLINK_API_KEY"'] if sent is not None else []


def _body(body: bytes, size: int) -> tuple[list[str], bool]:
    if not body:
        return [], False
    text = body.decode("utf-8", "backslashreplace")
    is_text = text.encode("utf-8", "replace") == body
    cut = len(text) > _BODY or len(body) < size or not is_text
    return ["--data-raw", quoted(f"{text[:_BODY]}…" if len(text) > _BODY else text)], cut
