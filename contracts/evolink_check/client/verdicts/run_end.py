"""Find how a run ended, and the last responses that the client received."""

from __future__ import annotations

import re
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
_EARLY = 0.8  # a client gives up early if it waits for less than this share of its patience
_READING = 2.0  # seconds that a client may need to read a result and to end
_STEEPEST = 4.0  # the assumed maximum factor between two waits that follow each other


@dataclass(frozen=True)
class RunEnd:
    """The trace and the outcome of one run, with facts about its end."""

    reading: TraceView
    outcome: Outcome
    scenario: Scenario

    @cached_property
    def requests(self) -> tuple[Observation, ...]:
        """All requests to the API, with or without a response."""
        return requests_with_roles(self.reading, "create", "query", "credits", "other path", "other method")

    @cached_property
    def last(self) -> Observation | None:
        """The last request to the API. Downloads of a result do not count.

        The value is None if there is no such request.
        """
        fetched = {fetch.number for fetch in fetches(self.reading)}
        return next((request for request in reversed(self.requests) if request.number not in fetched), None)

    @cached_property
    def completed(self) -> Observation | None:
        """The first query or callback with the report that a task has completed.

        The value is None if there is no such report.
        """
        success = self.reading.spec.query.statuses.success
        return next((view for view in self._views if view.body.get("status") == success), None)

    @cached_property
    def failed(self) -> Observation | None:
        """The last query or callback with the report that a task has failed.

        The value is None if there is no such report.
        """
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
        """A description of the crash.

        The text is empty if the client did not crash.
        """
        return describe_crash(self.outcome)

    @property
    def rejects_unknown_field(self) -> bool:
        """Whether the undocumented field in the responses made the client crash.

        The error message of the client must name the field. The name in a response body that the client printed does
        not count.
        """
        name = re.escape(self.scenario.adds)
        named = rf"\b{name}\b(?![\"']?\s*(?::|=>))"
        return bool(self.crash and name and re.search(named, self.outcome.errors or self.outcome.output))

    @cached_property
    def links(self) -> list[str]:
        """The result links in the first query or callback that reports a completed task."""
        return results_of(self.completed.body) if self.completed else []

    @cached_property
    def fetched(self) -> tuple[Observation, ...]:
        """The requests that download a result."""
        return fetches(self.reading)

    @property
    def never_queried(self) -> bool:
        """Whether a task was created, but the client never sent a query."""
        return bool(self.reading.tasks) and not any(request.role == "query" for request in self.requests)

    @property
    def evidence(self) -> tuple[int, ...]:
        """The number of the trace entry of the last request to the API, in a tuple.

        The tuple is empty if there is no such request.
        """
        return (self.last.number,) if self.last else ()

    @property
    def is_proven_success(self) -> bool:
        """Whether the client must report a success.

        A query must have reported that a task has completed. A callback is not enough. Every create request must have
        created a task. If a create request was repeated, the last repetition counts.
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
        """Whether the client gave up a running task long before the client's deadline.

        The deadline is counted from the client's start. The client's next wait is estimated, and added to the duration
        of the run. The end is early if the sum is less than 80 % of the deadline.
        """
        task = self._task_of_last
        if self.outcome.end != "failure" or task is None or self.completed or self.failed:
            return False
        waited = self.outcome.ended - self.outcome.began
        return waited + _estimate_next_wait(self._waits(task)) < _EARLY * (self.outcome.patience or PATIENCE)

    @property
    def is_out_of_time(self) -> bool:
        """Whether the client used at least 80 % of the time until the client's deadline."""
        waited = self.outcome.ended - self.outcome.began
        return waited >= _EARLY * (self.outcome.patience or PATIENCE)

    @property
    def may_have_cut_fetch(self) -> bool:
        """Whether the client may have ended during a download of the result."""
        answered = [fetch.ended for fetch in self.fetched if fetch.answered]
        return not answered or self.outcome.ended - max(answered) < _READING + self.outcome.delay

    @property
    def has_time_for_retry(self) -> bool:
        """Whether the client had time for the wait that `Retry-After` demands.

        The wait must end well before the client's deadline. True if the last response was not a 429. False if
        `Retry-After` is not a number of seconds.
        """
        if self.last is None or self.last.status != TOO_MANY:
            return True
        value = (self.last.header("retry-after") or "").strip()
        # A wait until a date may be longer than the time until the deadline.
        wait = waits(value, self.last.ended) if value.isdecimal() else None
        left = self.outcome.began + (self.outcome.patience or PATIENCE) - self.last.ended
        return wait is not None and wait < _EARLY * left

    @property
    def _task_of_last(self) -> TaskRecord | None:
        tasks = [task for task in self.reading.tasks.values() if task.create]
        last = self.last.task_id if self.last is not None else ""
        return next((task for task in tasks if task.id == last), tasks[0] if tasks else None)

    def _waits(self, task: TaskRecord) -> list[float]:
        created = [task.create.entry.ended] if task.create else []
        queried = [
            request.entry.began
            for request in self.requests
            if request.role == "query" and request.task_id == task.id
        ]
        return [after - before for before, after in pairwise([*created, *queried, self.outcome.ended])]


def _estimate_next_wait(waits: list[float]) -> float:
    # The run ended during the last wait. The growth of the waits before gives the estimate.
    *earlier, last = waits[:-1] or [0.0]
    if not earlier:
        return last
    return last * min(_STEEPEST, max(1.0, last / max(earlier[-1], 0.001)))
