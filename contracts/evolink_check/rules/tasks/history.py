"""The history of each task: its create request, its owner's queries, and its callbacks.

- `task_histories(view)`: the tasks that the rules can check.
- `bodies(view)`: the responses and callbacks that the rules check.
- `bodies_of(history)`: the responses and callbacks of one task.
- `in_order(observations)`: which exchanges certainly precede which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.rules.exchanges.attribution import (
    certain_faults,
    has_judgeable_status,
    is_judgeable,
    known_tasks,
    well_formed,
)
from evolink_check.rules.tasks.body_fields import changed_field, is_cancelled
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.trace import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evolink_spec import Statuses

    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """The exchanges about one task."""

    id: str
    statuses: Statuses
    create: Observation | None  # None if the create request was not recorded
    queries: tuple[Observation, ...]  # the owner's status queries with a well-formed 200
    judged: tuple[Observation, ...]  # the `queries` that do not contradict an earlier report of the end
    # The other `queries`, each with the report that it contradicts.
    changed: tuple[tuple[Observation, Observation], ...]
    ended: tuple[Observation, ...]  # the `judged` queries that report the end of the task
    refused: tuple[Observation, ...]  # the owner's status queries with a well-formed response other than 200
    deliveries: tuple[Observation, ...]  # the deliveries whose body contains the task id, in order of time

    @property
    def ends(self) -> tuple[str, ...]:
        """The statuses that an ended task can have, such as `completed`."""
        # Not a set, because a faulty server may send a status that is not hashable.
        return ends_of(self.statuses)

    @property
    def cancelled(self) -> bool:
        """Whether a query or a delivery reports that the task was cancelled."""
        return any(is_cancelled(observation.body) for observation in (*self.queries, *self.deliveries))


def task_histories(view: TraceView) -> tuple[TaskHistory, ...]:
    """Return the tasks that the rules can check, in order of appearance.

    A task that should not exist is left out. An example is a task with an invalid create request.
    """
    return view.once(_histories)


def bodies(view: TraceView) -> Sequence[tuple[TaskHistory, Observation]]:
    """Return the responses and callbacks that the rules check, each with its task.

    See `bodies_of` for the selection.
    """
    return view.once(_bodies)


def _bodies(view: TraceView) -> Sequence[tuple[TaskHistory, Observation]]:
    return [(history, observation) for history in task_histories(view) for observation in bodies_of(history)]


def bodies_of(history: TaskHistory) -> tuple[Observation, ...]:
    """Return the responses and callbacks of one task that the rules check.

    The responses are those to the owner's status queries. A response that contradicts an earlier report of the
    end is left out. If no query reports the end, the first callback about the end is added.
    """
    early = (None, history.statuses.initial, history.statuses.running)
    # If a query reports the end, `callback.body-equals-query` compares the callback with this query.
    deliveries = (
        []
        if history.ended
        else [delivery for delivery in history.deliveries if delivery.body.get("status") not in early]
    )
    return (*history.judged, *deliveries[:1])


def in_order(views: Iterable[Observation]) -> Iterator[tuple[Observation, list[Observation]]]:
    """Yield the exchanges in order of time, each with a list of new predecessors.

    A predecessor ended before the exchange began. Each list omits the predecessors in earlier lists.
    """
    views = list(views)
    precision = Tolerances().recorded_time
    over = sorted(views, key=lambda observation: observation.ended)
    place = 0
    for observation in sorted(views, key=lambda observation: (observation.began, observation.number)):
        start = place
        while place < len(over) and over[place].ended < observation.began - precision:
            place += 1
        yield observation, over[start:place]


def _histories(view: TraceView) -> tuple[TaskHistory, ...]:
    creates = known_tasks(view)
    return tuple(_history(task, view) for task in view.tasks.values() if _is_followed(task, view, creates))


def _is_followed(task: TaskRecord, view: TraceView, creates: Mapping[str, Observation]) -> bool:
    if task.create is None:  # if the trace is complete, the server did not issue this id
        return not view.trace.complete and well_formed(task.id)
    account = task.create.account
    fit = False not in {account.valid, account.credits, account.access}
    return task.id in creates and fit and not certain_faults(task.create)


def _history(task: TaskRecord, view: TraceView) -> TaskHistory:
    statuses = statuses_of(task, view)
    mine = [
        observation
        for observation in task.queries
        if _is_own(observation, task) and is_judgeable(observation)
    ]
    queries = tuple(observation for observation in mine if observation.status == observation.success)
    changed = tuple(_changes(queries, statuses))
    gone = {observation.number for observation, _ in changed}
    judged = tuple(observation for observation in queries if observation.number not in gone)
    ends = ends_of(statuses)
    return TaskHistory(
        task.id,
        statuses,
        task.create,
        queries,
        judged,
        changed,
        tuple(observation for observation in judged if observation.body.get("status") in ends),
        tuple(
            observation
            for observation in task.refused
            if _is_own(observation, task) and _is_judgeable_refusal(observation)
        ),
        tuple(sorted(task.deliveries, key=lambda observation: (observation.began, observation.number))),
    )


def _is_judgeable_refusal(observation: Observation) -> bool:
    lacks_body = observation.status != observation.success and has_judgeable_status(observation)
    return is_judgeable(observation) or lacks_body


def _is_own(observation: Observation, task: TaskRecord) -> bool:
    # Without a create request, every query with a possibly valid API key may be the owner's.
    if task.create is None:
        return observation.account.valid is not False
    # A query of an unknown account is the owner's if it succeeded.
    if UNKNOWN in {observation.who, task.create.who}:
        return observation.status == observation.success
    return observation.who == task.create.who


def ends_of(statuses: Statuses) -> tuple[str, ...]:
    """Return the statuses that an ended task can have, such as `completed`."""
    return tuple(filter(None, (statuses.success, statuses.failure, statuses.cancelled)))


def statuses_of(task: TaskRecord, view: TraceView) -> Statuses:
    """Return the statuses that a task can have.

    The status of cancelled tasks is included if a document has such a status.
    """
    statuses = view.spec.query.statuses
    if task.create is not None:
        words = [task.create.operation.statuses.cancelled if task.create.operation else ""]
    else:  # the model is unknown
        words = [
            each.statuses.cancelled for creates in view.spec.creates.values() for each in creates.values()
        ]
    return statuses._replace(cancelled=statuses.cancelled or max(words, default=""))


def _changes(queries: Sequence[Observation], statuses: Statuses) -> Iterator[tuple[Observation, Observation]]:
    """Yield each contradicting query, with the earlier report of the end."""
    ends = ends_of(statuses)
    first: Observation | None = None
    for observation, before in in_order(queries):
        if first is None:
            first = next((earlier for earlier in before if earlier.body.get("status") in ends), None)
        if (
            first is not None
            and observation.body.get("status") in statuses
            and changed_field(first, observation, statuses)
        ):
            yield observation, first
