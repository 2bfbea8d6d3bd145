"""The deliveries of each task, as the rules over callbacks read them.

Every task that asked to be called gets its `TaskDeliveries`: the requests to its URL or with its id. Those before the
end of the task, and those that followed a redirect, stand apart: other clauses are about them.
"""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from evolink_check.rules.tasks.history import task_histories
from evolink_check.rules.tolerances import Tolerances

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evolink_spec import CallbackRules

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.rules.tasks.history import TaskHistory

GAVE_UP, CUT = "the sender closed", "the receiver closed"  # why a delivery was not answered
_ELSEWHERE, _CASE = "/elsewhere/", "/c/"  # below the receiver's prefix
_SUCCESS = range(200, 300)
_DIGITS = 18  # of a Content-Length


@dataclass(frozen=True, slots=True)
class TaskDeliveries:
    """The deliveries of one task.

    `url` is what its create asked to be called; "" when it asked for nothing, None when that is not known. `watched`:
    deliveries to it are in the trace. `attempts` are those after the end, `early` those before, `redirected` those
    that followed a redirect.
    """

    history: TaskHistory
    url: str | None
    watched: bool
    rules: CallbackRules
    attempts: tuple[Observation, ...] = ()
    early: tuple[Observation, ...] = ()
    redirected: tuple[Observation, ...] = ()

    @property
    def truncated(self) -> bool:
        """Whether a delivery did not come whole: its sender gave it up, and nobody knows what it made of it."""
        return any(is_truncated(delivery) for delivery in (*self.early, *self.attempts))


@dataclass(frozen=True, slots=True)
class AttemptRun:
    """The attempts up to the first that succeeded. `sure`: the sender surely heard of that; `more`: those after it."""

    attempts: tuple[Observation, ...]
    success: Observation | None
    sure: bool
    more: tuple[Observation, ...]


def all_deliveries(view: TraceView) -> tuple[TaskDeliveries, ...]:
    """Of every task whose create is in the trace, or that a callback told of."""
    return view.once(_all_deliveries)


def watched_deliveries(view: TraceView) -> Iterator[TaskDeliveries]:
    """Of every task that asked to be called where somebody watched."""
    return (deliveries for deliveries in all_deliveries(view) if deliveries.watched)


def complete_deliveries(view: TraceView) -> Iterator[TaskDeliveries]:
    """Of those that are `watched`, the ones whose deliveries all came whole."""
    return (deliveries for deliveries in watched_deliveries(view) if not deliveries.truncated)


def is_truncated(observation: Observation) -> bool:
    """Whether a delivery's body is shorter than it was to be."""
    length = observation.sent("Content-Length") or ""
    return (
        length.isdecimal() and len(length) <= _DIGITS and len(observation.exchange.request_body) < int(length)
    )


def slowest_answer(view: TraceView, at: float) -> float:
    """The most real seconds that the API took to answer around an instant: as long may a delivery take to arrive.

    A sender's time runs while it connects, which a receiver does not see. 0 where nothing was asked.
    """
    asked, around = view.once(_asked_api), Tolerances().same_instant
    start, end = (bisect_left(asked, (at + side,)) for side in (-around, around))
    return max((took for _, took in asked[start:end]), default=0.0)


def is_lossy(deliveries: TaskDeliveries, at: float, view: TraceView, *, rest: int = 1) -> bool:
    """Whether things were so slow that attempts may have been given up before they arrived: all the `rest` of them."""
    timeout = Tolerances(view.trace.scale).real(deliveries.rules.timeout)
    return slowest_answer(view, at) > (timeout / 4 if rest == 1 else timeout)


def _asked_api(view: TraceView) -> list[tuple[float, float]]:
    return sorted(
        (observation.ended, observation.ended - observation.began)
        for observation in view.of("query", "credits")
    )


def attempt_run(deliveries: TaskDeliveries, view: TraceView) -> AttemptRun:
    """The attempts by what came of them."""
    for place, delivery in enumerate(deliveries.attempts):
        if delivery.status in _SUCCESS:
            took = delivery.ended - delivery.began + slowest_answer(view, delivery.began)
            tolerances = Tolerances(view.trace.scale)
            sure = took < tolerances.timeout_window(tolerances.real(deliveries.rules.timeout))[0]
            return AttemptRun(
                deliveries.attempts[: place + 1], delivery, sure, deliveries.attempts[place + 1 :]
            )
    return AttemptRun(deliveries.attempts, None, sure=False, more=())


