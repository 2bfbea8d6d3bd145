"""Advice on which options to add to a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.reports.needs import Conditions
from evolink_check.traffic.trace import MAIN, OTHER, WRONG

if TYPE_CHECKING:
    from evolink_check.reports.model import Report
    from evolink_check.reports.needs import Means
    from evolink_check.settings import Effort, Subject

_BEARER = "auth.bearer"  # the clause that a server violates when it accepts any key


def connection_advice(problem: str) -> str:
    """Return a sentence to append to the message of a TLS error.

    Returns an empty text if the message is not about a TLS error.
    """
    if "CERTIFICATE_VERIFY_FAILED" in problem:
        return " Name the CA that signed its certificate with --ca FILE."
    return " It seems to use plain http." if "WRONG_VERSION_NUMBER" in problem else ""


def key_advice(report: Report, *, any_key: bool) -> tuple[str, ...]:
    """Return a note that recommends --any-key if the server accepted an unknown API key.

    If the server accepted no unknown key, return no note.
    """
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


def conditions_of(subject: Subject, effort: Effort, report: Report) -> Conditions:
    """Return what was available to the run, such as a second API key.

    For a clause that was not observed, the report names what the run lacked.
    """
    keys = [key for label, key in subject.keys.items() if label != MAIN]
    price = report.spent / report.created if report.created else 0.0
    had: dict[Means, bool] = {
        "credits": effort.max_credits is not None,
        "more-credits": effort.max_credits is not None and report.spent + price <= effort.max_credits,
        "other-key": OTHER in subject.keys,
        "limited-key": any(key.limited for key in keys),
        "poor-key": any(key.account.credits is False for key in keys),
        "denied-key": any(key.account.access is False for key in keys),
        "failing": bool(subject.failing),
        "callbacks": bool(subject.callback_url),
        "clock": bool(subject.advance_url),
        "real-speed": subject.scale <= 1,
        "deep": effort.profile == "deep",
    }
    return Conditions("api", frozenset(name for name, is_there in had.items() if is_there), subject.cannot)
