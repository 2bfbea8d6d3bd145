"""Estimate the duration of a run from the remaining work and the speed so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.engine.task_plan import delivery_wait_seconds, rules_of
from evolink_check.generation import boundary_cases
from evolink_check.generation.case import concerns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_check.engine.run_plan import RunPlan
    from evolink_check.generation.case import Case

FAILING, TASKS, CALLBACKS = "a failing task", "tasks", "callbacks"  # phases that wait for the server
_WAITING = frozenset({FAILING, TASKS, CALLBACKS})
_SCHEMATHESIS = 165  # requests that Schemathesis usually sends
_QUERIES = 12  # queries that a task usually takes
_USUAL = 60.0  # seconds of a task if the server gives no estimate
_REQUEST = 0.02  # seconds of a request, until the pace has been measured


@dataclass(frozen=True, slots=True)
class Workload:
    """The work of a run, from which its duration is estimated."""

    requests: int  # the number of requests to send
    tasks_in_a_row: int  # the number of tasks that are followed one after the other
    callback_seconds: float  # the expected time to wait for callbacks, in real seconds
    scale: float = 1.0  # how many seconds pass on the server in one real second
    limit: float = 120.0  # the maximum duration of the run, in seconds
    longest_task: float = 60.0  # the maximum time to wait for one task, in seconds

    def task_seconds(self, estimated: float) -> float:
        """Return the expected duration of one task in real seconds.

        `estimated` is the task's estimated time on the server's clock; 0 if unknown.
        """
        return min(self.longest_task, (estimated or _USUAL) / self.scale)

    def waiting_seconds(self, estimated: float) -> float:
        """Return how many real seconds the run will wait for tasks and callbacks.

        `estimated` is a task's estimated time on the server's clock; 0 if unknown.
        """
        return self.tasks_in_a_row * self.task_seconds(estimated) + self.callback_seconds


def workload_of(plan: RunPlan, invalid: Iterable[Case], strategies: int) -> Workload:
    """Return the work of a planned run.

    `invalid` are the run's create requests that a server must reject. `strategies` is the number of the Hypothesis
    strategies that create no task.
    """
    effort, subject = plan.effort, plan.subject
    fixed = (*boundary_cases.read_only_cases(plan.spec, subject), *invalid, *plan.risky)
    requests = sum(concerns(case, effort.clauses) for case in fixed)
    requests += strategies * effort.examples + (_SCHEMATHESIS if effort.examples else 0)
    requests += _QUERIES * len(plan.tasks)
    rules = rules_of(plan.spec, plan.tasks[0].case) if plan.tasks and subject.callback_url else None
    waits = (
        [delivery_wait_seconds(rules, count, subject.scale) for count in range(len(rules.retries) + 2)]
        if rules
        else []
    )
    return Workload(
        requests,
        (len(plan.tasks) > 0) + (bool(subject.failing) and len(plan.tasks) > 1),
        sum(waits),
        subject.scale,
        effort.seconds,
        effort.task_seconds,
    )


class RunDuration:
    """The expected duration of a run in progress."""

    def __init__(self, work: Workload) -> None:
        self._work = work
        self._phase = ""
        self._last: float | None = None
        self._busy = self._waited = 0.0  # seconds in phases that send requests, and in phases that wait
        self._sent = self._before = 0  # requests sent so far, and before the first phase

    def expected(self, phase: str, elapsed: float, sent: int, estimated: float) -> float:
        """Return the expected duration of the whole run in seconds.

        `phase` is the current phase. `elapsed` is the time since the start of the run in seconds. `sent` is the number
        of requests so far. `estimated` is a task's estimated time on the server's clock; 0 if unknown.
        """
        if self._last is None:  # the time before the first call was spent on starting
            self._last, self._sent, self._before = elapsed, sent, sent
        passed = max(0.0, elapsed - self._last)
        if self._phase in _WAITING:
            self._waited += passed
        else:
            self._busy, self._sent = self._busy + passed, sent
        self._phase, self._last = phase, max(elapsed, self._last)
        measured = self._sent - self._before
        pace = self._busy / measured if measured else _REQUEST
        left = pace * max(0, self._work.requests - sent)
        waiting = max(0.0, self._work.waiting_seconds(estimated) - self._waited)
        return max(elapsed, min(elapsed + left + waiting, self._work.limit))