def _all_deliveries(view: TraceView) -> tuple[TaskDeliveries, ...]:
    if not view.of("delivery") and not view.trace.receiver:
        return ()
    asked = [
        deliveries
        for history in task_histories(view)
        if (deliveries := _with_callback_url(history, view)) is not None
    ]
    ids = {deliveries.history.id: place for place, deliveries in enumerate(asked)}
    urls = _by_place(asked)
    found: list[list[Observation]] = [[] for _ in asked]
    aside: list[list[Observation]] = [[] for _ in asked]
    redirects = _redirects(view, urls)
    for delivery in view.of("delivery"):
        url = delivery.exchange.url
        there = redirects.get(url) if url in redirects else _redirected_case(url, view.trace.receiver, urls)
        if there is not None:
            aside[there].append(delivery)
            continue
        place = ids.get(delivery.task_id, urls.get(_without_query(url)))
        if place is not None and not _is_below(url, view.trace.receiver, _ELSEWHERE):
            found[place].append(delivery)
    return tuple(
        _split_at_end(deliveries, found[place], aside[place], view) for place, deliveries in enumerate(asked)
    )


def _with_callback_url(history: TaskHistory, view: TraceView) -> TaskDeliveries | None:
    rules = history.create.operation.callback if history.create and history.create.operation else None
    if history.create is None:
        rules = next(
            (operation.callback for all_ in view.spec.creates.values() for operation in all_.values()), None
        )
    if rules is None:
        return None
    if history.create is None or not isinstance(history.create.request_json, dict):
        return TaskDeliveries(history, None, watched=False, rules=rules)
    url = history.create.request_json.get(rules.field)
    said = url if isinstance(url, str) else "" if url is None else None
    receiver = view.trace.receiver
    return TaskDeliveries(history, said, bool(receiver and said and said.startswith(receiver)), rules)


def _by_place(asked: Sequence[TaskDeliveries]) -> Mapping[str, int]:
    """The tasks by their callback URL without its query string, where no other task has the same one."""
    found: dict[str, list[int]] = {}
    for place, deliveries in enumerate(asked):
        if deliveries.url:
            found.setdefault(_without_query(deliveries.url), []).append(place)
    return {url: places[0] for url, places in found.items() if len(places) == 1}


def _without_query(url: str) -> str:
    """A URL up to its path."""
    return url.partition("#")[0].partition("?")[0]


def _redirects(view: TraceView, urls: Mapping[str, int]) -> Mapping[str, int]:
    """The addresses that the receiver redirected to, each with the task that was called."""
    found = {}
    for delivery in view.of("delivery"):
        url = delivery.exchange.url
        answered = {name.lower(): value for name, value in delivery.exchange.response_headers}
        place = urls.get(_without_query(url))
        if delivery.status // 100 == 3 and "location" in answered and place is not None:  # noqa: PLR2004
            with suppress(ValueError):  # a receiver may say what is no address
                found[urljoin(url, answered["location"])] = place
    return {url: place for url, place in found.items() if _without_query(url) not in urls}


def _redirected_case(url: str, receiver: str, urls: Mapping[str, int]) -> int | None:
    if not _is_below(url, receiver, _ELSEWHERE):
        return None
    return urls.get(_without_query(url).replace(f"{receiver}{_ELSEWHERE}", f"{receiver}{_CASE}", 1))


def _is_below(url: str, receiver: str, part: str) -> bool:
    return bool(receiver) and url.startswith(f"{receiver}{part}")


def _split_at_end(
    deliveries: TaskDeliveries, found: Sequence[Observation], aside: Sequence[Observation], view: TraceView
) -> TaskDeliveries:
    """With the deliveries in order, those before the end aside."""
    history = deliveries.history
    on_its_way = (history.statuses.initial, history.statuses.running)
    # A query may be a little behind the callback; where it is far behind, the callback came before the end.
    last = max(
        (observation.began for observation in history.judged if observation.body.get("status") in on_its_way),
        default=0.0,
    )
    lag = Tolerances(view.trace.scale).query_behind_delivery
    ordered = sorted(found, key=lambda delivery: (delivery.began, delivery.number))
    early = [
        delivery
        for delivery in ordered
        if delivery.body.get("status") in on_its_way
        or (delivery.body.get("status") in history.ends and delivery.began + lag < last)
    ]
    numbers = {delivery.number for delivery in early}
    attempts = tuple(delivery for delivery in ordered if delivery.number not in numbers)
    return replace(deliveries, attempts=attempts, early=tuple(early), redirected=tuple(aside))
