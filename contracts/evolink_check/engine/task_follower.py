"""Follow a task with queries, and download its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.observations import results_of
from evolink_check.generation.case import Case
from evolink_check.rules.tasks.body_fields import CANCELLED
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.formats import decode_json
from evolink_check.traffic.trace import MAIN, NOBODY, OTHER, WRONG
from evolink_check.transport.budget import estimated_time_in
from evolink_check.transport.downloads import fetch

if TYPE_CHECKING:
    from random import Random

    from evolink_spec import Spec

    from evolink_check.engine.task_plan import PlannedTask
    from evolink_check.settings import Subject
    from evolink_check.traffic.trace import Entry
    from evolink_check.transport.target import Target

_SHORTEST, _LONGEST = 0.2, 5.0  # seconds between two queries of a task
_SHARE = 0.4  # the maximum time between two queries, as a share of the task's age
_LATE = 0.2  # the last query of a task is sent this many seconds after its time limit
_AFTER = 3  # queries after the task has ended
_FETCHED = 5  # how many results of one task are downloaded


@dataclass(slots=True)
class TrackedTask:
    """A task that was created. Times are in Unix seconds."""

    planned: PlannedTask
    id: str
    ended: float = (
        0.0  # the time of the response that first showed the end of the task; 0 while the task runs
    )
    status: str = ""  # the final status; empty while the task runs
    limit: float = 0.0  # seconds within which the task must end; 0 if unknown
    results: tuple[str, ...] = ()  # the URLs of the results
    asked: float = 0.0  # the time of the last query of the task; 0 before the first query


def from_create(planned: PlannedTask, create: Entry, subject: Subject) -> TrackedTask | None:
    """Return the task in the response to a create request; None if missing."""
    answer = _object_in(create)
    id_, estimated = answer.get("id"), estimated_time_in(answer)
    if not 200 <= create.exchange.status < 300 or not isinstance(id_, str):  # noqa: PLR2004
        return None
    limit = Tolerances(subject.scale).task_limit(estimated, subject.task_limit)
    return TrackedTask(planned, id_, limit=limit)


class TaskFollower:
    """Follows tasks. `follow` follows a task completely. Each further method does a single step.

    Several threads may call the methods at the same time.
    """

    def __init__(self, target: Target, spec: Spec, seconds: float) -> None:
        self._target = target
        self._query = spec.query
        self._seconds = seconds

    def begin(self, planned: PlannedTask) -> TrackedTask | None:
        """Create the task and query it at once.

        Return None if the server created no task. Raises `HaltedError` if the budget is spent or the run has
        been stopped.
        """
        task = from_create(planned, self._target.send(planned.case), self._target.subject)
        if task is not None:
            self.poll(task)
        return task

    def follow(self, task: TrackedTask, random: Random) -> TrackedTask:
        """Query the task until its end or the time limit. Then download its results.

        Queries with other API keys are also sent. A server must reject these queries.
        """
        # about half of the tasks get the queries with other keys while they run
        early = random.random() < 0.5  # noqa: PLR2004  (even chances)
        if early:
            self.query_as_others(task)
        self.poll_until_end(task, random)
        if not early:
            self.query_as_others(task)
        # A task with callbacks tests only the callbacks. No documented response has more results than `_FETCHED`.
        for url in () if task.planned.address else task.results[:_FETCHED]:
            fetch(self._target, url, f"{task.planned.case.name}: its result")
        return task

    def poll_until_end(self, task: TrackedTask, random: Random) -> None:
        """Query the task at random intervals until its end or its time limit.

        The time limit is at most `Effort.task_seconds`. A task that has ended is queried a few more times.
        """
        waited, longest = 0.0, task.limit + _LATE if 0 < task.limit <= self._seconds else self._seconds
        first = task.asked
        while not task.ended and max(waited, task.asked - first) < longest:  # queries may take long, too
            pause = random.uniform(_SHORTEST, min(_LONGEST, max(2 * _SHORTEST, _SHARE * waited)))
            self._target.pause(pause)
            waited += pause
            self.poll(task)
            first = first or task.asked
        for _ in range(_AFTER if task.ended else 0):
            self._target.pause(random.uniform(_SHORTEST, 2 * _SHORTEST))
            self.poll(task)

    def poll(self, task: TrackedTask) -> None:
        """Query the task once."""
        entry = self._target.send(self._case(task, MAIN))
        task.asked = entry.began
        answer, words = _object_in(entry), self._query.statuses
        if not task.ended and answer.get("status") in (words.success, words.failure, *CANCELLED):
            task.ended, task.status = entry.ended, answer["status"]
            task.results = tuple(dict.fromkeys(results_of(answer)))

    def query_as_others(self, task: TrackedTask) -> None:
        """Send queries that a server must reject.

        The queries have another account's API key, an unknown key, or no key.
        """
        others = [OTHER] if OTHER in self._target.subject.keys else []
        wrong = [] if self._target.subject.any_key else [WRONG]
        for key in (*others, *wrong, NOBODY):
            self._target.send(self._case(task, key))

    def _case(self, task: TrackedTask, key: str) -> Case:
        path = self._query.path.replace(f"{{{self._query.parameter}}}", task.id)
        name = f"{task.planned.case.name}: query" + ("" if key == MAIN else f" by {key}")
        return Case(name, (), self._query.method, path, key=key)


def _object_in(entry: Entry) -> dict[str, Any]:
    answer = decode_json(entry.exchange.response_body)
    return answer if isinstance(answer, dict) else {}
