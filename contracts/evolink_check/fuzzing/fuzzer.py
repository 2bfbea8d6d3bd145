"""Send generated requests. For each strategy, find the smallest violating request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from re import sub
from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import judge
from evolink_check.generation.case import Case
from evolink_check.rules import RULES
from evolink_check.traffic.trace import Entry, Trace
from evolink_check.transport.target import HaltedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.generation.strategies import Strategy
    from evolink_check.settings import Effort
    from evolink_check.traffic.trace import Account

Send = Callable[[Case], Entry]
Violations = Callable[[Entry], tuple[str, ...]]  # returns the failing clauses that one exchange violates
# The values of `observed.in` in clauses.yaml for which one exchange can prove a violation.
ALONE = frozenset({"create", "query", "credits", "exchange"})


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """The result of sending the requests of one strategy.

    `case` is the smallest case that violated `clause`. `case` is None if no clause was violated.
    """

    strategy: str
    sent: int
    case: Case | None = None
    clause: str = ""
    entry: Entry | None = None  # the exchange of `case`; None if no clause was violated
    ended: str = ""  # why the search was cut short; empty if it was complete


class ViolationFound(Exception):  # noqa: N818  (not an error, but the aim of the search)
    """A response violates a clause. Hypothesis catches this exception and shrinks the request."""


@dataclass(slots=True)
class _Attempts:
    send: Send
    violations: Violations
    known: frozenset[str]  # clauses whose violations are ignored
    sent: int = 0
    clause: str = ""  # the clause for which the smallest violating request is searched
    failing: list[tuple[Case, Entry]] = field(default_factory=list)

    def __call__(self, case: Case) -> None:
        from evolink_check.generation.property_search import SearchAbortedError

        try:
            entry = self.send(case)
        except HaltedError as halted:
            raise SearchAbortedError(str(halted)) from None
        self.sent += 1
        # while Hypothesis searches for a smaller request, violations of other clauses are ignored
        for clause in self.violations(entry):
            if clause == self.clause or not (self.clause or clause in self.known):
                self.clause = clause
                self.failing.append((case, entry))
                raise ViolationFound(clause)

    def result(self, name: str, ended: str = "") -> FuzzResult:
        """Return the result of the strategy. The result contains the smallest violating request, if any."""
        if not self.failing:
            return FuzzResult(name, self.sent, ended=ended)
        case, entry = min(self.failing, key=_size) if ended else self.failing[-1]
        return FuzzResult(name, self.sent, case, self.clause, entry, ended)


def violations_of(
    spec: Spec, clauses: Iterable[Clause], accounts: Mapping[str, Account], origin: str
) -> Violations:
    """Return a function that returns the clauses that a single exchange violates.

    Clauses that need several exchanges are ignored.
    """
    alone = [
        clause
        for clause in clauses
        if clause.binds == "server"
        and clause.severity == "failure"
        and clause.observed.where in ALONE
        and clause.id in RULES
    ]

    def violations(entry: Entry) -> tuple[str, ...]:
        trace = Trace((replace(entry, number=0),), accounts, origin, complete=False)
        verdicts = judge(TraceView(trace, spec), alone, RULES)
        return tuple(verdict.clause.id for verdict in verdicts if verdict.fails)

    return violations


def fuzz(
    strategies: Sequence[Strategy],
    send: Send,
    violations: Violations,
    effort: Effort,
    known: frozenset[str] = frozenset(),
) -> tuple[FuzzResult, ...]:
    """Run each strategy with `effort.examples` examples, in `effort.jobs` threads.

    The results are in the order of the strategies. If `effort.clauses` is not empty, only the strategies for
    these clauses run. Violations of the clauses in `known` are ignored. If `send` raises `HaltedError`, the
    strategy ends early.
    """
    wanted = [
        strategy
        for strategy in strategies
        if not effort.clauses or not effort.clauses.isdisjoint(strategy.clauses)
    ]
    with ThreadPoolExecutor(max_workers=max(1, effort.jobs)) as pool:
        futures = [
            pool.submit(_fuzz_strategy, strategy, _Attempts(send, violations, known), effort)
            for strategy in wanted
        ]
        return tuple(future.result() for future in futures)


def _fuzz_strategy(strategy: Strategy, attempts: _Attempts, effort: Effort) -> FuzzResult:
    from hypothesis.errors import Flaky, Unsatisfiable

    from evolink_check.generation.property_search import Search, SearchAbortedError, run_property

    # Each strategy needs its own folder, because all strategies look like the same test to Hypothesis.
    memory = effort.memory and effort.memory / sub(r"\W+", "-", strategy.name)
    try:
        run_property(strategy.cases, attempts, Search(effort.examples, effort.seed, memory))
    except SearchAbortedError as aborted:
        return attempts.result(strategy.name, str(aborted))
    except ViolationFound:
        return attempts.result(strategy.name)
    except Flaky:
        return attempts.result(strategy.name, "the server responded differently to the same request")
    except Unsatisfiable:
        return attempts.result(strategy.name, "too few examples could be generated")
    return attempts.result(strategy.name)


def _size(failing: tuple[Case, Entry]) -> int:
    case, _ = failing
    return len(case.body) + len(case.path) + sum(len(value) for _, value in case.headers)
