"""Rules about the attempts to deliver a callback: timeouts, retries, and when retries end."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.deliveries import (
    CUT,
    GAVE_UP,
    attempt_run,
    complete_deliveries,
    is_lossy,
    slowest_answer,
)
from evolink_check.rules.tolerances import Tolerances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.deliveries import AttemptRun, TaskDeliveries


@rule("callback.timeout")
def timeout(view: TraceView) -> Iterator[Finding]:
    """The server gives up an attempt after ten seconds without a response."""
    tolerances = Tolerances(view.trace.scale)
    for deliveries in complete_deliveries(view):
        limit = deliveries.rules.timeout
        # Ten seconds of a scaled clock and ten real seconds are both accepted.
        windows = [tolerances.timeout_window(seconds) for seconds in (limit, tolerances.real(limit))]
        for delivery in deliveries.attempts:
            took = delivery.ended - delivery.began
            if delivery.status or delivery.entry.problem not in {GAVE_UP, CUT}:
                continue
            gave_up = delivery.entry.problem == GAVE_UP
            unseen = slowest_answer(view, delivery.began)
            if gave_up and any(least - unseen <= took <= most for least, most in windows):
                yield passed(delivery.number)
            elif gave_up or took > windows[0][1]:
                what = "given up after" if gave_up else "still waiting after"
                yield violation(
                    delivery.number, expected=f"given up after {limit:g} s", seen=f"{what} {took:.2f} s"
                )


@rule("callback.2xx-success")
def success(view: TraceView) -> Iterator[Finding]:
    """After a 2xx, the server makes no more attempts.

    The receiver must have sent the 2xx in time.
    """
    for deliveries in complete_deliveries(view):
        run = attempt_run(deliveries, view)
        if run.success is None or not run.sure:
            continue
        if run.more:
            yield violation(
                run.success.number,
                run.more[0].number,
                expected=f"nothing after {run.success.status}",
                seen=f"another delivery {run.more[0].began - run.success.began:.2f} s later",
            )
        elif _is_quiet(deliveries, run.success, view):
            yield passed(run.success.number)


def _is_quiet(deliveries: TaskDeliveries, observation: Observation, view: TraceView) -> bool:
    place = deliveries.attempts.index(observation)
    # A retry would have arrived within this time.
    quiet = Tolerances(view.trace.scale).quiet_after(deliveries.rules, place)
    return view.trace.watched_until >= observation.ended + quiet


@rule("callback.retries")
def waits(view: TraceView) -> Iterator[Finding]:
    """The server retries a failed attempt after the documented waits."""
    tolerances = Tolerances(view.trace.scale)
    for deliveries in complete_deliveries(view):
        run = attempt_run(deliveries, view)
        for wait, (last, delivery) in zip(deliveries.rules.retries, pairwise(run.attempts), strict=False):
            least, most = tolerances.retry_window(wait)
            # The documents do not say whether a wait counts from the start or from the end of the failed
            # attempt.
            since_begun, since_ended = (delivery.began - last.began, delivery.began - last.ended)
            if least <= since_begun and since_ended <= most:
                yield passed(last.number, delivery.number)
            elif not is_lossy(deliveries, last.ended, view):
                yield violation(
                    last.number,
                    delivery.number,
                    expected=f"a retry after {tolerances.real(wait):.3g} s",
                    seen=f"one after {max(since_ended, 0):.2f} s",
                )


@rule("callback.at-most-three")
def at_most_three(view: TraceView) -> Iterator[Finding]:
    """The server retries at most three times, even if all attempts fail."""
    for deliveries in complete_deliveries(view):
        run, most = attempt_run(deliveries, view), 1 + len(deliveries.rules.retries)
        if len(run.attempts) > most:
            observation = run.attempts[most]
            yield violation(
                observation.number, expected=f"{most} attempts", seen=f"{len(run.attempts)} attempts"
            )
        elif len(run.attempts) == most and _is_quiet(deliveries, run.attempts[-1], view):
            yield passed(run.attempts[-1].number)


@rule("callback.any-failure")
def any_failure(view: TraceView) -> Iterator[Finding]:
    """The server retries an attempt that did not get a 2xx."""
    if any(not finding.passed for finding in success(view)):
        # `callback.2xx-success` reports a retry after a success.
        return
    for deliveries in complete_deliveries(view):
        run = attempt_run(deliveries, view)
        for last, _ in pairwise(run.attempts):
            yield passed(last.number)
        last_one = run.attempts[-1] if run.attempts else None
        if last_one is not None and _is_retry_missing(deliveries, run, last_one, view):
            yield violation(
                last_one.number,
                expected=f"a retry after {_outcome(last_one)}",
                seen=f"none within {view.trace.watched_until - last_one.ended:.0f} s",
            )


def _is_retry_missing(
    deliveries: TaskDeliveries, run: AttemptRun, last: Observation, view: TraceView
) -> bool:
    # If the server followed a redirect or was very slow, the retry may be late or lost.
    rest = 1 + len(deliveries.rules.retries) - len(run.attempts)
    if run.success or deliveries.redirected or rest < 1 or is_lossy(deliveries, last.ended, view, rest=rest):
        return False
    enough = Tolerances(view.trace.scale).wait_for_delivery(deliveries.rules, len(run.attempts))
    return view.trace.watched_until >= last.ended + enough


def _outcome(observation: Observation) -> str:
    return str(observation.status) if observation.status else observation.entry.problem or "no answer"


@rule("callback.no-redirects")
def no_redirects(view: TraceView) -> Iterator[Finding]:
    """The server does not follow a redirect from the receiver."""
    for deliveries in complete_deliveries(view):
        sent = [delivery for delivery in deliveries.attempts if delivery.status // 100 == 3]  # noqa: PLR2004
        for delivery in deliveries.redirected:
            numbers = [other.number for other in sent[:1]]
            yield violation(
                *numbers,
                delivery.number,
                expected="no request to the target of a 3xx",
                seen="a request to it",
            )
        for delivery in sent if not deliveries.redirected else ():
            if _is_quiet(deliveries, delivery, view):
                yield passed(delivery.number)
