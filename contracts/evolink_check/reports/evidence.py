"""Remove secrets from the trace of a report, and return short excerpts of entries.

A trace is the recorded traffic of a run. Modules that write reports read the trace through this module. Therefore no
report can show a secret by mistake.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from evolink_check.analysis.trace_view import TraceView
from evolink_check.traffic.credentials import may_be_a_word
from evolink_check.traffic.exchange_redaction import (
    add_credentials,
    mask_entry,
    redact_exchange,
    redact_trace,
)
from evolink_check.traffic.known_keys import KnownKeys
from evolink_check.traffic.text_redaction import mask_words, redact_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from evolink_check.analysis.verdicts import Finding, Verdict
    from evolink_check.traffic.trace import Entry, Trace

EXCERPT = 65_536  # maximum number of bytes of a body that reports can use
TEXT = 2_000  # maximum number of characters of the texts `expected` and `seen`


class Excerpt(NamedTuple):
    """An entry without secrets, with bodies of at most `EXCERPT` bytes."""

    entry: Entry
    request_size: int  # bytes of the complete body
    response_size: int  # bytes of the complete body


class Evidence:
    """The recorded traffic of a report, without secrets.

    `keys` are the API keys that were sent. Keys that may equal an ordinary word are removed here. All other keys are
    already absent from the traffic.
    """

    def __init__(self, view: TraceView, keys: Collection[str] = ()) -> None:
        self._judged = view
        self._excerpts: dict[int, Excerpt] = {}
        self._short_keys = tuple(key for key in keys if key and may_be_a_word(key))

    def __len__(self) -> int:
        return len(self._judged.trace.entries)

    @property
    def origin(self) -> str:
        """The base URL of the API; empty if the recorded URLs are paths."""
        return redact_text(self._judged.trace.origin)

    def excerpt(self, number: int) -> Excerpt | None:
        """Return the entry with this number; None if there is no such entry."""
        if not 0 <= number < len(self):
            return None
        if number not in self._excerpts:
            # Secrets are removed when an entry is first used.
            self._excerpts[number] = self._cut(self._judged.trace.entries[number])
        return self._excerpts[number]

    @cached_property
    def trace(self) -> Trace:
        """The whole trace without secrets and with complete bodies."""
        plain = redact_trace(self._judged.trace)
        if not self._short_keys:
            return plain
        return replace(plain, entries=tuple(mask_entry(entry, self._short_keys) for entry in plain.entries))

    @cached_property
    def view(self) -> TraceView:
        """The whole trace without secrets, as a `TraceView` for the rules."""
        return TraceView(self.trace, self._judged.spec)

    def redact(self, text: str) -> str:
        """Remove secrets from a text, and cut the text to `TEXT` characters."""
        return mask_words(redact_shortened(text), self._short_keys)

    def redact_verdict(self, verdict: Verdict) -> Verdict:
        """Remove secrets from a verdict, and cut its texts to `TEXT` characters."""
        if not self._short_keys:
            return redact_verdict(verdict)
        findings = [
            finding._replace(expected=self.redact(finding.expected), seen=self.redact(finding.seen))
            for finding in verdict.violations
        ]
        return replace(verdict, violations=tuple(findings))

    @cached_property
    def _credentials(self) -> KnownKeys:
        # These credentials are removed from all bodies, URLs and headers.
        keys = KnownKeys()
        for entry in () if self._judged.trace.redacted else self._judged.trace.entries:
            add_credentials(keys, entry.exchange, entry.kind)
        return keys

    def _cut(self, entry: Entry) -> Excerpt:
        exchange = entry.exchange
        request, response = exchange.request_body, exchange.response_body
        short = replace(exchange, request_body=request[:EXCERPT], response_body=response[:EXCERPT])
        plain = replace(
            entry,
            exchange=redact_exchange(short, entry.who, self._credentials),
            problem=redact_shortened(entry.problem),
        )
        size = len(response) if entry.size is None else entry.size
        return Excerpt(mask_entry(plain, self._short_keys), len(request), size)


def redact_verdict(verdict: Verdict) -> Verdict:
    """Remove secrets from a verdict, and cut its texts to `TEXT` characters."""
    if not verdict.violations:
        return verdict
    return replace(verdict, violations=tuple(map(_redact_finding, verdict.violations)))


def _redact_finding(finding: Finding) -> Finding:
    expected, seen = redact_shortened(finding.expected), redact_shortened(finding.seen)
    return finding._replace(expected=expected, seen=seen)


def redact_shortened(text: str) -> str:
    """Remove secrets from a text, and cut the text to `TEXT` characters.

    A cut text ends with the number of characters left out.
    """
    if len(text) <= TEXT:
        return _redact_once(text)
    return f"{_redact_once(text[:TEXT])} … and {len(text) - TEXT:,} more characters"


@lru_cache(maxsize=4096)  # many findings have the same text
def _redact_once(text: str) -> str:
    return redact_text(text)
