"""Rules about requests that a client repeats after an error or a lost response."""

from __future__ import annotations

from bisect import bisect_left
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.clients.activity import (
    KEYED_ROLES,
    SOON,
    equal_requests,
    may_have_lost_task,
    placeholder_id,
    queries_for_invented_ids,
    requests_with_roles,
    seconds_between,
)
from evolink_check.rules.registry import rule
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.retry_after import http_date, is_retry_after, seconds_to_wait
from evolink_check.traffic.trace import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding

REFUSED = frozenset({400, 401, 402, 403})
TOO_MANY = 429
FAULTY = 500  # this status and above
_TOLERANCES = Tolerances()
_AT_ONCE = _TOLERANCES.request_under_way
_STEADY = 1.3  # waits count as growing if the longest is at least this many times the shortest
_LOST_TRIES = 3  # this many immediate repetitions after lost responses are a violation
_TRIES: Mapping[str, int] = {
    "create": 3,
    "query": 5,
}  # after this many waits, the waits should have grown


@rule("client.no-retry-refused")
def refused_is_refused(view: TraceView) -> Iterator[Finding]:
    """A client does not repeat a refused request unchanged."""
    invented = queries_for_invented_ids(view)
    for group in equal_requests(view, *KEYED_ROLES):
        for index, observation in enumerate(group):
            is_mistaken = observation.number in invented or placeholder_id(observation, view) is not None
            if observation.status not in REFUSED or is_mistaken:  # another clause covers a wrong id
                continue
            again = _next_after(group, index)
            if again is not None and seconds_between(observation, again) < SOON:
                seen = f"sent again after {seconds_between(observation, again):.1f} s"
                yield violation(
                    observation.number,
                    again.number,
                    expected=f"no repetition after a {observation.status}",
                    seen=seen,
                )
                break
            yield passed(observation.number)


def _next_after(group: Sequence[Observation], place: int) -> Observation | None:
    later = bisect_left(group, group[place].ended, lo=place + 1, key=lambda request: request.began)
    return group[later] if later < len(group) else None


def waits(value: str, at: float) -> float | None:
    """Return how many seconds a `Retry-After` value tells a client to wait.

    Returns None if the value is invalid. `at` is the time of the response in Unix seconds.
    """
    if not is_retry_after(value):
        return None
    precision = 0.0 if http_date(value) is None else _TOLERANCES.date_header
    seconds = seconds_to_wait(value, at)
    return None if seconds is None else max(0.0, seconds - precision)


@rule("client.retry-after")
def waits_for_retry_after(view: TraceView) -> Iterator[Finding]:
    """After a 429, a client waits as long as `Retry-After` says."""
    for series in _request_series(view):
        for place, refused in enumerate(series):
            wait = (
                waits(refused.header("retry-after") or "", refused.ended)
                if refused.status == TOO_MANY
                else None
            )
            again = _attempt_after_429(series, place) if wait is not None else None
            if wait is None or again is None:
                continue
            waited = seconds_between(refused, again)
            if waited >= wait - _TOLERANCES.network:
                yield passed(refused.number, again.number)
                continue
            # If the requested wait is very long, a client may wait for a shorter time instead.
            is_capped = wait > _TOLERANCES.repeat and waited >= _TOLERANCES.create_later
            yield violation(
                refused.number,
                again.number,
                expected=f"a wait of {wait:g} s",
                seen=f"sent again after {waited:.1f} s",
                severity="warning" if is_capped else None,
            )


def _request_series(view: TraceView) -> Iterable[list[Observation]]:
    series: dict[tuple[str, str, str], list[Observation]] = {}
    for request in requests_with_roles(view, *KEYED_ROLES):
        if request.who == UNKNOWN:  # these may be requests of several accounts
            continue
        # Create requests, credits requests and the queries of one task each form a series.
        task_id = "" if request.role == "create" else request.task_id
        series.setdefault((request.who, request.role, task_id), []).append(request)
    return series.values()


