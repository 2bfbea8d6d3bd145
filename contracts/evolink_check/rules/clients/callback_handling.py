"""Rules about callback receivers, and about what a client does after a callback."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.clients.activity import (
    fetches,
    may_have_lost_task,
    queries_of,
    reports_task_end,
    requests_naming,
    requests_with_roles,
)
from evolink_check.rules.registry import rule
from evolink_check.rules.tolerances import Tolerances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding

_TOLERANCES = Tolerances()
_TIMEOUT, _GRACE = _TOLERANCES.receiver_timeout, _TOLERANCES.receiver_network
_OK = range(200, 300)


def _took(observation: Observation) -> float:
    return observation.ended - observation.began


def _is_slow(observation: Observation) -> bool:
    return _took(observation) > _TIMEOUT + _GRACE or (
        not observation.answered and _took(observation) > _TIMEOUT - _GRACE
    )


@rule("receiver.answers-2xx")
def answers_2xx(view: TraceView) -> Iterator[Finding]:
    """A receiver responds to each delivery with a 2xx."""
    for task in view.tasks.values():
        repeated = {delivery.number for delivery in _repetitions(task)}
        for delivery in task.deliveries:
            if delivery.status in _OK:
                yield passed(delivery.number)
            elif not _is_slow(delivery) and delivery.number not in repeated:
                seen = str(delivery.status) if delivery.answered else "no answer"
                yield violation(delivery.number, expected="2xx", seen=seen)


def _repetitions(task: TaskRecord) -> list[Observation]:
    # The first delivery that got a 2xx is the original.
    places = (place for place, delivery in enumerate(task.deliveries) if delivery.status in _OK)
    return task.deliveries[next(places, len(task.deliveries)) + 1 :]


@rule("receiver.within-10s")
def within_10s(view: TraceView) -> Iterator[Finding]:
    """A receiver responds to each delivery within ten seconds."""
    for delivery in view.of("delivery"):
        if _is_slow(delivery):
            seen = f"{'an' if delivery.answered else 'no'} answer in {_took(delivery):.1f} s"
            yield violation(delivery.number, expected=f"an answer in {_TIMEOUT:g} s", seen=seen)
        elif delivery.answered:
            yield passed(delivery.number)


@rule("receiver.idempotent")
def idempotent(view: TraceView) -> Iterator[Finding]:
    """A receiver responds to a repeated delivery with a 2xx.

    A repeated delivery has no further effect.
    """
    for task in view.tasks.values():
        fetched = [fetch for fetch in task.links if fetch.status in _OK]
        # The end of the fetch is not used, because the server may record it only after the client has gone on.
        first = min((fetch.began for fetch in fetched), default=float("inf"))
        for delivery in _repetitions(task):
            before = first <= delivery.began
            after = fetched[bisect_left(fetched, delivery.began, key=lambda fetch: fetch.began) :][:1]
            if delivery.status not in _OK and not _is_slow(delivery):
                seen = str(delivery.status) if delivery.answered else "no answer"
                yield violation(delivery.number, expected="2xx for a repeated delivery", seen=seen)
            elif before and after:
                yield violation(
                    delivery.number,
                    after[0].number,
                    expected="one fetch",
                    seen="another after a repeated delivery",
                )
            else:
                yield passed(delivery.number)


@rule("receiver.asks-back")
def asks_back(view: TraceView) -> Iterator[Finding]:
    """A client confirms a callback with a status query before it downloads the result."""
    for task in view.tasks.values():
        delivery = next((observation for observation in task.deliveries if observation.status in _OK), None)
        if delivery is None or not view.trace.complete:
            continue
        confirming = [observation for observation in task.queries if reports_task_end(observation, view)]
        acted = next(
            (observation for observation in _fetches_of(task, view) if observation.began >= delivery.began),
            None,
        )
        queries = queries_of(view, task.id)
        if acted is not None and not any(observation.number < acted.number for observation in confirming):
            seen = "the result fetched without a query"
            yield violation(delivery.number, acted.number, expected="a query that confirms it", seen=seen)
        elif confirming or any(observation.began >= delivery.began for observation in queries):
            yield passed(delivery.number)
        elif not view.once(_has_lost_create):  # else the client may not know this task
            yield violation(delivery.number, expected="a query that confirms it", seen="none")


def _fetches_of(task: TaskRecord, view: TraceView) -> list[Observation]:
    fetched = view.once(_fetch_numbers)
    return [fetch for fetch in requests_naming(view, task.id) if fetch.number in fetched] or task.links


def _fetch_numbers(view: TraceView) -> frozenset[int]:
    return frozenset(fetch.number for fetch in fetches(view))


def _has_lost_create(view: TraceView) -> bool:
    return any(map(may_have_lost_task, requests_with_roles(view, "create")))


@rule("receiver.fallback")
def falls_back(view: TraceView) -> Iterator[Finding]:
    """A client queries the status of its task if no callback arrives."""
    for task in view.tasks.values():
        heard = any(observation.status in _OK for observation in task.deliveries)
        if task.create is None or task.callback_url is None or heard or not _is_watched(view):
            continue
        if may_have_lost_task(task.create):  # then the client does not know of the task
            continue
        if queries_of(view, task.id):
            yield passed(task.create.number)
        else:
            failed = [observation.number for observation in task.deliveries]
            seen = "no query, and no callback that arrived"
            yield violation(task.create.number, *failed, expected="a query without a callback", seen=seen)


def _is_watched(view: TraceView) -> bool:
    return view.trace.complete and bool(view.trace.receiver)
