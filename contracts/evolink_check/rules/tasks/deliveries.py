"""The deliveries of each task, for the rules about callbacks.

A delivery belongs to a task if its body contains the task's id. If no task has the id, the callback URL
determines the task. Deliveries before the end of the task are listed separately. Deliveries that followed a
redirect are listed separately too.
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

GAVE_UP, CUT = "the sender closed", "the receiver closed"  # the reasons why a delivery got no response
_ELSEWHERE, _CASE = "/elsewhere/", "/c/"  # below the receiver's prefix
_SUCCESS = range(200, 300)
_DIGITS = 18  # maximum number of digits of a Content-Length


@dataclass(frozen=True, slots=True)
class TaskDeliveries:
    """The deliveries of one task."""

    history: TaskHistory
    url: str | None  # the callback URL in the create request; empty if it has none, None if unknown
    watched: bool  # whether the recording includes every delivery to `url` that arrived
    rules: CallbackRules
    attempts: tuple[Observation, ...] = ()  # the deliveries after the end of the task
    early: tuple[Observation, ...] = ()  # the deliveries before the end of the task
    redirected: tuple[Observation, ...] = ()  # the deliveries that followed a redirect

    @property
    def truncated(self) -> bool:
        """Whether the body of any delivery is shorter than its `Content-Length`."""
        # The server gave up in the middle of such a delivery, so the time of its next attempt is unpredictable.
        return any(is_truncated(delivery) for delivery in (*self.early, *self.attempts))


@dataclass(frozen=True, slots=True)
class AttemptRun:
    """The attempts to deliver a callback, divided at the first 2xx."""

    attempts: tuple[Observation, ...]  # the attempts up to and including `success`
    success: Observation | None  # the first attempt that got a 2xx
    sure: bool  # whether the sender certainly received the response of `success` before its timeout
    more: tuple[Observation, ...]  # the attempts after `success`


def all_deliveries(view: TraceView) -> tuple[TaskDeliveries, ...]:
    """Return the deliveries of every task in the trace.

    The task's create request or a callback with the task's id must be recorded.
    """
    return view.once(_all_deliveries)


def watched_deliveries(view: TraceView) -> Iterator[TaskDeliveries]:
    """Yield the deliveries of tasks with a recorded callback receiver."""
    return (deliveries for deliveries in all_deliveries(view) if deliveries.watched)


def complete_deliveries(view: TraceView) -> Iterator[TaskDeliveries]:
    """Yield the deliveries of tasks with a recorded callback receiver.

    Tasks with a truncated delivery (see `is_truncated`) are left out.
    """
    return (deliveries for deliveries in watched_deliveries(view) if not deliveries.truncated)


def is_truncated(observation: Observation) -> bool:
    """Return whether the body of a delivery is shorter than its `Content-Length`."""
    length = observation.sent("Content-Length") or ""
    return (
        length.isdecimal() and len(length) <= _DIGITS and len(observation.exchange.request_body) < int(length)
    )


def slowest_answer(view: TraceView, at: float) -> float:
    """Return the longest response time of the API around the Unix time `at`.

    The result is in real seconds. The result is 0 if no query or credits response ended within three seconds
    of `at`.
    """
    # A slow server may also be slow to connect to a receiver. The time to connect counts towards the timeout
    # of a delivery, although the receiver cannot measure it.
    answers, around = view.once(_answer_times), Tolerances().same_instant
    start, end = (bisect_left(answers, (at + shift,)) for shift in (-around, around))
    return max((took for _, took in answers[start:end]), default=0.0)


def is_lossy(deliveries: TaskDeliveries, at: float, view: TraceView, *, rest: int = 1) -> bool:
    """Return whether deliveries around the Unix time `at` may be late or lost.

    Deliveries may be late or lost if the server was slow around `at`. `rest` is the number of delivery attempts
    that remained at `at`.
    """
    timeout = Tolerances(view.trace.scale).real(deliveries.rules.timeout)
    # If one attempt remained, a quarter of the timeout is slow. If more attempts remained, a response that
    # takes longer than the whole timeout is slow.
    return slowest_answer(view, at) > (timeout / 4 if rest == 1 else timeout)


def _answer_times(view: TraceView) -> list[tuple[float, float]]:
    """Return the end and the duration of each response, in seconds."""
    return sorted(
        (observation.ended, observation.ended - observation.began)
        for observation in view.of("query", "credits")
    )


def attempt_run(deliveries: TaskDeliveries, view: TraceView) -> AttemptRun:
    """Divide the attempts for a task at the first attempt that got a 2xx."""
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
    tasks = [
        deliveries
        for history in task_histories(view)
        if (deliveries := _empty_deliveries(history, view)) is not None
    ]
    ids = {deliveries.history.id: place for place, deliveries in enumerate(tasks)}
    urls = _places_by_url(tasks)
    direct: list[list[Observation]] = [[] for _ in tasks]
    redirected: list[list[Observation]] = [[] for _ in tasks]
    redirects = _places_by_redirect_target(view, urls)
    for delivery in view.of("delivery"):
        url = delivery.exchange.url
        there = redirects.get(url) if url in redirects else _redirected_case(url, view.trace.receiver, urls)
        if there is not None:
            redirected[there].append(delivery)
            continue
        place = ids.get(delivery.task_id, urls.get(_without_query(url)))
        if place is not None and not _is_below(url, view.trace.receiver, _ELSEWHERE):
            direct[place].append(delivery)
    return tuple(
        _split_at_end(deliveries, direct[place], redirected[place], view)
        for place, deliveries in enumerate(tasks)
    )


def _empty_deliveries(history: TaskHistory, view: TraceView) -> TaskDeliveries | None:
    rules = history.create.operation.callback if history.create and history.create.operation else None
    if history.create is None:
        rules = next(
            (operation.callback for all_ in view.spec.creates.values() for operation in all_.values()), None
        )
    if rules is None:  # the model has no callbacks
        return None
    if history.create is None or not isinstance(history.create.request_json, dict):
        return TaskDeliveries(history, None, watched=False, rules=rules)
    url = history.create.request_json.get(rules.field)
    known_url = url if isinstance(url, str) else "" if url is None else None
    receiver = view.trace.receiver
    return TaskDeliveries(
        history, known_url, bool(receiver and known_url and known_url.startswith(receiver)), rules
    )


def _places_by_url(tasks: Sequence[TaskDeliveries]) -> Mapping[str, int]:
    by_url: dict[str, list[int]] = {}
    for place, deliveries in enumerate(tasks):
        if deliveries.url:
            by_url.setdefault(_without_query(deliveries.url), []).append(place)
    # A URL of several tasks does not identify a task.
    return {url: places[0] for url, places in by_url.items() if len(places) == 1}


def _without_query(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _places_by_redirect_target(view: TraceView, urls: Mapping[str, int]) -> Mapping[str, int]:
    # A redirect target belongs to the task with the callback URL that was redirected.
    targets = {}
    for delivery in view.of("delivery"):
        url = delivery.exchange.url
        headers = {name.lower(): value for name, value in delivery.exchange.response_headers}
        place = urls.get(_without_query(url))
        if delivery.status // 100 == 3 and "location" in headers and place is not None:  # noqa: PLR2004
            with suppress(ValueError):  # a receiver may send an invalid URL
                targets[urljoin(url, headers["location"])] = place
    return {url: place for url, place in targets.items() if _without_query(url) not in urls}


def _redirected_case(url: str, receiver: str, urls: Mapping[str, int]) -> int | None:
    if not _is_below(url, receiver, _ELSEWHERE):
        return None
    return urls.get(_without_query(url).replace(f"{receiver}{_ELSEWHERE}", f"{receiver}{_CASE}", 1))


def _is_below(url: str, receiver: str, part: str) -> bool:
    return bool(receiver) and url.startswith(f"{receiver}{part}")


def _split_at_end(
    deliveries: TaskDeliveries,
    direct: Sequence[Observation],
    redirected: Sequence[Observation],
    view: TraceView,
) -> TaskDeliveries:
    history = deliveries.history
    unfinished = (history.statuses.initial, history.statuses.running)
    # A query may report the end a little later than the callback. If it is much later, the callback came too early.
    last = max(
        (observation.began for observation in history.judged if observation.body.get("status") in unfinished),
        default=0.0,
    )
    lag = Tolerances(view.trace.scale).query_behind_delivery
    ordered = sorted(direct, key=lambda delivery: (delivery.began, delivery.number))
    early = [
        delivery
        for delivery in ordered
        if delivery.body.get("status") in unfinished
        or (delivery.body.get("status") in history.ends and delivery.began + lag < last)
    ]
    numbers = {delivery.number for delivery in early}
    attempts = tuple(delivery for delivery in ordered if delivery.number not in numbers)
    return replace(deliveries, attempts=attempts, early=tuple(early), redirected=tuple(redirected))
