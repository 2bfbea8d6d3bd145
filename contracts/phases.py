"""The phases of a run, in order: what is free first, then what costs credits, and the clock last."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from contracts import tables
from contracts.cases import MAIN, speaks
from contracts.errands import FAILS, errands, rules_of
from contracts.judging import judge
from contracts.living import Living, balance, on_delivery, refusal, together
from contracts.reading import Reading
from contracts.receiver import Receiver
from contracts.rules import SERVER
from contracts.target import OutOfTime, OverBudget

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from contracts.cases import Case
    from contracts.errands import Errand
    from contracts.stranger import Strange
    from contracts.subject import Effort, Subject
    from contracts.target import Target
    from contracts.trace import Account, Entry
    from spec import Spec
    from spec.clauses import Clause

DRAWN = 4  # tasks made of drawn requests, behind the tabled ones
_RESERVED = "credits.reserved"
_FREE_SHARE = 0.5  # of the time, for what is free, when there is something else to come
_ALONE = frozenset({"create", "query", "exchange", "credits"})  # where a clause shows in a single exchange


class CannotListen(Exception):  # noqa: N818  (what happened, in the words of the report)
    """The address for callbacks cannot be had; the text says why."""


def _unseen(case: Case, entry: Entry) -> None:
    """Nobody else wants to know."""


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
    watched_until: float = 0.0
    strange: Strange | None = None
    skipped: int = 0  # requests that were not sent because of what they could have cost
    _lock: Lock = field(default_factory=Lock)

    @property
    def wanted(self) -> tuple[Clause, ...]:
        """The clauses that the run was asked for; none: all."""
        return self.clauses if self.effort.clauses else ()

    def path(self, entry: Entry) -> str:
        """The path of an exchange, below the base URL."""
        return entry.exchange.url.removeprefix(self.subject.url).partition("?")[0]

    def free(self) -> None:
        """What a correct server makes no task of."""
        negative = tables.negative_cases(self.spec, self.subject)
        mine = [case for case in negative if case.key == MAIN]
        if mine and (not self.effort.clauses or _RESERVED in self.effort.clauses):
            refusal(self.target, mine[0])
        self.send_all("what is read", tables.read_only_cases(self.spec, self.subject))
        self.send_all("what is refused", negative)
        self._fuzz("drawn requests", creates=False, examples=self.effort.examples)
        alone = not self.wanted or any(clause.observed.where in _ALONE for clause in self.wanted)
        if alone and self.effort.examples:
            self._explore()

    def paid(self) -> None:
        """Tasks, their lives and their callbacks, and last what takes the clock along.

        What only a careless server makes a task of is sent before most of them, what a careful one may make one of
        when there is enough for it.
        """
        guarded = tables.guarded_cases(self.spec, self.subject)
        with ExitStack() as ending:
            receiver = self._receiver(ending)
            work = self.errands(receiver)
            living = Living(self.target, self.spec, self.effort.task_seconds, self.effort.seed, self.stop)
            try:
                rest = self._lonely(living, work)
                self._guarded(living, [case for case in guarded if case.key != MAIN])
                debatable = [case for case in guarded if case.key == MAIN]
                # With enough for most of it, they live beside the others, and the run is over sooner.
                if self.target.affords >= len(rest) + len(debatable) // 2 + DRAWN:
                    self._extra(living, debatable)
                    living.all(rest, self._counting("tasks", len(rest)))
                else:
                    living.all(rest, self._counting("tasks", len(rest)))
                    self._extra(living, debatable)
                living.finish()
                self._callbacks(living, receiver)
                living.last_look()
            finally:
                self.watched_until = receiver.now() if receiver is not None else 0.0
                if living.unmade:
                    self.notes.append(
                        f"{living.unmade} of {len(work)} tasks were not made: no budget for them"
                    )
        if self.subject.advance_url and living.lives:
            self.tell("links, a day later", 0, 0)
            living.outlive(self.subject.advance_url)

    def errands(self, receiver: Receiver | None) -> tuple[Errand, ...]:
        """The tasks to make."""
        creating = tables.creating_cases(self.spec, self.subject, self.effort.seed)
        address = receiver.address if receiver is not None else None
        return errands(self.spec, self.subject, creating, address, self.wanted)[: self.effort.tasks]

    def send_all(self, phase: str, cases: Iterable[Case]) -> None:
        """Send every case that speaks of a wanted clause, as many at a time as there are jobs."""
        chosen = [case for case in cases if speaks(case, self.effort.clauses)]
        told = self._counting(phase, len(chosen))

        def send(case: Case) -> None:
            try:
                self.target.send(case)
            except OverBudget:
                self._skip()
            told()

        together([partial(send, case) for case in chosen], self.effort.jobs, self.stop)

    def _lonely(self, living: Living, work: Sequence[Errand]) -> Sequence[Errand]:
        """The task that has to be alone, to its end; the others."""
        lonely = [one for one in work[:1] if one.case.name.startswith(FAILS)]
        for one in lonely:
            self.tell("a task that fails", 0, 0)
            living.alone(one)
        return work[len(lonely) :]

    def _extra(self, living: Living, debatable: Iterable[Case]) -> None:
        """Requests that a correct server may refuse, and drawn ones, for a few more tasks."""
        self._guarded(living, debatable)
        if number := min(DRAWN, self.target.affords):
            self._fuzz("drawn tasks", creates=True, examples=number, seen=living.adopt)

    def _callbacks(self, living: Living, receiver: Receiver | None) -> None:
        called = [life.errand.case for life in living.lives if life.errand.address]
        rules = rules_of(self.spec, called[0]) if called else None
        if receiver is not None and rules is not None:
            self.tell("callbacks", 0, 0)
            living.await_callbacks(receiver, rules)

    def _guarded(self, living: Living, guarded: Iterable[Case]) -> None:
        """One after the other, with the credits of whoever has none before and after."""
        cases = [case for case in guarded if speaks(case, self.effort.clauses)]
        told = self._counting("what may be refused", len(cases))
        for case in cases:
            key = self.subject.keys.get(case.key)
            poor = key is not None and key.account.credits is False
            try:
                if poor:
                    balance(self.target, case.key)
                living.adopt(case, self.target.send(case))
                if poor:
                    balance(self.target, case.key)
            except OverBudget:
                self._skip()
            told()

    def _receiver(self, ending: ExitStack) -> Receiver | None:
        """Our receiver, when it is reached under its public address; callbacks are not watched otherwise."""
        subject = self.subject
        if not subject.callback_url or subject.callback_listen is None:
            return None
        receiver = Receiver(
            self.target.recorder, subject.callback_listen, subject.callback_url, on_delivery(self.target)
        )
        try:
            ending.enter_context(receiver)
        except OSError as error:
            host, port = subject.callback_listen
            raise CannotListen(f"cannot listen on {host}:{port} for callbacks: {error.strerror}") from error
        entry = self.target.visit(receiver.sign, "our own receiver")
        if receiver.is_ours(entry.exchange.response_headers):
            return receiver
        why = entry.problem or f"it answered {entry.exchange.status}"
        self.notes.append(f"callbacks were not watched: {subject.callback_url} does not lead to us ({why})")
        return None

    def _fuzz(
        self, phase: str, *, creates: bool, examples: int, seen: Callable[[Case, Entry], object] = _unseen
    ) -> None:
        """Strategies, until each has had its examples or has found the smallest request that breaks something."""
        from contracts import drawing, fuzzing

        draw = drawing.creating if creates else drawing.strategies
        chosen = [
            one
            for one in draw(self.spec, self.subject)
            if not self.effort.clauses or not self.effort.clauses.isdisjoint(one.clauses)
        ]
        if not chosen or not examples:
            return
        breaches = fuzzing.breaches_of(self.spec, self.clauses, self.accounts, self.subject.url)
        effort = replace(self.effort, examples=max(1, examples // len(chosen)) if creates else examples)
        send = self._sending(phase, len(chosen) * effort.examples, seen)
        for found in fuzzing.fuzz(chosen, send, breaches, effort, self._broken()):
            if found.ended:
                self.notes.append(f"{found.strategy}: {found.ended}")
        self.target.in_time()

    def _explore(self) -> None:
        from contracts import fuzzing, stranger

        breaches = fuzzing.breaches_of(self.spec, self.clauses, self.accounts, self.subject.url)
        send = self._sending("Schemathesis", 0)
        self.strange = stranger.explore(self.spec, send, breaches, self.effort)
        if self.strange.ended:
            self.notes.append(f"Schemathesis: {self.strange.ended}")
        self.target.in_time()

    def _broken(self) -> frozenset[str]:
        """The clauses that are broken by what was seen until now."""
        trace = self.target.recorder.trace(self.subject, self.accounts)
        verdicts = judge(Reading(trace, self.spec), self.clauses, SERVER)
        return frozenset(verdict.clause.id for verdict in verdicts if verdict.word == "broken")

    def _sending(
        self, phase: str, total: int, seen: Callable[[Case, Entry], object] = _unseen
    ) -> Callable[[Case], Entry]:
        """`Target.send`, counted, and with an end in time when the paid phases are still to come."""
        told = self._counting(phase, total)
        share = _FREE_SHARE if self.effort.max_credits is not None else 0.0
        last = self.effort.seconds * share

        def send(case: Case) -> Entry:
            if not case.creates and self.target.left() < last:
                raise OutOfTime("half of the time is over, and the tasks are still to come")
            told()
            entry = self.target.send(case)
            seen(case, entry)
            return entry

        return send

    def _counting(self, phase: str, total: int) -> Callable[[], None]:
        done = 0
        self.tell(phase, 0, total)

        def one_more() -> None:
            nonlocal done
            with self._lock:
                done += 1
                self.tell(phase, done, total)

        return one_more

    def _skip(self) -> None:
        with self._lock:
            self.skipped += 1
