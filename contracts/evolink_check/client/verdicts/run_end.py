"""A run of a client with what it was told last: what there is to say of its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import results_of
from evolink_check.client.harness.outcome import describe_crash
from evolink_check.rules.clients.activity import asks, equal_requests, failure_of, fetches, legible

if TYPE_CHECKING:
    from evolink_check.analysis.observations import Observation, TaskRecord
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.client.harness.outcome import Outcome
    from evolink_check.client.harness.scenarios import Scenario

PATIENCE = 60.0  # seconds that a client waits for a task at least, when it does not say
_EARLY = 0.8  # of its patience
_STEEPEST = 4.0  # times as long as the wait before: no wait is said to grow faster


@dataclass(frozen=True)
class RunEnd:
    """A run, with what the client was told last."""

    reading: TraceView
    outcome: Outcome
    scenario: Scenario

    @cached_property
    def asked(self) -> tuple[Observation, ...]:
        """Every request to the API, answered or not."""
        return asks(self.reading, "create", "query", "credits", "other path", "other method")

    @cached_property
    def last(self) -> Observation | None:
        """The last of them that is no fetch."""
        fetched = {one.number for one in fetches(self.reading)}
        return next((one for one in reversed(self.asked) if one.number not in fetched), None)

    @cached_property
    def completed(self) -> Observation | None:
        """The first answer or delivery that says completed."""
        word = self.reading.spec.query.statuses.success
        return next((one for one in self._told if one.body.get("status") == word), None)

    @cached_property
    def failed(self) -> Observation | None:
        """The last answer or delivery that says failed."""
        return next((one for one in reversed(self._told) if failure_of(one, self.reading) is not None), None)

    @property
    def _told(self) -> list[Observation]:
        return [
            one
            for one in self.reading.seen
            if one.role == "delivery" or (one.role == "query" and one.succeeded)
        ]

    @cached_property
    def crash(self) -> str:
        """How it crashed, if it did."""
        return describe_crash(self.outcome)

    @cached_property
    def links(self) -> list[str]:
        """The results that it was told of."""
        return results_of(self.completed.body) if self.completed else []

    @cached_property
    def fetched(self) -> tuple[Observation, ...]:
        """Its fetches of results."""
        return fetches(self.reading)

    @property
    def never_asked(self) -> bool:
        """Whether it was told of a task, and sent no query at all."""
        return bool(self.reading.tasks) and not any(one.role == "query" for one in self.asked)

    @property
    def evidence(self) -> tuple[int, ...]:
        """The entry after which it ended."""
        return (self.last.number,) if self.last else ()

    @property
    def was_shown(self) -> bool:
        """Whether there is nothing but a success to report: every task was made, and a query said completed.

        A callback alone is no proof, and who makes several tasks may call it a failure that one was not made.
        """
        word = self.reading.spec.query.statuses.success
        made = all(group[-1].task_id and legible(group[-1]) for group in equal_requests(self.reading, "create"))
        return made and any(one.role == "query" and one.body.get("status") == word for one in self._told)

    @property
    def is_early(self) -> bool:
        """Whether it ended long before its patience was due, and nobody had told it of an end.

        Who would have slept past its deadline may as well end before.
        """
        story = next((one for one in self.reading.tasks.values() if one.create), None)
        if self.outcome.end != "failure" or story is None or self.completed or self.failed:
            return False
        waits = self._waits(story)
        return sum(waits) + _next(waits) < _EARLY * (self.outcome.patience or PATIENCE)

    def _waits(self, story: TaskRecord) -> list[float]:
        """The seconds from the create to the first query, from that to the next, and so on, until the end."""
        made = [story.create.entry.ended] if story.create else []
        asked = [one.entry.began for one in self.asked if one.role == "query" and one.task_id == story.id]
        return [after - before for before, after in pairwise([*made, *asked, self.outcome.ended])]


def _next(waits: list[float]) -> float:
    """The wait that would have come next, as they have grown so far. The last of them was cut short by the end."""
    *earlier, last = waits[:-1] or [0.0]
    if not earlier:
        return last
    return last * min(_STEEPEST, max(1.0, last / max(earlier[-1], 0.001)))
