"""Lay out the timeline of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check.reports.html.timeline import Lane, Mark

if TYPE_CHECKING:
    from evolink_check.client.verdicts.verdicts import ScenarioRun
    from evolink_check.reports.html.timeline import Shape, Tone
    from evolink_check.traffic.trace import Entry

LEGEND: tuple[tuple[Shape, Tone, str], ...] = (
    ("diamond", "good", "create"),
    ("dot", "good", "query or another request"),
    ("triangle", "good", "callback"),
    ("square", "good", "fetch of the result"),
    ("cross", "bad", "refused, lost or failed"),
)
_STATES: dict[str, Tone] = {
    "pending": "pending",
    "processing": "processing",
    "completed": "completed",
    "failed": "failed",
}


def lane_of(run: ScenarioRun) -> Lane:
    """Return the timeline of a run.

    Each request or callback is a mark. The time of a mark is in seconds after the start.
    """
    began = run.outcome.began
    marks = tuple(_mark(entry, began) for entry in run.trace.entries)
    return Lane(run.scenario.id, marks, note=run.outcome.end)


def _mark(entry: Entry, began: float) -> Mark:
    status, state = entry.exchange.status, _task_status(entry)
    is_lost = not 200 <= status < 300  # noqa: PLR2004
    tone: Tone = "bad" if is_lost else _STATES.get(state, "good")
    path = urlsplit(entry.exchange.url).path
    title = f"{entry.exchange.method} {path}: {status or 'no answer'}{f' {state}' if state else ''}"
    at = max(0.0, entry.began - began)
    shape = "cross" if is_lost else _shape(entry)
    return Mark(at, shape, tone, title, until=max(at, entry.ended - began))


def _shape(entry: Entry) -> Shape:
    if entry.kind == "delivery":
        return "triangle"
    if entry.exchange.method == "POST":
        return "diamond"
    headers = entry.exchange.response_headers
    is_media = any(name.lower() == "content-type" and value.startswith("video/") for name, value in headers)
    return "square" if is_media else "dot"


def _task_status(entry: Entry) -> str:
    body = entry.exchange.request_body if entry.kind == "delivery" else entry.exchange.response_body
    return next((status for status in _STATES if f'"status":"{status}"'.encode() in body), "")
