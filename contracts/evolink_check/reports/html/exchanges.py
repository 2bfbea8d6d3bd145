"""One exchange on a page: what was asked and answered, headers folded, bodies as JSON where they are. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evolink_check.reports import curl, formatting
from evolink_check.reports.html.elements import Html, el
from evolink_check.traffic.formats import strict_json
from evolink_check.traffic.redaction import redact_text

if TYPE_CHECKING:
    from evolink_check.reports.model import Report
    from evolink_check.traffic.trace import Entry

_BODY = 4000  # characters
_TEXTS = ("text", "json", "xml", "javascript", "form")  # within the types of bodies worth showing


def exchange(report: Report, entry: Entry, *, opened: bool = False) -> Html:
    """A fold with the exchange in it, without its secrets."""
    seen = formatting.shown(entry)
    status = str(seen.status) if seen.status else "no answer"
    line = el(
        "summary",
        el("span", status, class_=f"status s{status[0]}"),
        el("code", f"{seen.method} {seen.url}"),
        el("small", f" entry {entry.number}, {_who(entry)}, {entry.ended - entry.began:.2f} s"),
    )
    answered = entry.problem or status
    return el(
        "details",
        line,
        _message("asked", seen.request_headers, seen.request_body, None),
        _message(f"answered: {redact_text(answered)}", seen.response_headers, seen.response_body, entry.size),
        el("pre", curl.curl(report, entry), class_="command"),
        class_="exchange",
        open=opened,
    )


def _who(entry: Entry) -> str:
    return "by the server" if entry.kind == "delivery" else f"as {entry.who}"


def _message(name: str, headers: tuple[tuple[str, str], ...], body: bytes, size: int | None) -> Html:
    rows = [el("tr", el("th", name_), el("td", value)) for name_, value in headers]
    folded = el("details", el("summary", f"{len(rows)} headers"), el("table", *rows, class_="headers"))
    return el(
        "div",
        el("h5", name),
        folded if rows else Html(),
        _body(headers, body) if size is None else el("p", f"a body of {size} bytes, not kept"),
        class_="message",
    )


def _body(headers: tuple[tuple[str, str], ...], body: bytes) -> Html:
    if not body:
        return el("p", "no body", class_="none")
    text = _pretty(headers, body)
    if text is None:
        return el("p", f"{len(body)} bytes that are no text", class_="none")
    cut = f"\n… {len(text) - _BODY} more characters" if len(text) > _BODY else ""
    return el("pre", f"{text[:_BODY]}{cut}")


def _pretty(headers: tuple[tuple[str, str], ...], body: bytes) -> str | None:
    """The body as a text to read; None when it is none."""
    try:
        return json.dumps(strict_json(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        kind = next((value.lower() for name, value in headers if name.lower() == "content-type"), "text")
        return body.decode("utf-8", "replace") if any(word in kind for word in _TEXTS) else None
