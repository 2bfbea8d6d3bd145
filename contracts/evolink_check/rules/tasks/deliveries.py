"""The deliveries of each task as the rules over callbacks read them, and how long a server is given.

Every task that asked to be called gets its `TaskDeliveries`: what was called at its URL, or with its id, less what other clauses
are about: calls before the end, and requests where a receiver redirected to.
"""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from evolink_check.rules.tasks.history import task_histories

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evolink_spec import CallbackRules

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.rules.tasks.history import TaskHistory

GAVE_UP, CUT = "the sender closed", "the receiver closed"  # why a delivery was not answered
_ELSEWHERE, _CASE = "/elsewhere/", "/c/"  # below the receiver's prefix
_SUCCESS = range(200, 300)
_FIRST = 15.0  # seconds of the server's time from the end of a task to its first delivery
_AROUND = 3.0  # real seconds before and after an instant that are like it
_DIGITS = 18  # of a length
_BUSY = 1.5  # real seconds that a busy server may be late


@dataclass(frozen=True, slots=True)
class TaskDeliveries:
    """The deliveries of one task.

    `url` is what its create asked to be called; "" when it asked for nothing, None when that is not known. `watched`:
    deliveries to it are in the trace. `attempts` are those after the end, `early` those before, `elsewhere` those
    that followed a redirect.
    """

    tale: TaskHistory
    url: str | None
    watched: bool
    rules: CallbackRules
    attempts: tuple[Observation, ...] = ()
    early: tuple[Observation, ...] = ()
    elsewhere: tuple[Observation, ...] = ()

    @property
    def torn(self) -> bool:
        """Whether a delivery did not come whole: its sender gave it up, and nobody knows what it made of it."""
        return any(is_torn(one) for one in (*self.early, *self.attempts))


@dataclass(frozen=True, slots=True)
class AttemptRun:
    """The attempts up to the first that succeeded. `sure`: the sender surely heard of that; `more`: those after it."""

    attempts: tuple[Observation, ...]
    success: Observation | None
    sure: bool
    more: tuple[Observation, ...]


def patience(rules: CallbackRules, count: int, scale: float) -> float:
    """Real seconds to watch for another delivery: from the end of the task, or of the last of `count` deliveries.

    What has not come by then is taken not to come; what comes before is only late. Behind the last documented retry
    there is twice the last wait, so that one too many shows as well.
    """
    if not count:
        return _FIRST / scale + _BUSY
    waits = (*rules.retries, 2 * max(rules.retries, default=1.0))
    return tolerance(waits[min(count, len(waits)) - 1] / scale)[1] + _BUSY


def tolerance(wait: float) -> tuple[float, float]:
    """The least and the most real seconds between two attempts, for a documented wait of `wait` real seconds.

    The clause allows half a second. A busy server may be later; where time is scaled, waits are shorter than that.
    """
    return wait - min(0.5, max(0.1, wait / 2)), wait * 1.5 + 2.0


def all_calls(reading: TraceView) -> tuple[TaskDeliveries, ...]:
    """Of every task whose create is in the trace, or that a callback told of."""
    return reading.once(_all_calls)


def watched(reading: TraceView) -> Iterator[TaskDeliveries]:
    """Of every task that asked to be called where somebody watched."""
    return (calls for calls in all_calls(reading) if calls.watched)


def whole(reading: TraceView) -> Iterator[TaskDeliveries]:
    """Of those that are `watched`, the ones whose deliveries all came whole."""
    return (calls for calls in watched(reading) if not calls.torn)


def is_torn(one: Observation) -> bool:
    """Whether a delivery's body is shorter than it was to be."""
    length = one.sent("Content-Length") or ""
    return (
        length.isdecimal() and len(length) <= _DIGITS and len(one.entry.exchange.request_body) < int(length)
    )


def busy(reading: TraceView, at: float) -> float:
    """The most real seconds that the API took to answer around an instant: as long may a delivery take to arrive.

    A sender's time runs while it connects, which a receiver does not see. 0 where nothing was asked.
    """
    asked = reading.once(_asked_api)
    start, end = (bisect_left(asked, (at + side,)) for side in (-_AROUND, _AROUND))
    return max((took for _, took in asked[start:end]), default=0.0)


def is_lossy(calls: TaskDeliveries, at: float, reading: TraceView, *, rest: int = 1) -> bool:
    """Whether things were so slow that attempts may have been given up before they arrived: all the `rest` of them."""
    given = calls.rules.timeout / reading.trace.scale
    return busy(reading, at) > (given / 4 if rest == 1 else given)


def _asked_api(reading: TraceView) -> list[tuple[float, float]]:
    return sorted(
        (one.entry.ended, one.entry.ended - one.entry.began) for one in reading.of("query", "credits")
    )


def run_of(calls: TaskDeliveries, reading: TraceView) -> AttemptRun:
    """The attempts by what came of them."""
    for place, one in enumerate(calls.attempts):
        if one.status in _SUCCESS:
            took = one.entry.ended - one.entry.began + busy(reading, one.entry.began)
            sure = took < earliest(calls.rules.timeout / reading.trace.scale)
            return AttemptRun(calls.attempts[: place + 1], one, sure, calls.attempts[place + 1 :])
    return AttemptRun(calls.attempts, None, sure=False, more=())


