"""A run on its way, and its phases that are free: what is read, what is refused, what is drawn of both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import judge
from evolink_check.engine.task_pool import refusal, together
from evolink_check.generation import boundary_cases
from evolink_check.generation.case import concerns
from evolink_check.rules import RULES
from evolink_check.traffic.trace import MAIN
from evolink_check.transport.target import OutOfTimeError, OverBudgetError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Iterable, Mapping

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.fuzzing.schemathesis_findings import SchemathesisFindings
    from evolink_check.generation.case import Case
    from evolink_check.settings import Effort, Subject
    from evolink_check.traffic.trace import Account, Entry
    from evolink_check.transport.target import Target

_RESERVED = "credits.reserved"
_FREE_SHARE = 0.5  # of the time, for what is free, when there is something else to come
_ALONE = frozenset({"create", "query", "exchange", "credits"})  # where a clause shows in a single exchange


def _unseen(case: Case, entry: Entry) -> None:
    """Nobody else wants to know."""


def explores(effort: Effort, wanted: Collection[Clause]) -> bool:
    """Whether Schemathesis is asked: where anything is drawn, and a clause shows in a single exchange."""
    alone = not wanted or any(clause.observed.where in _ALONE for clause in wanted)
    return alone and effort.examples > 0


@dataclass(slots=True)
class Run:
    """One run on its way: what it needs, and what the report will say of it beside the trace."""

    subject: Subject
    effort: Effort
    spec: Spec
    clauses: tuple[Clause, ...]  # that are to be judged
    target: Target
    stop: threading.Event
    tell: Callable[[str, int, int], None]  # phase, done, total
    accounts: Mapping[str, Account]
    notes: list[str] = field(default_factory=list)
    cut_short: str = ""  # why it ended before its time
    watched_until: float = 0.0
    strange: list[SchemathesisFindings] = field(default_factory=list)
    skipped: int = 0  # requests that were not sent because of what they could have cost
    _lock: Lock = field(default_factory=Lock)
    _refused: tuple[Case, ...] | None = None

    @property
    def wanted(self) -> tuple[Clause, ...]:
        """The clauses that the run was asked for; none: all."""
        return self.clauses if self.effort.clauses else ()

    def path(self, entry: Entry) -> str:
        """The path of an exchange, below the base URL."""
        return entry.exchange.url.removeprefix(self.subject.url).partition("?")[0]

    def refusal(self) -> None:
        """One refused create between two looks at the credits: before anything else goes on."""
        mine = [case for case in self._negative() if case.key == MAIN]
        if mine and (not self.effort.clauses or _RESERVED in self.effort.clauses):
            refusal(self.target, mine[0])

    def free(self) -> None:
        """What a correct server makes no task of."""
        self.send_all("what is read", boundary_cases.read_only_cases(self.spec, self.subject))
        self.send_all("what is refused", self._negative())
        self.fuzz("drawn requests", creates=False, examples=self.effort.examples)
        self.explore("Schemathesis")

    def _negative(self) -> tuple[Case, ...]:
        """What is refused, made once: it takes nearly half a second."""
        if self._refused is None:
            self._refused = boundary_cases.invalid_creates(self.spec, self.subject)
        return self._refused

    def send_all(self, phase: str, cases: Iterable[Case]) -> None:
        """Send every case that speaks of a wanted clause, as many at a time as there are jobs."""
        chosen = [case for case in cases if concerns(case, self.effort.clauses)]
        told = self.counting(phase, len(chosen))

        def send(case: Case) -> None:
            try:
                self.target.send(case)
            except OverBudgetError:
                self.skip()
            told()

        together([partial(send, case) for case in chosen], self.effort.jobs, self.stop)

    def fuzz(
        self, phase: str, *, creates: bool, examples: int, seen: Callable[[Case, Entry], object] = _unseen
    ) -> None:
        """Strategies, until each has had its examples or has found the smallest request that breaks something."""
        from evolink_check.fuzzing import fuzzer
        from evolink_check.generation import strategies as drawing

        draw = drawing.paid_strategies if creates else drawing.free_strategies
        chosen = [
            one
            for one in draw(self.spec, self.subject)
            if not self.effort.clauses or not self.effort.clauses.isdisjoint(one.clauses)
        ]
        if not chosen or not examples:
            return
        violations = fuzzer.violations_of(self.spec, self.clauses, self.accounts, self.subject.url)
        effort = replace(self.effort, examples=max(1, examples // len(chosen)) if creates else examples)
        send = self._sending(phase, len(chosen) * effort.examples, seen)
        results = fuzzer.fuzz(chosen, send, violations, effort, self._failed())
        self.target.in_time()  # else all of them have ended for the same reason, which is the run's
        for reason, count in Counter(result.ended for result in results if result.ended).items():
            self.notes.append(f"{phase}: {count} of {len(chosen)} strategies ended early: {reason}")

    def explore(
        self, phase: str, *, creates: int = 0, seen: Callable[[Case, Entry], object] = _unseen
    ) -> None:
        """What Schemathesis makes of the documents: what makes no task, or that which makes so many."""
        from evolink_check.fuzzing import fuzzer, schemathesis_findings

        if not explores(self.effort, self.wanted):
            return
        violations = fuzzer.violations_of(self.spec, self.clauses, self.accounts, self.subject.url)
        send = self._sending(phase, 0, seen)
        found = schemathesis_findings.run_schemathesis(
            self.spec, send, violations, self.effort, creates=creates
        )
        self.strange.append(found)
        self.target.in_time()
        if found.ended:
            self.notes.append(f"{phase}: {found.ended}")

    def _failed(self) -> frozenset[str]:
        """The clauses that failed by what was seen until now."""
        trace = self.target.recorder.trace(self.subject, self.accounts)
        verdicts = judge(TraceView(trace, self.spec), self.clauses, RULES)
        return frozenset(verdict.clause.id for verdict in verdicts if verdict.status == "failed")

    def _sending(
        self, phase: str, total: int, seen: Callable[[Case, Entry], object] = _unseen
    ) -> Callable[[Case], Entry]:
        """`Target.send`, counted, and with an end in time when the paid phases are still to come."""
        told = self.counting(phase, total)
        share = _FREE_SHARE if self.effort.max_credits is not None else 0.0
        last = self.effort.seconds * share

        def send(case: Case) -> Entry:
            if not case.creates and self.target.left() < last:
                raise OutOfTimeError("half of the time is over, and the tasks are still to come")
            told()
            entry = self.target.send(case)
            seen(case, entry)
            return entry

        return send

    def counting(self, phase: str, total: int) -> Callable[[], None]:
        """Tell of a phase; what is returned is called for each thing that is done in it."""
        done = 0
        self.tell(phase, 0, total)

        def one_more() -> None:
            nonlocal done
            with self._lock:
                done += 1
                self.tell(phase, done, total)

        return one_more

    def skip(self) -> None:
        """Count a request that was not sent because of what it could have cost."""
        with self._lock:
            self.skipped += 1
