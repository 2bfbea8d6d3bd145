"""A run in progress, and its free phases with read-only, invalid and generated requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import judge
from evolink_check.engine.run_duration import RunDuration, workload_of
from evolink_check.engine.run_plan import uses_schemathesis
from evolink_check.engine.task_pool import query_credits, run_parallel
from evolink_check.generation import boundary_cases
from evolink_check.generation.case import concerns
from evolink_check.rules import RULES
from evolink_check.traffic.trace import MAIN
from evolink_check.transport.target import OutOfTimeError, OverBudgetError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping

    from evolink_spec import Spec

    from evolink_check.engine.run_plan import RunPlan
    from evolink_check.fuzzing.schemathesis_check import SchemathesisFindings
    from evolink_check.generation.case import Case
    from evolink_check.generation.strategies import Strategy
    from evolink_check.settings import Effort, Subject
    from evolink_check.traffic.trace import Account, Entry
    from evolink_check.transport.target import Target

_RESERVED = "credits.reserved"
_FREE_SHARE = 0.5  # the share of the time limit for requests that create no task, if the run has a budget


def _ignore_result(case: Case, entry: Entry) -> None: ...


@dataclass(slots=True)
class Run:
    """A run in progress: its inputs, and the facts for the report."""

    plan: RunPlan
    target: Target
    stop: threading.Event
    report_progress: Callable[[str, int, int], None]  # phase, done, total
    accounts: Mapping[str, Account]
    notes: list[str] = field(default_factory=list)
    cut_short: str = ""  # why the run ended early
    watched_until: float = 0.0
    schemathesis: list[SchemathesisFindings] = field(default_factory=list)
    skipped: int = 0  # requests that were not sent because they could have cost too much
    _lock: Lock = field(default_factory=Lock)
    _refused: tuple[Case, ...] | None = None
    _strategies: tuple[Strategy, ...] | None = None
    _duration: RunDuration | None = None

    @property
    def subject(self) -> Subject:
        """The server to check."""
        return self.plan.subject

    @property
    def effort(self) -> Effort:
        """How thoroughly the server is tested."""
        return self.plan.effort

    @property
    def spec(self) -> Spec:
        """The specification against which the server is checked."""
        return self.plan.spec

    @property
    def duration(self) -> RunDuration:
        """The object that estimates the duration of the run. The object is created when it is first needed."""
        if self._duration is None:
            self._duration = RunDuration(
                workload_of(self.plan, self._invalid_creates(), len(self._free_strategies()))
            )
        return self._duration

    def path(self, entry: Entry) -> str:
        """Return the path of a recorded request, without the base URL and the query."""
        return entry.exchange.url.removeprefix(self.subject.url).partition("?")[0]

    def check_refused_create(self) -> None:
        """Query the credits before and after a create request that a server must reject.

        No other request may run at the same time. A change of the credits is then due to this request.
        """
        mine = [case for case in self._invalid_creates() if case.key == MAIN]
        if mine and (not self.effort.clauses or _RESERVED in self.effort.clauses):
            query_credits(self.target)
            self.target.send(mine[0])
            query_credits(self.target)

    def free(self) -> None:
        """Run the phases that need no budget. A correct server creates no task in these phases."""
        self.send_all("reads", boundary_cases.read_only_cases(self.spec, self.subject))
        self.send_all("invalid requests", self._invalid_creates())
        self.fuzz("generated requests", creates=False, examples=self.effort.examples)
        self.explore("Schemathesis")

    def _invalid_creates(self) -> tuple[Case, ...]:
        # generating the requests takes nearly half a second
        if self._refused is None:
            self._refused = boundary_cases.invalid_creates(self.spec, self.subject)
        return self._refused

    def _free_strategies(self) -> tuple[Strategy, ...]:
        if self._strategies is None:
            from evolink_check.generation import strategies

            made = strategies.free_strategies(self.spec, self.subject) if self.effort.examples else ()
            self._strategies = self._about(made)
        return self._strategies

    def _about(self, strategies: Iterable[Strategy]) -> tuple[Strategy, ...]:
        clauses = self.effort.clauses
        return tuple(each for each in strategies if not clauses or not clauses.isdisjoint(each.clauses))

    def send_all(self, phase: str, cases: Iterable[Case]) -> None:
        """Send the requests in `cases`, at most `effort.jobs` at the same time.

        If the user has selected clauses, requests for other clauses are left out.
        """
        chosen = [case for case in cases if concerns(case, self.effort.clauses)]
        count = self.progress_counter(phase, len(chosen))

        def send(case: Case) -> None:
            try:
                self.target.send(case)
            except OverBudgetError:
                self.skip()
            count()

        run_parallel([partial(send, case) for case in chosen], self.effort.jobs, self.stop)

    def fuzz(
        self,
        phase: str,
        *,
        creates: bool,
        examples: int,
        on_result: Callable[[Case, Entry], object] = _ignore_result,
    ) -> None:
        """Send generated requests, and search for the smallest request for each violation.

        `examples` is the number of requests for each strategy. If `creates` is true, the requests create tasks.
        `examples` is then the number for all strategies together.
        """
        from evolink_check.fuzzing import fuzzer
        from evolink_check.generation import strategies

        chosen = (
            self._about(strategies.paid_strategies(self.spec, self.subject))
            if creates
            else self._free_strategies()
        )
        if not chosen or not examples:
            return
        violations = fuzzer.violations_of(self.spec, self.plan.clauses, self.accounts, self.subject.url)
        effort = replace(self.effort, examples=max(1, examples // len(chosen)) if creates else examples)
        send = self._reporting_sender(phase, len(chosen) * effort.examples, on_result)
        results = fuzzer.fuzz(chosen, send, violations, effort, self._failed())
        self.target.in_time()  # if the time of the run is over, this raises the reason, so that it is reported once
        for reason, count in Counter(result.ended for result in results if result.ended).items():
            self.notes.append(f"{phase}: {count} of {len(chosen)} strategies ended early: {reason}")

    def explore(
        self, phase: str, *, creates: int = 0, on_result: Callable[[Case, Entry], object] = _ignore_result
    ) -> None:
        """Send the requests that Schemathesis generates. Together, these requests create at most `creates` tasks."""
        from evolink_check.fuzzing import fuzzer, schemathesis_check

        if not uses_schemathesis(self.effort, self.plan.wanted):
            return
        violations = fuzzer.violations_of(self.spec, self.plan.clauses, self.accounts, self.subject.url)
        send = self._reporting_sender(phase, 0, on_result)
        findings = schemathesis_check.run_schemathesis(
            self.spec, send, violations, self.effort, creates=creates
        )
        self.schemathesis.append(findings)
        self.target.in_time()
        if findings.ended:
            self.notes.append(f"{phase}: {findings.ended}")

    def _failed(self) -> frozenset[str]:
        trace = self.target.recorder.trace(self.subject, self.accounts)
        verdicts = judge(TraceView(trace, self.spec), self.plan.clauses, RULES)
        return frozenset(verdict.clause.id for verdict in verdicts if verdict.status == "failed")

    def _reporting_sender(
        self, phase: str, total: int, on_result: Callable[[Case, Entry], object] = _ignore_result
    ) -> Callable[[Case], Entry]:
        count = self.progress_counter(phase, total)
        # in a run with a budget, half of the time is kept for tasks
        share = _FREE_SHARE if self.effort.max_credits is not None else 0.0
        last = self.effort.seconds * share

        def send(case: Case) -> Entry:
            if not case.creates and self.target.left() < last:
                raise OutOfTimeError("half of the time is over, and the rest is needed for tasks")
            count()
            entry = self.target.send(case)
            on_result(case, entry)
            return entry

        return send

    def progress_counter(self, phase: str, total: int) -> Callable[[], None]:
        """Report that a phase begins. The caller must call the returned function after each request."""
        done = 0
        self.report_progress(phase, 0, total)

        def one_more() -> None:
            nonlocal done
            with self._lock:
                done += 1
                self.report_progress(phase, done, total)

        return one_more

    def skip(self) -> None:
        """Count a request that was not sent because it could have cost too much."""
        with self._lock:
            self.skipped += 1
