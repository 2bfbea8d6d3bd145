"""The timeline of one run: requests, answers, states, callbacks, results. Pure."""

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
    """All that a run asked, in seconds from its start."""
    began = run.outcome.began
    marks = tuple(_mark(one, began) for one in run.trace.entries)
    return Lane(run.scenario.id, marks, note=run.outcome.end)


def _mark(one: Entry, began: float) -> Mark:
    status, state = one.exchange.status, _state(one)
    lost = not 200 <= status < 300  # noqa: PLR2004
    tone: Tone = "bad" if lost else _STATES.get(state, "good")
    said = f" {state}" if state else ""
    title = f"{one.exchange.method} {urlsplit(one.exchange.url).path}: {status or 'no answer'}{said}"
    at = max(0.0, one.began - began)
    return Mark(at, "cross" if lost else _shape(one), tone, title, until=max(at, one.ended - began))


def _shape(one: Entry) -> Shape:
    if one.kind == "delivery":
        return "triangle"
    if one.exchange.method == "POST":
        return "diamond"
    media = any(name.lower() == "content-type" and value.startswith("video/")
                for name, value in one.exchange.response_headers)  # fmt: skip
    return "square" if media else "dot"


def _state(one: Entry) -> str:
    """The status that a body tells of, if it is one that is known."""
    body = one.exchange.request_body if one.kind == "delivery" else one.exchange.response_body
    return next((word for word in _STATES if f'"status":"{word}"'.encode() in body), "")
