"""Rules over what is asked too often. Pure."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding
from evolink_check.rules.exchanges.attribution import is_judgeable
from evolink_check.rules.registry import rule
from evolink_check.traffic.retry_after import http_date, is_retry_after, seconds_to_wait
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding

_TOO_MANY = 429


@rule("rate.retry-after")
def retry_after(reading: TraceView) -> Iterator[Finding]:
    """Every 429 says how long to wait: whole seconds, or an HTTP date."""
    for one in reading.api:
        if one.status == _TOO_MANY and is_judgeable(one):
            said = one.header("Retry-After")
            yield finding(
                is_retry_after(said or ""),
                one.number,
                expected="Retry-After: whole seconds or an HTTP date",
                seen="none" if said is None else f"{said!r:.60}",
            )


@rule("rate.recovers")
def recovers(reading: TraceView) -> Iterator[Finding]:
    """Who waited as long as `Retry-After` says, and sent nothing else, is let in."""
    if not reading.trace.complete:
        return
    of_account: defaultdict[str, list[Observation]] = defaultdict(list)
    for one in sorted(reading.api, key=lambda seen: seen.entry.began):
        if one.entry.who not in {UNKNOWN, NOBODY}:
            of_account[one.entry.who].append(one)
    for asked in of_account.values():
        ended = 0.0
        for one, following in pairwise(asked):
            ended = max(ended, one.entry.ended)
            wait = _wait(one) if one.status == _TOO_MANY and is_judgeable(one) else None
            if wait is None or ended > one.entry.ended:
                continue
            # Whose seconds they are, is not said: with a clock that runs faster or slower, wait for both.
            if following.entry.began - ended >= max(wait, wait / reading.trace.scale):
                yield finding(
                    following.status != _TOO_MANY,
                    one.number,
                    following.number,
                    expected=f"another answer after the {wait:g} s of Retry-After",
                    seen="429 again",
                )


def _wait(one: Observation) -> float | None:
    """The seconds that a 429 asks to wait; None when it does not say, or by a clock that it does not tell."""
    value = one.header("Retry-After") or ""
    date = http_date(one.header("Date") or "")
    if http_date(value) is not None and date is None:
        return None
    return seconds_to_wait(value, date or 0.0)