def _attempt_after_429(series: Sequence[Observation], place: int) -> Observation | None:
    refused = series[place]
    first = bisect_left(series, refused.ended, lo=place + 1, key=lambda request: request.began)
    for index in range(first, len(series)):
        later = series[index]
        alike = refused.exchange.request_body == later.exchange.request_body
        # The client may not have read the 429 before it sent a different create request.
        if refused.role != "create" or alike or seconds_between(refused, later) >= _AT_ONCE:
            return later
    return None


@rule("client.backs-off")
def backs_off(view: TraceView) -> Iterator[Finding]:
    """After a 5xx, a client waits before each retry, longer each time."""
    for group in equal_requests(view, "create", "query"):
        usual = [
            seconds_between(observation, after)
            for observation, after in pairwise(group)
            if observation.succeeded
        ]
        for run in _runs_of_5xx(group):
            problem = _backoff_problem(run, median(usual) if usual else None)
            numbers = [observation.number for observation in run]
            yield finding(
                not problem, *numbers, expected="a wait after a 5xx, longer each time", seen=problem
            )

    for group in equal_requests(view, "query"):
        for run in _runs_without_response(group):
            quick = _longest_streak(
                seconds_between(observation, after) < _AT_ONCE for observation, after in pairwise(run)
            )
            numbers = [observation.number for observation in run]
            seen = f"{quick} requests at once after lost answers"
            yield finding(quick < _LOST_TRIES, *numbers, expected="a wait, longer each time", seen=seen)


def _longest_streak(marks: Iterable[bool]) -> int:
    return max((sum(streak) for is_true, streak in groupby(marks) if is_true), default=0)


def _runs_without_response(group: Iterable[Observation]) -> Iterator[list[Observation]]:
    # Shorter series are left out. HTTP libraries repeat a request if the connection was closed.
    run: list[Observation] = []
    for observation in group:
        # Each series ends with the first request that got a response, if any.
        run.append(observation)
        if observation.answered:
            if len(run) > _LOST_TRIES:
                yield run
            run = []
    if len(run) > _LOST_TRIES:
        yield run


def _runs_of_5xx(group: Iterable[Observation]) -> Iterator[list[Observation]]:
    run: list[Observation] = []
    for observation in group:
        # Each series ends with the first request that got another response, if any.
        run.append(observation)
        if observation.status < FAULTY:
            if len(run) > 1:
                yield run
            run = []
    if len(run) > 1:
        yield run


def _backoff_problem(run: list[Observation], usual: float | None) -> str:
    # The requests in `run` got a 5xx, with the possible exception of the last one.
    waits_seen = [seconds_between(observation, after) for observation, after in pairwise(run)]
    quick = _longest_streak(wait < _AT_ONCE for wait in waits_seen)
    if run[0].role == "query" and quick == 1:  # libraries repeat a GET once without a wait
        waits_seen = [wait for wait in waits_seen if wait >= _AT_ONCE]
    if not waits_seen:
        return ""
    shortest, longest = min(waits_seen), max(waits_seen)
    # A client whose usual wait is equally short violates `client.poll-interval` instead.
    if shortest < _AT_ONCE and (usual is None or shortest < usual / 2):
        return f"a wait of {max(0.0, shortest):.1f} s"
    if (
        len(waits_seen) >= _TRIES[run[0].role]
        and longest < min(_TOLERANCES.long_wait, shortest * _STEADY)
        and shortest >= _AT_ONCE
    ):
        return f"{len(waits_seen)} waits of {shortest:.1f} to {longest:.1f} s"
    return ""


@rule("client.no-blind-repeat")
def no_blind_repeat(view: TraceView) -> Iterator[Finding]:
    """A client does not repeat a create request after a lost response.

    A repetition after more than a minute is allowed.
    """
    for group in equal_requests(view, "create"):
        for observation, again in pairwise(group):
            if may_have_lost_task(observation) and seconds_between(observation, again) < SOON:
                seen = f"the same create again after {seconds_between(observation, again):.1f} s"
                yield violation(observation.number, again.number, expected="no second create", seen=seen)
        if may_have_lost_task(group[-1]):
            yield passed(group[-1].number)
