"""Advice for users that is added to the messages of servers and libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.traffic.trace import WRONG

if TYPE_CHECKING:
    from evolink_check.reports.model import Report

_BEARER = "auth.bearer"  # the clause that a server violates when it accepts any key


def connection_advice(problem: str) -> str:
    """Return a sentence to append to a TLS error message; empty for other errors."""
    if "CERTIFICATE_VERIFY_FAILED" in problem:
        return " Name the CA that signed its certificate with --ca FILE."
    return " It seems to use plain http." if "WRONG_VERSION_NUMBER" in problem else ""


def key_advice(report: Report, *, any_key: bool) -> tuple[str, ...]:
    """Return a note if the server accepted an unknown key, as mocks do."""
    numbers = (
        number
        for verdict in report.verdicts
        if verdict.clause.id == _BEARER
        for finding in verdict.violations
        for number in finding.entries
    )
    excerpts = (report.evidence.excerpt(number) for number in numbers)
    accepted = any(
        excerpt is not None and excerpt.entry.who == WRONG and excerpt.entry.exchange.status // 100 == 2  # noqa: PLR2004
        for excerpt in excerpts
    )
    if any_key or not accepted:
        return ()
    return (
        "the server accepts an unknown key; if it is meant to accept any key, as a mock does, use --any-key",
    )
