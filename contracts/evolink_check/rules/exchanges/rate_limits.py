"""Rules about rate limits."""

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

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding

_TOO_MANY = 429


@rule("rate.retry-after")
def retry_after(view: TraceView) -> Iterator[Finding]:
    """Every 429 has a valid `Retry-After` header.

    The value is a number of whole seconds or an HTTP date.
    """
    for observation in view.api:
        if observation.status == _TOO_MANY and is_judgeable(observation):
            value = observation.header("Retry-After")
            yield finding(
                is_retry_after(value or ""),
                observation.number,
                expected="Retry-After: whole seconds or an HTTP date",
                seen="none" if value is None else f"{value!r:.60}",
            )


@rule("rate.recovers")
def recovers(view: TraceView) -> Iterator[Finding]:
    """A client that has waited as `Retry-After` says does not get another 429.

    The rule applies if the client sent nothing during the wait.
    """
    if not view.trace.complete:
        return
    by_account: defaultdict[str, list[Observation]] = defaultdict(list)
    for observation in sorted(view.api, key=lambda seen: seen.began):
        if observation.who not in {UNKNOWN, NOBODY}:
            by_account[observation.who].append(observation)
    for requests in by_account.values():
        ended = 0.0
        for observation, following in pairwise(requests):
            ended = max(ended, observation.ended)
            wait = (
                _wait(observation) if observation.status == _TOO_MANY and is_judgeable(observation) else None
            )
            if wait is None or ended > observation.ended:
                continue
            # The documents do not say whether the wait is in real seconds or in seconds of a scaled clock.
            if following.began - ended >= max(wait, wait / view.trace.scale):
                yield finding(
                    following.status != _TOO_MANY,
                    observation.number,
                    following.number,
                    expected=f"another answer after the {wait:g} s of Retry-After",
                    seen="429 again",
                )


def _wait(observation: Observation) -> float | None:
    value = observation.header("Retry-After") or ""
    date = http_date(observation.header("Date") or "")
    # Without the `Date` of the response, a date does not say how long to wait.
    if http_date(value) is not None and date is None:
        return None
    return seconds_to_wait(value, date or 0.0)
