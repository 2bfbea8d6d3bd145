"""Prepare one exchange for an HTML page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.reports import curl
from evolink_check.traffic.formats import strict_json

if TYPE_CHECKING:
    from evolink_check.reports.evidence import Excerpt
    from evolink_check.reports.model import Report

_BODY = 4000  # maximum number of characters shown of a body
_TEXTS = (
    "text",
    "json",
    "xml",
    "javascript",
    "form",
)  # parts of the content types whose bodies are worth showing


@dataclass(frozen=True, slots=True)
class MessageView:
    """A request or a response as a page shows it."""

    title: str
    headers: tuple[tuple[str, str], ...]
    text: str | None  # the body, with JSON indented; None if there is no text to show
    note: str  # describes the parts that are not shown


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """One exchange as a page shows it."""

    number: int
    status: str  # such as "200" or "no answer"
    method: str
    url: str
    who: str  # the sender of the request, such as "as main" (an account) or "by the server" (a callback)
    seconds: str
    request: MessageView
    response: MessageView
    curl: str


def exchange_view(report: Report, excerpt: Excerpt) -> ExchangeView:
    """Prepare one exchange for an HTML page."""
    entry, exchange = excerpt.entry, excerpt.entry.exchange
    status = str(exchange.status) if exchange.status else "no answer"
    request = _body(exchange.request_headers, exchange.request_body, excerpt.request_size)
    answered = _body(exchange.response_headers, exchange.response_body, excerpt.response_size)
    if entry.size is not None:
        answered = None, f"a body of {entry.size} bytes, not kept"
    return ExchangeView(
        entry.number,
        status,
        exchange.method,
        exchange.url,
        "by the server" if entry.kind == "delivery" else f"as {entry.who}",
        f"{entry.ended - entry.began:.2f}",
        MessageView("request", exchange.request_headers, *request),
        MessageView(f"response: {entry.problem or status}", exchange.response_headers, *answered),
        curl.curl(report, excerpt),
    )


def _body(headers: tuple[tuple[str, str], ...], body: bytes, size: int) -> tuple[str | None, str]:
    if not body:
        return None, "no body"
    text = _pretty(headers, body)
    if text is None:
        return None, f"{size} bytes that are not text"
    more = len(text) - _BODY + size - len(body)
    return text[:_BODY], f"… {more:,} more characters" if more > 0 else ""


def _pretty(headers: tuple[tuple[str, str], ...], body: bytes) -> str | None:
    try:
        return json.dumps(strict_json(body), indent=2, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        kind = next((value.lower() for name, value in headers if name.lower() == "content-type"), "text")
        return body.decode("utf-8", "replace") if any(word in kind for word in _TEXTS) else None
