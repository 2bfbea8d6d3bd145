"""A trace is judged clause by clause: each rule is one pure function of what was observed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.trace_view import TraceView

_SHOWN = 60  # characters of a value
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 2 * _SHOWN
_SHORT.maxlist = _SHORT.maxdict = 10
VIOLATIONS = 10_000  # of a clause that are kept; the others are counted
ENTRIES = 20  # of a finding that are kept: the first and the last ones
Status = Literal["passed", "failed", "warning", "not observed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation that speaks for or against a clause.

    `entries` are the numbers of the entries that show it, the decisive one last. A violation says in a line each what
    was expected and what was seen, without secrets; what speaks for a clause need not.
    """

    passed: bool
    entries: tuple[int, ...] = ()
    expected: str = ""
    seen: str = ""


Rule = Callable[["TraceView"], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the trace says of one clause.

    failed: at least one violation of a `must`. warning: at least one violation of an `advice`, which fails nobody.
    `known`: every violation stands in the baseline. `observations` counts what was looked at, violations included;
    `omitted` are the violations after the first `VIOLATIONS`.
    """

    clause: Clause
    status: Status
    observations: int = 0
    violations: tuple[Finding, ...] = ()
    known: bool = False
    omitted: int = 0

    @property
    def violation_count(self) -> int:
        """How many violations there were, also those that are not kept."""
        return len(self.violations) + self.omitted

    @property
    def fails(self) -> bool:
        """Whether a run fails for it."""
        return self.status == "failed" and not self.known


def passed(*entries: int) -> Finding:
    """An observation that speaks for the clause."""
    return Finding(passed=True, entries=_few(entries))


def violation(*entries: int, expected: str, seen: str) -> Finding:
    """An observation that speaks against the clause."""
    return Finding(passed=False, entries=_few(entries), expected=expected, seen=seen)


def finding(ok: object, *entries: int, expected: str, seen: str) -> Finding:
    """An observation that speaks for the clause when `ok` is true, and against it otherwise."""
    return passed(*entries) if ok else violation(*entries, expected=expected, seen=seen)


def _few(entries: tuple[int, ...]) -> tuple[int, ...]:
    return entries if len(entries) <= ENTRIES else (*entries[: ENTRIES // 2], *entries[-ENTRIES // 2 :])


def shown(value: Any) -> str:
    """A JSON value in a few characters, on one line. Of a large value only the beginning is looked at."""
    text = repr(value[: _SHOWN + 1]) if isinstance(value, str) else _SHORT.repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def judge(view: TraceView, clauses: Iterable[Clause], rules: Mapping[str, Rule]) -> tuple[Verdict, ...]:
    """A verdict for every clause; one without a rule is not observed.

    What a rule raises is not caught: a bug in a check must never look like a pass.
    """
    return tuple(_verdict(clause, rules[clause.id](view) if clause.id in rules else ()) for clause in clauses)


def _verdict(clause: Clause, findings: Iterable[Finding]) -> Verdict:
    observations, omitted, violations = 0, 0, list[Finding]()
    for observations, observed in enumerate(findings, start=1):  # noqa: B007  (its last value is the count)
        if not observed.passed:
            if len(violations) < VIOLATIONS:
                violations.append(observed)
            else:
                omitted += 1
    if violations:
        status: Status = "failed" if clause.level == "must" else "warning"
        return Verdict(clause, status, observations, tuple(violations), omitted=omitted)
    return Verdict(clause, "passed" if observations else "not observed", observations)


def failures(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The verdicts for which a run fails."""
    return (verdict for verdict in verdicts if verdict.fails)
