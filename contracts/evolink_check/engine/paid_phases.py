"""The paid phases of a run, which cost credits. These phases test tasks, callbacks and result links.

evolink-check refuses some callbacks on purpose. The free phases run while the server repeats these callbacks.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.engine.preflight import CouldNotRunError
from evolink_check.engine.run_duration import CALLBACKS, FAILING, TASKS
from evolink_check.engine.run_plan import FUZZED_TASKS, SCHEMATHESIS_TASKS
from evolink_check.engine.task_plan import FAILS, rules_of, with_callback_urls
from evolink_check.engine.task_pool import TaskPool, on_delivery, query_credits
from evolink_check.generation.case import concerns
from evolink_check.traffic.trace import MAIN
from evolink_check.transport.callback_receiver import CallbackReceiver
from evolink_check.transport.target import OverBudgetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evolink_check.engine.phases import Run
    from evolink_check.engine.task_plan import PlannedTask
    from evolink_check.generation.case import Case


class ListenError(CouldNotRunError):
    """The callback receiver cannot listen on its address. The message says why."""


def run_paid_phases(run: Run) -> None:
    """Run all phases of a run with a budget, including the free phases."""
    run.check_refused_create()
    with ExitStack() as stack:
        receiver = open_receiver(run, stack)
        pool = TaskPool(run.target, run.spec, run.effort.task_seconds, run.effort.seed, run.stop)
        tasks = with_callback_urls(
            run.plan.tasks, run.spec, receiver.address if receiver is not None else None
        )
        try:
            PaidPhases(run, pool, receiver).create_tasks(tasks)
        finally:
            run.watched_until = end_of_watch(run, receiver)
            if pool.not_created:
                run.notes.append(
                    f"{pool.not_created} of {len(tasks)} tasks were not created, because no budget was left for them"
                )
    if run.subject.advance_url and pool.tasks:
        run.report_progress("result links after a day", 0, 0)
        pool.check_link_expiry(run.subject.advance_url)


@dataclass(frozen=True, slots=True)
class PaidPhases:
    """Creates and follows the tasks of a run. `receiver` is None if callbacks are not watched."""

    run: Run
    pool: TaskPool
    receiver: CallbackReceiver | None

    def create_tasks(self, tasks: Sequence[PlannedTask]) -> None:
        """Create and follow `tasks`, which are sorted by priority, and run the free phases.

        Requests without the main API key are sent, too. A correct server rejects these requests. Unusual and generated
        create requests are also sent. The server may create tasks for these requests, too. These tasks cost credits. A
        small budget is used for `tasks` first.
        """
        run, pool = self.run, self.pool
        uncertain = [case for case in run.plan.risky if case.key == MAIN]
        plenty = run.target.affords >= len(tasks) + len(uncertain) // 2 + run.plan.extra_tasks
        calling = plenty and any(task.address for task in tasks)
        if not calling:
            run.free()
        rest = self._follow_failing(tasks)
        early = _tasks_during_free_phases(rest) if calling else ()
        with pool.follow_meanwhile(early):
            if calling:
                run.free()
            self._send_risky([case for case in run.plan.risky if case.key != MAIN])
            if plenty:
                self._create_extra(uncertain, tasks)
            others = [task for task in rest if task not in early]
            pool.follow_all(others, run.progress_counter(TASKS, len(others)))
            if not plenty:
                self._create_extra(uncertain, tasks)
            pool.follow_adopted()
        pool.query_finished_task()  # the server may still be retrying callbacks, which change no credits
        self._await_callbacks()

    def _follow_failing(self, tasks: Sequence[PlannedTask]) -> Sequence[PlannedTask]:
        # this task runs alone, so that a change of the credits is due to it
        failing = [task for task in tasks[:1] if task.case.name.startswith(FAILS)]
        for task in failing:
            self.run.report_progress(FAILING, 0, 0)
            self.pool.follow_alone(task)
        return tasks[len(failing) :]

    def _create_extra(self, uncertain: Iterable[Case], planned: Sequence[PlannedTask]) -> None:
        self._send_risky(uncertain)
        run, adopt = self.run, self.pool.adopt
        if number := min(FUZZED_TASKS, run.target.affords):
            run.fuzz("generated tasks", creates=True, examples=number, on_result=adopt)
        if planned and (number := min(SCHEMATHESIS_TASKS, run.target.affords)):
            run.explore("tasks of Schemathesis", creates=number, on_result=adopt)

    def _await_callbacks(self) -> None:
        called = [task.planned.case for task in self.pool.tasks if task.planned.address]
        rules = rules_of(self.run.spec, called[0]) if called else None
        if self.receiver is not None and rules is not None:
            self.run.report_progress(CALLBACKS, 0, 0)
            self.pool.await_callbacks(self.receiver, rules)

    def _send_risky(self, risky: Iterable[Case]) -> None:
        target = self.run.target
        cases = [case for case in risky if concerns(case, self.run.effort.clauses)]
        count = self.run.progress_counter("refusable requests", len(cases))
        for case in cases:
            key = self.run.subject.keys.get(case.key)
            # an account without credits must have the same credits before and after the request
            poor = key is not None and key.account.credits is False
            try:
                if poor:
                    query_credits(target, case.key)
                self.pool.adopt(case, target.send(case))
                if poor:
                    query_credits(target, case.key)
            except OverBudgetError:
                self.run.skip()
            count()


def end_of_watch(run: Run, receiver: CallbackReceiver | None) -> float:
    """Return the end of the time in which callbacks were watched, in Unix seconds.

    Returns 0 if there was no receiver. Returns 0 if it is unknown whether callbacks could reach the receiver.
    """
    if receiver is None:
        return 0.0
    if not run.subject.callback_trust or receiver.received:
        return receiver.now()
    run.notes.append(
        f"callbacks were not watched: nothing arrived at all at {run.subject.callback_url}, which was trusted to lead"
        " to our receiver"
    )
    return 0.0


def _tasks_during_free_phases(tasks: Sequence[PlannedTask]) -> Sequence[PlannedTask]:
    # all tasks with a callback URL, and one without
    silent = [task for task in tasks if not task.address]
    return [*(task for task in tasks if task.address), *silent[:1]]


def open_receiver(run: Run, stack: ExitStack) -> CallbackReceiver | None:
    """Start the callback receiver; return None if callbacks cannot be watched.

    Returns None if no receiver is configured. Returns None if a test request to the public URL does not reach the
    receiver. If `Subject.callback_trust` is true, no test request is sent. Raises `ListenError` if the receiver cannot
    listen on its address.
    """
    subject, target = run.subject, run.target
    if not subject.callback_url or subject.callback_listen is None:
        return None
    receiver = CallbackReceiver(
        target.recorder, subject.callback_listen, subject.callback_url, on_delivery(target)
    )
    try:
        stack.enter_context(receiver)
    except OSError as error:
        host, port = subject.callback_listen
        raise ListenError(f"cannot listen on {host}:{port} for callbacks: {error.strerror}") from error
    if subject.callback_trust:
        return receiver
    entry = target.fetch_external(receiver.probe_url, "our own receiver")
    if receiver.is_ours(entry.exchange.response_headers):
        return receiver
    why = entry.problem or f"status {entry.exchange.status}"
    run.notes.append(
        f"callbacks were not watched: {subject.callback_url} does not lead to our receiver ({why})"
    )
    return None
