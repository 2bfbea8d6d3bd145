"""The trace that a report is about, as its writers may see it: without secrets, and in excerpts that fit a report.

Nothing else of a trace reaches a writer, so that none can forget to redact it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from evolink_check.analysis.trace_view import TraceView
from evolink_check.traffic.redaction import redact_exchange, redact_text, redacted

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Finding, Verdict
    from evolink_check.traffic.trace import Entry, Trace

EXCERPT = 65_536  # bytes of a body that a report looks at
TEXT = 2_000  # characters of what was expected or seen


class Excerpt(NamedTuple):
    """An entry with its secrets removed and its bodies cut to `EXCERPT` bytes; the sizes are those before the cut."""

    entry: Entry
    request_size: int
    response_size: int


class Evidence:
    """A trace as it was judged. An entry is redacted when it is first asked for, and only once."""

    def __init__(self, view: TraceView) -> None:
        self._judged = view
        self._excerpts: dict[int, Excerpt] = {}

    def __len__(self) -> int:
        return len(self._judged.trace.entries)

    @property
    def origin(self) -> str:
        """The base URL of the API; empty when entries are told by their path alone."""
        return redact_text(self._judged.trace.origin)

    def excerpt(self, number: int) -> Excerpt | None:
        """The entry with this number; None when there is none."""
        if not 0 <= number < len(self):
            return None
        if number not in self._excerpts:
            self._excerpts[number] = _excerpt(self._judged.trace.entries[number])
        return self._excerpts[number]

    @cached_property
    def trace(self) -> Trace:
        """All of it, with whole bodies."""
        return redacted(self._judged.trace)

    @cached_property
    def view(self) -> TraceView:
        """All of it, understood."""
        return TraceView(self.trace, self._judged.spec)


def _excerpt(entry: Entry) -> Excerpt:
    exchange = entry.exchange
    request, response = exchange.request_body, exchange.response_body
    short = replace(exchange, request_body=request[:EXCERPT], response_body=response[:EXCERPT])
    plain = replace(
        entry, exchange=redact_exchange(short, entry.who), problem=redact_shortened(entry.problem)
    )
    return Excerpt(plain, len(request), len(response) if entry.size is None else entry.size)


def redact_verdict(verdict: Verdict) -> Verdict:
    """A verdict with the secrets of its violations removed, and their texts cut to `TEXT` characters."""
    if not verdict.violations:
        return verdict
    return replace(verdict, violations=tuple(map(_redact_finding, verdict.violations)))


def _redact_finding(finding: Finding) -> Finding:
    expected, seen = redact_shortened(finding.expected), redact_shortened(finding.seen)
    return replace(finding, expected=expected, seen=seen)


@lru_cache(maxsize=65_536)
def redact_shortened(text: str) -> str:
    """A text without secrets, cut to `TEXT` characters and what was left out counted."""
    if len(text) <= TEXT:
        return redact_text(text)
    return f"{redact_text(text[:TEXT])} … and {len(text) - TEXT:,} more characters"
