"""Strategies are run against a server: what breaks a clause is shrunk to the smallest request that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from re import sub
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import judge
from evolink_check.generation.case import Case
from evolink_check.rules import RULES
from evolink_check.traffic.trace import Entry, Trace
from evolink_check.transport.target import HaltedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.generation.strategies import Strategy
    from evolink_check.settings import Effort
    from evolink_check.traffic.trace import Account

Send = Callable[[Case], Entry]
Violations = Callable[[Entry], tuple[str, ...]]  # the `must` clauses that one exchange breaks
ALONE = frozenset({"create", "query", "credits", "exchange"})  # where one exchange shows a violation


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What one strategy has found. `case` is the smallest that broke `clause`; None: nothing was broken.

    `ended` says in a line why it was cut short; empty when it was not.
    """

    strategy: str
    sent: int
    case: Case | None = None
    clause: str = ""
    entry: Entry | None = None  # the exchange of `case`
    ended: str = ""


class Broken(Exception):  # noqa: N818  (no error: what is looked for)
    """A clause is broken."""


class _Ended(BaseException):
    """Passes through Hypothesis, which would take any `Exception` for a failing example."""


@dataclass(slots=True)
class _Run:
    """What has happened to one strategy so far. Once a clause is broken, no other is looked at: it is shrunk."""

    send: Send
    violations: Violations
    known: frozenset[str]
    sent: int = 0
    clause: str = ""
    failing: list[tuple[Case, Entry]] = field(default_factory=list)

    def __call__(self, case: Case) -> None:
        try:
            entry = self.send(case)
        except HaltedError as why:
            raise _Ended(str(why)) from None
        self.sent += 1
        for clause in self.violations(entry):
            if clause == self.clause or not (self.clause or clause in self.known):
                self.clause = clause
                self.failing.append((case, entry))
                raise Broken(clause)

    def result(self, name: str, ended: str = "") -> Fuzzed:
        """Hypothesis ends with the smallest of what fails; when it was cut short, we look for it."""
        if not self.failing:
            return Fuzzed(name, self.sent, ended=ended)
        case, entry = min(self.failing, key=_size) if ended else self.failing[-1]
        return Fuzzed(name, self.sent, case, self.clause, entry, ended)


def violations_of(
    spec: Spec, clauses: Iterable[Clause], accounts: Mapping[str, Account], origin: str
) -> Violations:
    """The judge over single exchanges, with the server's rules for what one of them can show."""
    alone = [
        clause
        for clause in clauses
        if clause.binds == "server"
        and clause.level == "must"
        and clause.observed.where in ALONE
        and clause.id in RULES
    ]

    def violations(entry: Entry) -> tuple[str, ...]:
        trace = Trace((replace(entry, number=0),), accounts, origin, complete=False)
        return tuple(one.clause.id for one in judge(TraceView(trace, spec), alone, RULES) if one.fails)

    return violations


def fuzz(
    strategies: Sequence[Strategy],
    send: Send,
    violations: Violations,
    effort: Effort,
    known: frozenset[str] = frozenset(),
) -> tuple[Fuzzed, ...]:
    """Run each strategy with `effort.examples` examples, over `effort.jobs` threads; the results in their order.

    `known` are clauses that are known to be broken already: they are not looked for again. `HaltedError` ends it cleanly.
    """
    wanted = [one for one in strategies if not effort.clauses or not effort.clauses.isdisjoint(one.clauses)]
    with ThreadPoolExecutor(max_workers=max(1, effort.jobs)) as pool:
        work = [pool.submit(_fuzzed, one, _Run(send, violations, known), effort) for one in wanted]
        return tuple(one.result() for one in work)


def _fuzzed(strategy: Strategy, run: _Run, effort: Effort) -> Fuzzed:
    from hypothesis.errors import Flaky, Unsatisfiable

    try:
        _property(strategy, run, effort)()
    except _Ended as why:
        return run.result(strategy.name, str(why))
    except Broken:
        return run.result(strategy.name)
    except Flaky:
        return run.result(strategy.name, "the server answered differently when it was asked again")
    except Unsatisfiable:
        return run.result(strategy.name, "hardly any example could be drawn")
    return run.result(strategy.name)


def _property(strategy: Strategy, run: _Run, effort: Effort) -> Callable[[], None]:
    """The strategy as a Hypothesis test that anybody may call."""
    from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

    # A seed takes the memory away, so it comes before the settings.
    test = seed(effort.seed)(given(strategy.cases)(_asked(run)))
    chosen = settings(
        max_examples=effort.examples,
        deadline=None,
        database=_database(effort.memory, strategy.name),
        derandomize=False,
        phases=(Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
    )
    found: Callable[[], None] = chosen(test)
    return found


def _asked(run: _Run) -> Callable[[Case], None]:
    def ask(case: Case) -> None:
        run(case)

    return ask


def _database(memory: Path | None, name: str) -> Any:
    """Where the failing examples of one strategy are kept; a directory each, for the tests are the same code."""
    from hypothesis.database import DirectoryBasedExampleDatabase

    return memory and DirectoryBasedExampleDatabase(memory / sub(r"\W+", "-", name))


def _size(failing: tuple[Case, Entry]) -> int:
    case, _ = failing
    return len(case.body) + len(case.path) + sum(len(value) for _, value in case.headers)
