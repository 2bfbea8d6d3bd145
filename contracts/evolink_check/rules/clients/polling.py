"""Rules about polling: task ids, intervals, and what a client does afterwards."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import results_of
from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.clients.activity import (
    SOON,
    bare_url,
    equal_requests,
    failure_of,
    fetches,
    is_readable_json,
    placeholder_id,
    queries_for_invented_ids,
    queries_for_unknown_ids,
    queries_of,
    reports_task_end,
    requests_naming,
    requests_with_roles,
    seconds_between,
)
from evolink_check.rules.clients.retries import TOO_MANY
from evolink_check.rules.registry import rule, rule_family
from evolink_check.rules.tolerances import DAY, Tolerances
from evolink_check.traffic.retry_after import is_retry_after
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding

_TOLERANCES = Tolerances()
_INTERVAL = _TOLERANCES.poll_interval
# By clause: the advice for a failure code, what is expected in place of an equal create request, and for how long.
_AFTER_FAILURE = {
    "client.fix-first": ("fix-request", "a changed request", SOON),
    "client.retry-later": ("retry-later", "a wait before it is tried again", _TOLERANCES.create_later),
    "client.give-up": ("give-up", "no further create", SOON),
}


@rule("client.given-ids")
def given_ids(view: TraceView) -> Iterator[Finding]:
    """A client queries only task ids that it got in earlier responses."""
    invented = queries_for_invented_ids(view)
    for query in requests_with_roles(view, "query"):
        if query.number in invented:
            yield violation(
                query.number, expected="an id from an earlier answer", seen=f"{query.task_id[:60]!r}"
            )
        elif query.answered and placeholder_id(query, view) is None:
            yield passed(query.number)


@rule("client.no-guarantees")
def no_guarantees(view: TraceView) -> Iterator[Finding]:
    """A client never uses a placeholder, such as `undefined`, as the task id of a query."""
    for observation in view.seen:
        missing = placeholder_id(observation, view)
        if missing is not None:
            yield violation(
                observation.number, expected="an id from an answer", seen=f"a query for {missing!r}"
            )
        elif observation.role == "create" and observation.succeeded and not observation.task_id:
            yield passed(observation.number)


@rule("client.same-account")
def same_account(view: TraceView) -> Iterator[Finding]:
    """A client queries a task with the API key of the create request."""
    for task in view.tasks.values():
        maker = task.create.who if task.create else UNKNOWN
        for query in (*task.queries, *task.refused):
            if maker in {UNKNOWN, NOBODY} or query.who in {UNKNOWN, NOBODY} or task.create is None:
                continue
            if query.who == maker:
                yield passed(query.number)
            else:
                seen = f"the key of {query.who!r} for a task of {maker!r}"
                yield violation(task.create.number, query.number, expected="the key of the create", seen=seen)


# How often


def _gaps(view: TraceView) -> Iterator[tuple[TaskRecord, list[tuple[Observation, Observation]]]]:
    for task in view.tasks.values():
        deliveries = [observation.began for observation in task.deliveries]
        # These pairs show how long the client waits between two queries of a running task.
        queries = queries_of(view, task.id)
        yield (
            task,
            [
                (before, after)
                for before, after in pairwise(queries)
                if before.who == after.who and before.succeeded and not reports_task_end(before, view)
                if not any(before.began <= call <= after.began for call in deliveries)
            ],
        )


@rule("client.poll-interval")
def poll_interval(view: TraceView) -> Iterator[Finding]:
    """Status queries of a running task are at least a second apart."""
    for _, pairs in _gaps(view):
        gaps = [(after.began - before.began, before, after) for before, after in pairs]
        quick = [gap for gap in gaps if gap[0] < _INTERVAL - _TOLERANCES.network]
        if len(quick) > 1 and len(quick) * 2 > len(gaps):  # a single short gap may be due to a network delay
            shortest, before, after = min(quick, key=lambda gap: gap[0])
            seen = f"{len(quick)} of {len(gaps)} sooner, the shortest {shortest:.2f} s"
            yield violation(before.number, after.number, expected=f"{_INTERVAL:g} s or more", seen=seen)
        elif gaps:
            yield passed(*(after.number for _, _, after in gaps))
    for task in view.tasks.values():
        yield from _refused_without_wait(queries_of(view, task.id))


def _refused_without_wait(queries: Sequence[Observation]) -> Iterator[Finding]:
    pairs = [
        (before, after)
        for before, after in pairwise(queries)
        if before.who == after.who and before.status == TOO_MANY
        if not is_retry_after(before.header("retry-after") or "")
    ]
    at_once = [pair for pair in pairs if seconds_between(*pair) < _TOLERANCES.request_under_way]
    # One immediate repetition is accepted.
    rows = [(first, third) for (first, second), (again, third) in pairwise(at_once) if second is again]
    if rows:
        before, after = rows[0]
        seen = f"{len(at_once)} of {len(pairs)} queries at once after a 429"
        yield violation(before.number, after.number, expected=f"{_INTERVAL:g} s or more", seen=seen)
    elif pairs:
        yield passed(*(after.number for _, after in pairs))


@rule("client.poll-useful")
def poll_useful(view: TraceView) -> Iterator[Finding]:
    """Without a callback URL, a client queries a running task at least every minute."""
    for task, pairs in _gaps(view):
        for before, after in pairs if task.callback_url is None else ():
            gap = seconds_between(before, after)
            if gap > _TOLERANCES.poll_useful:
                yield violation(before.number, after.number, expected="a query a minute", seen=f"{gap:.0f} s")
            else:
                yield passed(after.number)


# Until when


@rule("client.stops-at-end")
def stops_at_end(view: TraceView) -> Iterator[Finding]:
    """A client stops polling when the task has ended."""
    for task in view.tasks.values():
        for index, end in enumerate(task.queries):
            if not reports_task_end(end, view):
                continue
            later = [
                observation for observation in task.queries[index + 1 :] if observation.began >= end.ended
            ]
            polls = [
                observation
                for observation, before in zip(later, [end, *later], strict=False)
                if seconds_between(before, observation) < SOON
            ]
            if len(polls) > 1:
                seen = f"{len(polls)} more queries"
                yield violation(
                    end.number,
                    *(observation.number for observation in polls[:5]),
                    expected="no further queries",
                    seen=seen,
                )
            else:
                yield passed(end.number)
            break


@rule("client.no-abandon")
def no_abandon(view: TraceView) -> Iterator[Finding]:
    """A client queries its task until the end and creates no second task instead."""
    repetitions = view.once(_repetitions_of_abandoned_creates)
    queried = {observation.task_id for observation in requests_with_roles(view, "query")}
    mistaken = bool(queries_for_unknown_ids(view)) or any(
        placeholder_id(query, view) is not None for query in view.seen
    )  # a client that queries a wrong id violates `client.given-ids` instead
    for task in view.tasks.values():
        if task.create is None or not is_readable_json(task.create):
            continue
        if any(reports_task_end(observation, view) for observation in task.views):
            yield passed(task.create.number)
        elif task.create.number in repetitions:
            again = repetitions[task.create.number]
            seen = "the same create again, while the first task was running"
            yield violation(task.create.number, again, expected="queries until the end", seen=seen)
        elif view.trace.complete and task.callback_url is None and task.id not in queried and not mistaken:
            yield violation(task.create.number, expected="queries until the end", seen="none")


def _repetitions_of_abandoned_creates(view: TraceView) -> Mapping[int, int]:
    # The keys and the values are entry numbers.
    repetitions: dict[int, int] = {}
    for group in equal_requests(view, "create"):
        for create, again in pairwise(group):
            queries = queries_of(view, create.task_id) if create.task_id else ()
            # The client abandoned the task if it repeats the request soon after the last query.
            if queries and queries[-1].ended <= again.began < queries[-1].ended + SOON:
                repetitions[create.number] = again.number
    return repetitions


# After the end


@rule("client.failed-is-failure")
def failed_is_failure(view: TraceView) -> Iterator[Finding]:
    """A client does not request the result of a failed task."""
    for task in view.tasks.values():
        end = next(
            (observation for observation in task.views if failure_of(observation, view) is not None), None
        )
        if end is None:
            continue
        attempts = [
            observation
            for observation in requests_naming(view, task.id)
            if observation.answered and observation.began >= end.ended
        ]
        for observation in attempts:
            seen = "a request for its result"
            yield violation(end.number, observation.number, expected="a failed task has no result", seen=seen)
        if not attempts:
            yield passed(end.number)


@rule_family(_AFTER_FAILURE)
def after_failure(clause: str, view: TraceView) -> Iterator[Finding]:
    """After a failure, a client follows the documented advice for the failure code."""
    advice, expected, within = _AFTER_FAILURE[clause]
    advised = {failure.code: failure.advice for failure in view.spec.failures}
    ends = {
        task.create.number: (end, code)
        for task in view.tasks.values()
        if task.create
        for end in (*task.queries, *task.deliveries)
        if (code := failure_of(end, view)) is not None and advised.get(code) == advice
    }
    for group in equal_requests(view, "create"):
        for observation in group:
            if observation.number not in ends:
                continue
            end, code = ends[observation.number]
            place = bisect_right(group, end.number, key=lambda create: create.number)
            again = group[place] if place < len(group) else None
            if again is not None and seconds_between(end, again) < within:
                seen = f"the same create {max(0.0, seconds_between(end, again)):.1f} s after {code}"
                yield violation(end.number, again.number, expected=expected, seen=seen)
            else:
                yield passed(end.number)


@rule("client.fetch-in-24h")
def fetched_in_time(view: TraceView) -> Iterator[Finding]:
    """A client downloads a result within 24 hours of the end of its task."""
    first_fetch = view.once(_first_fetches)
    for task in view.tasks.values():
        end = next((observation for observation in task.views if results_of(observation.body)), None)
        links = {bare_url(url) for url in results_of(end.body)} if end else set()
        fetched = [first_fetch[url] for url in links & first_fetch.keys()]
        if end is None or not fetched:
            continue
        first = min(fetched, key=lambda fetch: fetch.number)
        took = seconds_between(end, first)
        if took > DAY:
            yield violation(
                end.number, first.number, expected="within 24 hours", seen=f"{took / 3600:.1f} h later"
            )
        else:
            yield passed(first.number)


def _first_fetches(view: TraceView) -> Mapping[str, Observation]:
    first: dict[str, Observation] = {}
    for fetch in fetches(view):
        first.setdefault(bare_url(fetch.exchange.url), fetch)
    return first
