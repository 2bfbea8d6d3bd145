"""What a client sends again: its patience with what was refused, was too much, went wrong or was lost. Pure."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.clients.activity import ASKS, SOON, asks, equals, invented, lost, pause
from evolink_check.rules.registry import rule
from evolink_check.traffic.retry_after import http_date, is_retry_after, seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding

REFUSED = frozenset({400, 401, 402, 403})
TOO_MANY = 429
FAULTY = 500  # and above
_AT_ONCE = 0.3  # seconds: no wait at all
_TOLERANCE = 0.15  # seconds of a network between the client's clock and this one
_DATES = 1.0  # seconds: the precision of an HTTP date
_STEADY = 1.3  # waits whose longest is not that many times the shortest do not grow
_TRIES: Mapping[str, int] = {"create": 3, "query": 5}  # waits after which they should have grown
_LONG = 10.0  # seconds: who waits that long need not wait longer each time


@rule("client.no-retry-refused")
def refused_is_refused(reading: TraceView) -> Iterator[Finding]:
    """A refused request is not sent again unchanged."""
    nobodys = invented(reading)
    for group in equals(reading, *ASKS):
        for index, one in enumerate(group):
            if one.status not in REFUSED or one.number in nobodys:
                continue
            again = next(
                (later for later in group[index + 1 :] if later.entry.began >= one.entry.ended), None
            )
            if again is not None and pause(one, again) < SOON:
                seen = f"sent again after {pause(one, again):.1f} s"
                yield violation(one.number, again.number, expected=f"an end, after a {one.status}", seen=seen)
                break
            yield passed(one.number)


def waits(value: str, at: float) -> float | None:
    """Seconds that a valid Retry-After of an answer at `at` (Unix seconds) asks for; None for any other value."""
    if not is_retry_after(value):
        return None
    precision = 0.0 if http_date(value) is None else _DATES
    seconds = seconds_to_wait(value, at)
    return None if seconds is None else max(0.0, seconds - precision)


@rule("client.retry-after")
def waits_as_told(reading: TraceView) -> Iterator[Finding]:
    """After a 429 the client waits as long as `Retry-After` says."""
    asked = asks(reading, *ASKS)
    for index, one in enumerate(asked):
        told = waits(one.header("retry-after") or "", one.entry.ended) if one.status == TOO_MANY else None
        again = next((later for later in asked[index + 1 :] if _same_matter(one, later)), None)
        if told is None or again is None:
            continue
        yield finding(
            pause(one, again) >= told - _TOLERANCE,
            one.number,
            again.number,
            expected=f"a wait of {told:g} s",
            seen=f"asked again after {pause(one, again):.1f} s",
        )


def _same_matter(one: Observation, later: Observation) -> bool:
    """Whether a later request asks again for what was refused. What is under way for other tasks is another matter.

    So is a create of something else that was on its way already; one that is sent after that is not.
    """
    if later.entry.who != one.entry.who or later.entry.began < one.entry.ended:
        return False
    if one.role == later.role == "create":
        alike = one.entry.exchange.request_body == later.entry.exchange.request_body
        return alike or pause(one, later) >= _AT_ONCE
    return (later.role, later.task_id) == (one.role, one.task_id)


@rule("client.backs-off")
def backs_off(reading: TraceView) -> Iterator[Finding]:
    """Retries after a 5xx are spaced out, more each time."""
    for group in equals(reading, "create", "query"):
        usual = [pause(one, after) for one, after in pairwise(group) if one.succeeded]
        for run in _faulty(group):
            problem = _impatience(run, median(usual) if usual else None)
            numbers = [one.number for one in run]
            yield finding(
                not problem, *numbers, expected="a wait after a 5xx, longer each time", seen=problem
            )


def _faulty(group: Iterable[Observation]) -> Iterator[list[Observation]]:
    """Each run of requests answered with a 5xx, with the request that follows it, if one does."""
    run: list[Observation] = []
    for one in group:
        run.append(one)
        if one.status < FAULTY:
            if len(run) > 1:
                yield run
            run = []
    if len(run) > 1:
        yield run


def _impatience(run: list[Observation], usual: float | None) -> str:
    """What is wrong with the waits after the 5xx of a run; `usual` is the client's own interval, if it has one."""
    found = [pause(one, after) for one, after in pairwise(run)]
    shortest, longest = min(found), max(found)
    if shortest < _AT_ONCE and (
        usual is None or shortest < usual / 2
    ):  # else it is its interval that is too short
        return f"a wait of {max(0.0, shortest):.1f} s"
    if (
        len(found) >= _TRIES[run[0].role]
        and longest < min(_LONG, shortest * _STEADY)
        and shortest >= _AT_ONCE
    ):
        return f"{len(found)} waits of {shortest:.1f} to {longest:.1f} s"
    return ""


@rule("client.no-blind-repeat")
def no_blind_repeat(reading: TraceView) -> Iterator[Finding]:
    """A create whose answer was lost is not repeated blindly."""
    for group in equals(reading, "create"):
        for one, again in pairwise(group):
            if lost(one) and pause(one, again) < SOON:
                seen = f"the same create again after {pause(one, again):.1f} s"
                yield violation(one.number, again.number, expected="no second create", seen=seen)
        if lost(group[-1]):
            yield passed(group[-1].number)
