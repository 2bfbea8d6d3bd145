"""The history of one task as its owner saw it, without exchanges charged to other clauses.

- `task_histories(view)`: the tasks that can be judged. A task that should not exist (its create had to be refused, or
  its id is malformed) proves nothing about the life of tasks, and is left out.
- `bodies(view)`: every body about a task that is judged by itself; `bodies_of(history)`: those of one task.
- `in_order(observations)`: what is certain about the order. Of exchanges that overlap, neither came first for certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_check.analysis.observations import results_of
from evolink_check.rules.exchanges.attribution import (
    ID,
    certain_faults,
    is_judgeable,
    known_tasks,
    well_formed,
)
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.trace import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evolink_spec import Statuses

    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView

CANCELLED = frozenset({"cancelled", "canceled"})  # no status by the documents, and yet an obvious word
IDENTITY = ("created", "model", "object", "type")
_MOST = 100  # per cent


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """One task. `create` is None in a recording that does not hold it.

    `queries` are its owner's sound 200s; `judged` those of them that do not contradict an end that was told before;
    `changed` those that do, each with the end it contradicts. `refused` are its owner's other sound answers.
    `deliveries` are those whose body names it, as they came.
    """

    id: str
    statuses: Statuses
    create: Observation | None
    queries: tuple[Observation, ...]
    judged: tuple[Observation, ...]
    changed: tuple[tuple[Observation, Observation], ...]
    refused: tuple[Observation, ...]
    deliveries: tuple[Observation, ...]

    @property
    def ends(self) -> tuple[str, str]:
        """The statuses of a task that is over. No set: a broken server's status may be a list, which none can hold."""
        return (self.statuses.success, self.statuses.failure)

    @property
    def ended(self) -> tuple[Observation, ...]:
        """The queries that tell the end."""
        return tuple(
            observation for observation in self.judged if observation.body.get("status") in self.ends
        )

    @property
    def cancelled(self) -> bool:
        """Whether anything tells that the task was cancelled."""
        return any(is_cancelled(observation.body) for observation in (*self.queries, *self.deliveries))


def task_histories(view: TraceView) -> tuple[TaskHistory, ...]:
    """The tasks that can be judged, in the order of their first appearance."""
    return view.once(_histories)


def bodies(view: TraceView) -> Iterator[tuple[TaskHistory, Observation]]:
    """Every body that is judged by itself, with its task."""
    return ((history, observation) for history in task_histories(view) for observation in bodies_of(history))


def bodies_of(history: TaskHistory) -> tuple[Observation, ...]:
    """The queries, and the first callback where no query tells the end.

    Otherwise a callback is held against the query (clause `callback.body-equals-query`).
    """
    early = (None, history.statuses.initial, history.statuses.running)
    told = (
        []
        if history.ended
        else [delivery for delivery in history.deliveries if delivery.body.get("status") not in early]
    )
    return (*history.judged, *told[:1])


def in_order(views: Iterable[Observation]) -> Iterator[tuple[Observation, list[Observation]]]:
    """Each view by its beginning, with those that had surely been told by then, and not yet at the view before.

    An answer tells how things stood at some time between request and answer. Which of two came first is sure only
    when one exchange was over before the other began.
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


def is_cancelled(body: Mapping[str, Any]) -> bool:
    """Whether a body tells that its task was cancelled, in whatever way."""
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    status = body.get("status")
    return code == "request_cancelled" or (isinstance(status, str) and status.lower() in CANCELLED)


def progress_of(body: Mapping[str, Any]) -> int | None:
    """The progress when it is an integer from 0 to 100; 40.0 is one to JSON Schema."""
    value = body.get("progress")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        return None
    return int(value) if value == int(value) else None


def sound_identity(create: Observation | None) -> dict[str, Any]:
    """What a create says of its task for good, as far as no other clause objects to it."""
    if create is None or create.operation is None:
        return {}
    body, found = create.body, {}
    named = ID.fullmatch(str(body.get("id")))
    if type(body.get("created")) is int and named and int(named["created"]) == body["created"]:
        found["created"] = body["created"]
    models = create.operation.models
    if isinstance(body.get("model"), str) and (not models or body["model"] in models):
        found["model"] = body["model"]
    kind = create.operation.medium
    if body.get("type") == kind and body.get("object") == f"{kind}.generation.task":
        found |= {"type": kind, "object": body["object"]}
    return found


def links_of(body: Mapping[str, Any]) -> list[str]:
    """The results without their query strings: a link may be signed anew each time."""
    return [_without_query(url) for url in results_of(body)]


def reason_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is documented of the `error` of a failed task; None when there is none."""
    error = body.get("error")
    if not isinstance(error, dict):
        return None
    return {name: error.get(name) for name in ("code", "message", "type")}


