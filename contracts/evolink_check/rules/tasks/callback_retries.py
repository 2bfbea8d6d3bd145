"""What comes of a delivery: how long it is waited for, when it is repeated, and when no more."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.deliveries import (
    CUT,
    GAVE_UP,
    busy,
    is_about,
    is_lossy,
    latest,
    patience,
    run_of,
    tolerance,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.deliveries import AttemptRun, TaskDeliveries

_QUIET = 0.5  # real seconds


@rule("callback.timeout")
def timeout(reading: TraceView) -> Iterator[Finding]:
    """`callback.timeout`: ten seconds of the server's time, or of real time where its time is scaled."""
    scale = reading.trace.scale
    for calls in whole(reading):
        given = calls.rules.timeout
        for one in calls.attempts:
            took = one.entry.ended - one.entry.began
            if one.status or one.entry.problem not in {GAVE_UP, CUT}:
                continue
            gave_up = one.entry.problem == GAVE_UP
            unseen = busy(reading, one.entry.began)
            if gave_up and any(is_about(took, value, unseen) for value in (given, given / scale)):
                yield passed(one.number)
            elif gave_up or took > latest(given):
                what = "given up after" if gave_up else "still waiting after"
                yield violation(
                    one.number, expected=f"given up after {given:g} s", seen=f"{what} {took:.2f} s"
                )


@rule("callback.2xx-success")
def success(reading: TraceView) -> Iterator[Finding]:
    """`callback.2xx-success`, of 2xx that came in time."""
    for calls in whole(reading):
        run = run_of(calls, reading)
        if run.success is None or not run.sure:
            continue
        if run.more:
            yield violation(
                run.success.number,
                run.more[0].number,
                expected=f"nothing after {run.success.status}",
                seen=f"another delivery {run.more[0].entry.began - run.success.entry.began:.2f} s later",
            )
        elif _is_quiet(calls, run.success, reading):
            yield passed(run.success.number)


def _is_quiet(calls: TaskDeliveries, one: Observation, reading: TraceView) -> bool:
    """Whether the receiver was watched for longer than the wait that would have followed a failure."""
    place = calls.attempts.index(one)
    waits = (*calls.rules.retries, max(calls.rules.retries, default=1.0))
    wait = waits[min(place, len(waits) - 1)] / reading.trace.scale
    return reading.trace.watched_until >= one.entry.ended + 1.5 * wait + _QUIET


@rule("callback.retries")
def waits(reading: TraceView) -> Iterator[Finding]:
    """`callback.retries`: the waits. From when they count is not said, so from the beginning of an attempt will do."""
    scale = reading.trace.scale
    for calls in whole(reading):
        run = run_of(calls, reading)
        for wait, (last, one) in zip(calls.rules.retries, pairwise(run.attempts), strict=False):
            least, most = tolerance(wait / scale)
            since_begun, since_ended = one.entry.began - last.entry.began, one.entry.began - last.entry.ended
            if least <= since_begun and since_ended <= most:
                yield passed(last.number, one.number)
            elif not is_lossy(calls, last.entry.ended, reading):
                yield violation(
                    last.number,
                    one.number,
                    expected=f"a retry after {wait / scale:.3g} s",
                    seen=f"one after {max(since_ended, 0):.2f} s",
                )


@rule("callback.at-most-three")
def at_most_three(reading: TraceView) -> Iterator[Finding]:
    """`callback.at-most-three`, of deliveries that all failed."""
    for calls in whole(reading):
        run, most = run_of(calls, reading), 1 + len(calls.rules.retries)
        if len(run.attempts) > most:
            one = run.attempts[most]
            yield violation(one.number, expected=f"{most} attempts", seen=f"{len(run.attempts)} attempts")
        elif len(run.attempts) == most and _is_quiet(calls, run.attempts[-1], reading):
            yield passed(run.attempts[-1].number)


@rule("callback.any-failure")
def any_failure(reading: TraceView) -> Iterator[Finding]:
    """`callback.any-failure`.

    Who calls again after a success does not look at the answers: that is told once, by `callback.2xx-success`.
    """
    if any(not finding.passed for finding in success(reading)):
        return
    for calls in whole(reading):
        run = run_of(calls, reading)
        for last, _ in pairwise(run.attempts):
            yield passed(last.number)
        last_one = run.attempts[-1] if run.attempts else None
        if last_one is not None and _is_owed(calls, run, last_one, reading):
            yield violation(
                last_one.number,
                expected=f"a retry after {_outcome(last_one)}",
                seen=f"none within {reading.trace.watched_until - last_one.entry.ended:.0f} s",
            )


def _is_owed(calls: TaskDeliveries, run: AttemptRun, last: Observation, reading: TraceView) -> bool:
    """Whether another attempt should have come, and nothing else tells why it did not."""
    rest = 1 + len(calls.rules.retries) - len(run.attempts)
    if run.success or calls.elsewhere or rest < 1 or is_lossy(calls, last.entry.ended, reading, rest=rest):
        return False
    enough = patience(calls.rules, len(run.attempts), reading.trace.scale)
    return reading.trace.watched_until >= last.entry.ended + enough


def _outcome(one: Observation) -> str:
    return str(one.status) if one.status else one.entry.problem or "no answer"


@rule("callback.no-redirects")
def no_redirects(reading: TraceView) -> Iterator[Finding]:
    """`callback.no-redirects`."""
    for calls in whole(reading):
        sent = [one for one in calls.attempts if one.status // 100 == 3]  # noqa: PLR2004
        for one in calls.elsewhere:
            numbers = [other.number for other in sent[:1]]
            yield violation(*numbers, one.number, expected="no request where a 3xx leads", seen="one there")
        for one in sent if not calls.elsewhere else ():
            if _is_quiet(calls, one, reading):
                yield passed(one.number)
