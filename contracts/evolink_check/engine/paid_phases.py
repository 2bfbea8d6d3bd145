"""The phases of a run that cost credits: tasks, their lives and their callbacks, and last what takes the clock along.

What a server makes no task of is tried in between: while it is, callbacks that are refused on purpose come again, and
what has to be waited for is over sooner.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.engine.phases import explores
from evolink_check.engine.task_plan import FAILS, planned_tasks, rules_of
from evolink_check.engine.task_pool import TaskPool, balance, on_delivery
from evolink_check.generation import boundary_cases
from evolink_check.generation.case import VALID, concerns
from evolink_check.traffic.trace import MAIN
from evolink_check.transport.callback_receiver import CallbackReceiver
from evolink_check.transport.target import OverBudgetError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from evolink_spec.clauses import Clause

    from evolink_check.engine.phases import Run
    from evolink_check.engine.task_plan import PlannedTask
    from evolink_check.generation.case import Case
    from evolink_check.settings import Effort

DRAWN = 4  # tasks made of drawn requests, behind the tabled ones
STRANGE = 4  # tasks that Schemathesis makes, three of them to follow the documents' links


class ListenError(Exception):
    """The address for callbacks cannot be had; the text says why."""


def extras(effort: Effort, wanted: Collection[Clause], planned: int) -> int:
    """How many tasks may be made beside those that are planned. `wanted`: for these clauses only; none: for all."""
    drawn = DRAWN if not wanted or not effort.clauses.isdisjoint(VALID) else 0
    return drawn + (STRANGE if planned and explores(effort, wanted) else 0)


def everything(run: Run) -> None:
    """All phases of a run with a budget, the free ones among them."""
    run.refusal()
    with ExitStack() as ending:
        receiver = _receiver(run, ending)
        living = TaskPool(run.target, run.spec, run.effort.task_seconds, run.effort.seed, run.stop)
        spending = PaidPhases(run, living, receiver)
        work = spending.planned_tasks()
        try:
            spending.make(work)
        finally:
            run.watched_until = receiver.now() if receiver is not None else 0.0
            if living.unmade:
                run.notes.append(f"{living.unmade} of {len(work)} tasks were not made: no budget for them")
    if run.subject.advance_url and living.lives:
        run.tell("links, a day later", 0, 0)
        living.outlive(run.subject.advance_url)


@dataclass(frozen=True, slots=True)
class PaidPhases:
    """Makes the tasks of a run."""

    run: Run
    living: TaskPool
    receiver: CallbackReceiver | None

    def planned_tasks(self) -> tuple[PlannedTask, ...]:
        """The tasks to make."""
        run = self.run
        creating = boundary_cases.valid_creates(run.spec, run.subject, run.effort.seed)
        address = self.receiver.address if self.receiver is not None else None
        return planned_tasks(run.spec, run.subject, creating, address, run.wanted)[: run.effort.tasks]

    def make(self, work: Sequence[PlannedTask]) -> None:
        """All tasks, in the order in which a small budget is best spent, and whatever is free.

        What only a careless server makes a task of is sent before most of them; what a careful one may make one of,
        beside the others when there is enough for everything, and else behind them.
        """
        guarded = boundary_cases.risky_creates(self.run.spec, self.run.subject)
        debatable = [case for case in guarded if case.key == MAIN]
        more = extras(self.run.effort, self.run.wanted, len(work))
        plenty = self.run.target.affords >= len(work) + len(debatable) // 2 + more
        calling = plenty and any(one.address for one in work)
        if not calling:
            self.run.free()
        rest = self._lonely(work)
        early = _watched(rest) if calling else ()
        with self.living.beside(early):
            if calling:
                self.run.free()
            self._guarded([case for case in guarded if case.key != MAIN])
            if plenty:
                self._extra(debatable, work)
            others = [one for one in rest if one not in early]
            self.living.all(others, self.run.counting("tasks", len(others)))
            if not plenty:
                self._extra(debatable, work)
            self.living.finish()
        self._callbacks()
        self.living.last_look()

    def _lonely(self, work: Sequence[PlannedTask]) -> Sequence[PlannedTask]:
        """The task that has to be alone, to its end; the others."""
        lonely = [one for one in work[:1] if one.case.name.startswith(FAILS)]
        for one in lonely:
            self.run.tell("a task that fails", 0, 0)
            self.living.alone(one)
        return work[len(lonely) :]

    def _extra(self, debatable: Iterable[Case], planned: Sequence[PlannedTask]) -> None:
        """Requests that a correct server may refuse, and what others than our tables think of, for a few more tasks."""
        self._guarded(debatable)
        run, adopt = self.run, self.living.adopt
        if number := min(DRAWN, run.target.affords):
            run.fuzz("drawn tasks", creates=True, examples=number, seen=adopt)
        if planned and (number := min(STRANGE, run.target.affords)):
            run.explore("Schemathesis's tasks", creates=number, seen=adopt)

    def _callbacks(self) -> None:
        called = [life.errand.case for life in self.living.lives if life.errand.address]
        rules = rules_of(self.run.spec, called[0]) if called else None
        if self.receiver is not None and rules is not None:
            self.run.tell("callbacks", 0, 0)
            self.living.await_callbacks(self.receiver, rules)

    def _guarded(self, guarded: Iterable[Case]) -> None:
        """One after the other, with the credits of whoever has none before and after."""
        target = self.run.target
        cases = [case for case in guarded if concerns(case, self.run.effort.clauses)]
        told = self.run.counting("what may be refused", len(cases))
        for case in cases:
            key = self.run.subject.keys.get(case.key)
            poor = key is not None and key.account.credits is False
            try:
                if poor:
                    balance(target, case.key)
                self.living.adopt(case, target.send(case))
                if poor:
                    balance(target, case.key)
            except OverBudgetError:
                self.run.skip()
            told()


def _watched(work: Sequence[PlannedTask]) -> Sequence[PlannedTask]:
    """Those that call back, and one that must not: both take a while to be sure of."""
    silent = [one for one in work if not one.address]
    return [*(one for one in work if one.address), *silent[:1]]


def _receiver(run: Run, ending: ExitStack) -> CallbackReceiver | None:
    """Our receiver, when it is reached under its public address; callbacks are not watched otherwise."""
    subject, target = run.subject, run.target
    if not subject.callback_url or subject.callback_listen is None:
        return None
    receiver = CallbackReceiver(
        target.recorder, subject.callback_listen, subject.callback_url, on_delivery(target)
    )
    try:
        ending.enter_context(receiver)
    except OSError as error:
        host, port = subject.callback_listen
        raise ListenError(f"cannot listen on {host}:{port} for callbacks: {error.strerror}") from error
    entry = target.visit(receiver.probe_url, "our own receiver")
    if receiver.is_ours(entry.exchange.response_headers):
        return receiver
    why = entry.problem or f"it answered {entry.exchange.status}"
    run.notes.append(f"callbacks were not watched: {subject.callback_url} does not lead to us ({why})")
    return None