def is_about(took: float, given: float, unseen: float) -> bool:
    """Whether an attempt took the real seconds that it was given, up to `unseen` of them before it arrived."""
    return earliest(given) - unseen <= took <= latest(given)


def earliest(given: float) -> float:
    """Real seconds before which nobody gives an attempt up. Connecting, which we do not see, counts as well."""
    return given - max(0.2, min(1.0, given / 2))


def latest(given: float) -> float:
    """Real seconds by which a busy server has given an attempt up."""
    return given * 1.25 + 0.5


def _all_calls(reading: TraceView) -> tuple[TaskDeliveries, ...]:
    if not reading.of("delivery") and not reading.trace.receiver:
        return ()
    asked = [calls for tale in task_histories(reading) if (calls := _asked(tale, reading)) is not None]
    ids = {calls.tale.id: place for place, calls in enumerate(asked)}
    urls = _by_place(asked)
    found: list[list[Observation]] = [[] for _ in asked]
    aside: list[list[Observation]] = [[] for _ in asked]
    redirects = _redirects(reading, urls)
    for one in reading.of("delivery"):
        url = one.entry.exchange.url
        there = redirects.get(url) if url in redirects else _case_of(url, reading.trace.receiver, urls)
        if there is not None:
            aside[there].append(one)
            continue
        place = ids.get(one.task_id, urls.get(_place(url)))
        if place is not None and not _is_below(url, reading.trace.receiver, _ELSEWHERE):
            found[place].append(one)
    return tuple(_parted(calls, found[place], aside[place], reading) for place, calls in enumerate(asked))


def _asked(tale: TaskHistory, reading: TraceView) -> TaskDeliveries | None:
    rules = tale.create.operation.callback if tale.create and tale.create.operation else None
    if tale.create is None:
        rules = next((one.callback for all_ in reading.spec.creates.values() for one in all_.values()), None)
    if rules is None:
        return None
    if tale.create is None or not isinstance(tale.create.asked, dict):
        return TaskDeliveries(tale, None, watched=False, rules=rules)
    url = tale.create.asked.get(rules.field)
    said = url if isinstance(url, str) else "" if url is None else None
    receiver = reading.trace.receiver
    return TaskDeliveries(tale, said, bool(receiver and said and said.startswith(receiver)), rules)


def _by_place(asked: Sequence[TaskDeliveries]) -> Mapping[str, int]:
    """The tasks that are the only one to be called somewhere, by where that is."""
    found: dict[str, list[int]] = {}
    for place, calls in enumerate(asked):
        if calls.url:
            found.setdefault(_place(calls.url), []).append(place)
    return {url: places[0] for url, places in found.items() if len(places) == 1}


def _place(url: str) -> str:
    """A URL up to its path."""
    return url.partition("#")[0].partition("?")[0]


def _redirects(reading: TraceView, urls: Mapping[str, int]) -> Mapping[str, int]:
    """The addresses that the receiver redirected to, each with the task that was called."""
    found = {}
    for one in reading.of("delivery"):
        url = one.entry.exchange.url
        answered = {name.lower(): value for name, value in one.entry.exchange.response_headers}
        place = urls.get(_place(url))
        if one.status // 100 == 3 and "location" in answered and place is not None:  # noqa: PLR2004
            with suppress(ValueError):  # a receiver may say what is no address
                found[urljoin(url, answered["location"])] = place
    return {url: place for url, place in found.items() if _place(url) not in urls}


def _case_of(url: str, receiver: str, urls: Mapping[str, int]) -> int | None:
    if not _is_below(url, receiver, _ELSEWHERE):
        return None
    return urls.get(_place(url).replace(f"{receiver}{_ELSEWHERE}", f"{receiver}{_CASE}", 1))


def _is_below(url: str, receiver: str, part: str) -> bool:
    return bool(receiver) and url.startswith(f"{receiver}{part}")


def _parted(
    calls: TaskDeliveries, found: Sequence[Observation], aside: Sequence[Observation], reading: TraceView
) -> TaskDeliveries:
    """With the deliveries in order, those before the end aside."""
    tale = calls.tale
    on_its_way = (tale.words.initial, tale.words.running)
    # A query may be a little behind the callback; where it is far behind, the callback came before the end.
    last = max(
        (view.entry.began for view in tale.judged if view.body.get("status") in on_its_way), default=0.0
    )
    lag = max(0.5, 5.0 / reading.trace.scale)
    ordered = sorted(found, key=lambda one: (one.entry.began, one.number))
    early = [
        one
        for one in ordered
        if one.body.get("status") in on_its_way
        or (one.body.get("status") in tale.ends and one.entry.began + lag < last)
    ]
    numbers = {one.number for one in early}
    attempts = tuple(one for one in ordered if one.number not in numbers)
    return replace(calls, attempts=attempts, early=tuple(early), elsewhere=tuple(aside))