def can_cancel(body: Mapping[str, Any]) -> bool | None:
    """`task_info.can_cancel`, when it is there and what it should be."""
    info = body.get("task_info")
    value = info.get("can_cancel") if isinstance(info, dict) else None
    return value if isinstance(value, bool) else None


def _histories(view: TraceView) -> tuple[TaskHistory, ...]:
    known = known_tasks(view)
    return tuple(_history(task, view) for task in view.tasks.values() if _is_followed(task, view, known))


def _is_followed(task: TaskRecord, view: TraceView, known: Mapping[str, Observation]) -> bool:
    if task.create is None:  # of a complete trace, an id that nobody was given
        return not view.trace.complete and well_formed(task.id)
    account = task.create.account
    fit = False not in {account.valid, account.credits, account.access}
    return task.id in known and fit and not certain_faults(task.create)


def _history(task: TaskRecord, view: TraceView) -> TaskHistory:
    statuses = view.spec.query.statuses
    mine = [
        observation
        for observation in task.queries
        if _is_own(observation, task) and is_judgeable(observation)
    ]
    queries = tuple(observation for observation in mine if observation.status == observation.success)
    changed = tuple(_changes(queries, statuses))
    gone = {observation.number for observation, _ in changed}
    return TaskHistory(
        task.id,
        statuses,
        task.create,
        queries,
        tuple(observation for observation in queries if observation.number not in gone),
        changed,
        tuple(
            observation
            for observation in task.refused
            if _is_own(observation, task) and is_judgeable(observation)
        ),
        tuple(sorted(task.deliveries, key=lambda observation: (observation.began, observation.number))),
    )


def _is_own(observation: Observation, task: TaskRecord) -> bool:
    if task.create is None:
        return observation.account.valid is not False
    return UNKNOWN in {observation.who, task.create.who} or observation.who == task.create.who


def _changes(queries: Sequence[Observation], statuses: Statuses) -> Iterator[tuple[Observation, Observation]]:
    """The queries that contradict an end that was surely told before, with that end (clause `task.final`)."""
    ends = (statuses.success, statuses.failure)
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


def changed_field(first: Observation, later: Observation, statuses: Statuses) -> str:
    """What of a final body does not last, in a word; empty when all does. What was wrong at once need not last."""
    lasting, now = _lasting_state(first.body, statuses), _state_of(later.body)
    if now["can_cancel"] is None:  # it may be left out
        lasting.pop("can_cancel", None)
    return next((name for name, value in lasting.items() if now[name] != value), "")


def _lasting_state(body: Mapping[str, Any], statuses: Statuses) -> dict[str, Any]:
    told = _state_of(body)
    found = {"status": told["status"]}
    if told["status"] == statuses.success:
        found |= {"progress": told["progress"]} if told["progress"] == _MOST else {}
        found |= {"results": told["results"]} if told["results"] else {}
    else:
        found |= {"progress": 0} if told["progress"] == 0 else {}
        found |= {"error": told["error"]} if told["error"] else {}
    return found | ({} if told["can_cancel"] is None else {"can_cancel": told["can_cancel"]})


def _state_of(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": body.get("status"),
        "progress": progress_of(body),
        "results": links_of(body),
        "error": reason_of(body),
        "can_cancel": can_cancel(body),
    }


def _without_query(url: str) -> str:
    try:
        return urlsplit(url)._replace(query="", fragment="").geturl()
    except ValueError:
        return url
