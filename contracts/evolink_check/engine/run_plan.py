"""The plan of a run: the tasks to create, and their maximum cost. Making the plan sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evolink_check.engine.task_plan import planned_tasks
from evolink_check.generation import boundary_cases
from evolink_check.generation.case import VALID, concerns
from evolink_check.transport.budget import documented_price

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.engine.task_plan import PlannedTask
    from evolink_check.generation.case import Case
    from evolink_check.settings import Effort, Subject

FUZZED_TASKS = 4  # the maximum number of tasks that generated requests create
SCHEMATHESIS_TASKS = 4  # the maximum number of tasks that Schemathesis creates, three of them to follow links
_SINGLE = frozenset(
    {"create", "query", "exchange", "credits"}
)  # where a clause can be observed in a single exchange


@dataclass(frozen=True, slots=True)
class Estimate:
    """The maximum number of tasks of a run, and their documented cost."""

    tasks: int
    credits: float


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The plan of a run, which is made before any request is sent.

    `clauses` are the clauses to judge. `tasks` are the tasks to create, sorted by priority. `risky` are further
    create requests. A correct server must reject some requests in `risky`, and may accept the rest. Each accepted
    request creates a task, which costs credits.
    """

    subject: Subject
    effort: Effort
    spec: Spec
    clauses: tuple[Clause, ...]
    tasks: tuple[PlannedTask, ...]
    risky: tuple[Case, ...]
    estimate: Estimate

    @property
    def wanted(self) -> tuple[Clause, ...]:
        """The clauses that the user selected with --clause. If the user selected none, the result is empty."""
        return self.clauses if self.effort.clauses else ()

    @property
    def extra_tasks(self) -> int:
        """The maximum number of tasks that are created in addition to the planned tasks."""
        return _extra_tasks(self.effort, self.wanted, len(self.tasks))


def plan_run(subject: Subject, effort: Effort, spec: Spec, clauses: Iterable[Clause]) -> RunPlan:
    """Plan a run of `evolink-check api`, which judges the clauses about servers.

    If the budget (`effort.max_credits`) is 0 or None, no tasks are planned.
    """
    effort = effort if effort.max_credits else replace(effort, max_credits=None)
    judged = tuple(
        clause
        for clause in clauses
        if clause.binds == "server" and (not effort.clauses or clause.id in effort.clauses)
    )
    wanted = judged if effort.clauses else ()
    if effort.max_credits is None:
        return RunPlan(subject, effort, spec, judged, (), (), Estimate(0, 0.0))
    creating = boundary_cases.valid_creates(spec, subject, effort.seed)
    tasks = planned_tasks(spec, subject, creating, wanted, callbacks=bool(subject.callback_url))
    risky = boundary_cases.risky_creates(spec, subject)
    concerned = sum(concerns(case, effort.clauses) for case in risky)
    most = len(tasks) + concerned + _extra_tasks(effort, wanted, len(tasks))
    price = documented_price(spec)
    affordable = int(effort.max_credits // price) if price else effort.tasks
    number = min(most, effort.tasks, affordable)
    estimate = Estimate(number, number * price)
    return RunPlan(subject, effort, spec, judged, tasks[: effort.tasks], tuple(risky), estimate)


def uses_schemathesis(effort: Effort, wanted: Collection[Clause]) -> bool:
    """Whether a run uses Schemathesis.

    The result is False if `effort.examples` is 0. Schemathesis can judge clauses that a single exchange confirms or
    violates. The result is False if `wanted` contains no clause of this kind. An empty `wanted` means all clauses.
    """
    single = not wanted or any(clause.observed.where in _SINGLE for clause in wanted)
    return single and effort.examples > 0


def _extra_tasks(effort: Effort, wanted: Collection[Clause], planned: int) -> int:
    fuzzed = FUZZED_TASKS if not wanted or not effort.clauses.isdisjoint(VALID) else 0
    return fuzzed + (SCHEMATHESIS_TASKS if planned and uses_schemathesis(effort, wanted) else 0)
