"""The end of a run of a client, together with the last responses that the client received."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import results_of
from evolink_check.client.harness.outcome import describe_crash
from evolink_check.rules.clients.activity import (
    equal_requests,
    failure_of,
    fetches,
    is_readable_json,
    requests_with_roles,
)
from evolink_check.rules.clients.retries import TOO_MANY, waits

if TYPE_CHECKING:
    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.client.harness.outcome import Outcome
    from evolink_check.client.harness.scenario import Scenario

PATIENCE = 60.0  # seconds that a client should wait for a task, unless its description has a deadline
_EARLY = 0.8  # of the time that it should wait
_STEEPEST = 4.0  # times the previous wait: waits are assumed to grow no faster


@dataclass(frozen=True)
class RunEnd:
    """A run, with the last responses that the client received."""

    reading: TraceView
    outcome: Outcome
    scenario: Scenario

    @cached_property
    def requests(self) -> tuple[Observation, ...]:
        """All requests to the API, with or without a response."""
        return requests_with_roles(self.reading, "create", "query", "credits", "other path", "other method")

    @cached_property
    def last(self) -> Observation | None:
        """The last request that is not a fetch of a result."""
        fetched = {fetch.number for fetch in fetches(self.reading)}
        return next((request for request in reversed(self.requests) if request.number not in fetched), None)

    @cached_property
    def completed(self) -> Observation | None:
        """The first response or delivery with the status completed."""
        success = self.reading.spec.query.statuses.success
        return next((view for view in self._views if view.body.get("status") == success), None)

    @cached_property
    def failed(self) -> Observation | None:
        """The last response or delivery with the status failed."""
        return next(
            (view for view in reversed(self._views) if failure_of(view, self.reading) is not None), None
        )

    @property
    def _views(self) -> list[Observation]:
        return [
            view
            for view in self.reading.seen
            if view.role == "delivery" or (view.role == "query" and view.succeeded)
        ]

    @cached_property
    def crash(self) -> str:
        """A description of the crash; empty if the client did not crash."""
        return describe_crash(self.outcome)

    @cached_property
    def links(self) -> list[str]:
        """The result links in the first completed response or delivery."""
        return results_of(self.completed.body) if self.completed else []

    @cached_property
    def fetched(self) -> tuple[Observation, ...]:
        """The fetches of results."""
        return fetches(self.reading)

    @property
    def never_queried(self) -> bool:
        """Whether the client had a task and never sent a query."""
        return bool(self.reading.tasks) and not any(request.role == "query" for request in self.requests)

    @property
    def evidence(self) -> tuple[int, ...]:
        """The number of the last entry; empty if the trace has no entries."""
        return (self.last.number,) if self.last else ()

    @property
    def is_proven_success(self) -> bool:
        """Whether only a success may be reported: every task was created, and a query returned the status completed.

        A callback alone is not proof, and a client that creates several tasks may fail because one was not created.
        """
        success = self.reading.spec.query.statuses.success
        created = all(
            group[-1].task_id and is_readable_json(group[-1])
            for group in equal_requests(self.reading, "create")
        )
        return created and any(
            view.role == "query" and view.body.get("status") == success for view in self._views
        )

    @property
    def is_early(self) -> bool:
        """Whether the client gave up long before its deadline, although no response reported the end of the task.

        Its deadline is counted from its start. It may end before if its next wait would have exceeded it.
        """
        task = self._task_of_last
        if self.outcome.end != "failure" or task is None or self.completed or self.failed:
            return False
        waited = self.outcome.ended - self.outcome.began
        return waited + _next(self._waits(task)) < _EARLY * (self.outcome.patience or PATIENCE)

    @property
    def is_out_of_time(self) -> bool:
        """Whether the client ended around its deadline."""
        waited = self.outcome.ended - self.outcome.began
        return waited >= _EARLY * (self.outcome.patience or PATIENCE)

    @property
    def has_time_for_retry(self) -> bool:
        """Whether the wait that a 429 requests ends before the client's deadline. True after any other answer.

        Without a number of seconds in `Retry-After`, a client may choose a wait that is too long.
        """
        if self.last is None or self.last.status != TOO_MANY:
            return True
        value = (self.last.header("retry-after") or "").strip()
        wait = waits(value, self.last.ended) if value.isdecimal() else None
        left = self.outcome.began + (self.outcome.patience or PATIENCE) - self.last.ended
        return wait is not None and wait < _EARLY * left

    @property
    def _task_of_last(self) -> TaskRecord | None:
        """The task of the last query; if there was no query, the first task that was created."""
        tasks = [task for task in self.reading.tasks.values() if task.create]
        last = self.last.task_id if self.last is not None else ""
        return next((task for task in tasks if task.id == last), tasks[0] if tasks else None)

    def _waits(self, task: TaskRecord) -> list[float]:
        """The seconds from the create to the first query, between queries, and from the last query to the end."""
        created = [task.create.entry.ended] if task.create else []
        queried = [
            request.entry.began
            for request in self.requests
            if request.role == "query" and request.task_id == task.id
        ]
        return [after - before for before, after in pairwise([*created, *queried, self.outcome.ended])]


def _next(waits: list[float]) -> float:
    """The expected length of the next wait, if waits keep growing. The end cut the last wait short."""
    *earlier, last = waits[:-1] or [0.0]
    if not earlier:
        return last
    return last * min(_STEEPEST, max(1.0, last / max(earlier[-1], 0.001)))
