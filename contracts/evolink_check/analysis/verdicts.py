"""Judge a trace clause by clause. Each rule is a pure function from the trace to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from evolink_spec.clauses import Clause, Severity

    from evolink_check.analysis.trace_view import TraceView

_SHOWN = 60  # the most characters of a value in a report
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 2 * _SHOWN
_SHORT.maxlist = _SHORT.maxdict = 10
VIOLATIONS = 10_000  # the most violations of a clause that are kept; the others are only counted
ENTRIES = 20  # the most entries of a finding that are kept: the first and the last ones
Status = Literal["passed", "failed", "warning", "not observed"]


class Finding(NamedTuple):  # large traces have millions of them, and a tuple is made three times as fast
    """One observation that satisfies or violates a clause.

    `entries` are the numbers of the entries that show it, the decisive one last. `expected` and `seen` of a
    violation have one line each, without secrets; those of a passed finding are empty. `severity` is None if
    the violation is as severe as its clause.
    """

    passed: bool
    entries: tuple[int, ...] = ()
    expected: str = ""
    seen: str = ""
    severity: Severity | None = None


Rule = Callable[["TraceView"], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one clause.

    `status` is failed if at least one violation is a failure, and warning if all violations are warnings.
    `known` is true if every violation is in the baseline. `observations` counts all findings, including
    violations; `omitted` counts the violations after the first `VIOLATIONS`.
    """

    clause: Clause
    status: Status
    observations: int = 0
    violations: tuple[Finding, ...] = ()
    known: bool = False
    omitted: int = 0

    @property
    def violation_count(self) -> int:
        """The number of violations, including those that are not kept."""
        return len(self.violations) + self.omitted

    @property
    def fails(self) -> bool:
        """Whether a run fails because of this verdict."""
        return self.status == "failed" and not self.known


def passed(*entries: int) -> Finding:
    """Return a finding that satisfies the clause."""
    return Finding(passed=True, entries=_few(entries))


def violation(*entries: int, expected: str, seen: str, severity: Severity | None = None) -> Finding:
    """Return a finding that violates the clause. Pass `severity` only for a violation less severe than the clause."""
    return Finding(passed=False, entries=_few(entries), expected=expected, seen=seen, severity=severity)


def severity_of(clause: Clause, violated: Finding) -> Severity:
    """Return the severity of a violation. It can be less severe than its clause, but not more."""
    return "warning" if "warning" in (clause.severity, violated.severity) else "failure"


def finding(ok: object, *entries: int, expected: str, seen: str) -> Finding:
    """Return a finding that satisfies the clause if `ok` is true, and violates it otherwise."""
    return passed(*entries) if ok else violation(*entries, expected=expected, seen=seen)


def _few(entries: tuple[int, ...]) -> tuple[int, ...]:
    return entries if len(entries) <= ENTRIES else (*entries[: ENTRIES // 2], *entries[-ENTRIES // 2 :])


def shown(value: Any) -> str:
    """Format a JSON value on one line of at most `_SHOWN` characters.

    Only the beginning of a large value is formatted.
    """
    text = repr(value[: _SHOWN + 1]) if isinstance(value, str) else _SHORT.repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def judge(view: TraceView, clauses: Iterable[Clause], rules: Mapping[str, Rule]) -> tuple[Verdict, ...]:
    """Return a verdict for every clause.

    A clause without a rule is not observed. Exceptions of rules are not caught, because a bug in a rule must
    never look like a pass.
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
        severities = {severity_of(clause, violated) for violated in violations}
        status: Status = "failed" if "failure" in severities else "warning"
        return Verdict(clause, status, observations, tuple(violations), omitted=omitted)
    return Verdict(clause, "passed" if observations else "not observed", observations)


@dataclass(frozen=True, slots=True)
class Strictness:
    """Decides which verdicts fail a run.

    If `strict`, warnings also fail a run, except those on clauses in `lowered`.
    """

    strict: bool = False
    lowered: frozenset[str] = frozenset()

    def fails(self, verdict: Verdict) -> bool:
        """Whether a run fails because of this verdict."""
        counts = self.strict and verdict.status == "warning" and verdict.clause.id not in self.lowered
        return verdict.fails or counts


NOT_STRICT = Strictness()


def failures(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Yield the verdicts that make a run fail."""
    return (verdict for verdict in verdicts if verdict.fails)
