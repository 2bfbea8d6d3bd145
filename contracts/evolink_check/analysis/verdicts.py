"""Judge a trace clause by clause. A rule is a function that checks one clause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from evolink_spec.clauses import Clause, Severity

    from evolink_check.analysis.trace_view import TraceView

_SHOWN = 60  # the maximum length of a value in a report, in characters
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 2 * _SHOWN
_SHORT.maxlist = _SHORT.maxdict = 10
VIOLATIONS = 10_000  # the maximum number of violations of a clause that are kept; the others are only counted
ENTRIES = 20  # the maximum number of entries that a finding keeps; half of them are the first, half the last entries
Status = Literal["passed", "failed", "warning", "not observed"]


class Finding(NamedTuple):  # a dataclass takes three times as long, and large traces have millions
    """Evidence that a clause was satisfied or violated once."""

    passed: bool
    # The numbers of the trace entries that are the evidence. The last entry is the one that satisfied or violated the
    # clause.
    entries: tuple[int, ...] = ()
    # If the clause was violated, the correct and the observed behaviour, each in one line without secrets.
    expected: str = ""
    seen: str = ""
    severity: Severity | None = None  # None if the severity of the clause applies


Rule = Callable[["TraceView"], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of checking one clause."""

    clause: Clause
    status: Status  # "failed" if any violation is a failure, "warning" if all violations are warnings
    observations: int = 0  # the number of findings, including violations
    violations: tuple[Finding, ...] = ()  # at most the first `VIOLATIONS` of each trace
    known: bool = False  # whether the baseline, a file of known violations, contains every violation
    omitted: int = 0  # the number of violations that are not in `violations`

    @property
    def violation_count(self) -> int:
        """The number of all violations, including the omitted ones."""
        return len(self.violations) + self.omitted

    @property
    def fails(self) -> bool:
        """Whether this verdict makes a run without `--strict` fail."""
        return self.status == "failed" and not self.known


def passed(*entries: int) -> Finding:
    """Return a finding that a clause was satisfied. `entries` are the numbers of the trace entries that show this."""
    return Finding(True, entries if len(entries) <= ENTRIES else _few(entries))  # noqa: FBT003  (called for each entry)


def violation(*entries: int, expected: str, seen: str, severity: Severity | None = None) -> Finding:
    """Return a finding that a clause was violated. `entries` are the numbers of the trace entries that show this.

    If `severity` is None, the severity of the clause applies. A less severe violation has the severity "warning".
    """
    return Finding(passed=False, entries=_few(entries), expected=expected, seen=seen, severity=severity)


def severity_of(clause: Clause, violated: Finding) -> Severity:
    """Return the severity of a violation.

    A violation is never more severe than its clause.
    """
    return "warning" if "warning" in (clause.severity, violated.severity) else "failure"


def finding(ok: object, *entries: int, expected: str, seen: str) -> Finding:
    """Return a finding that a clause was satisfied.

    If `ok` is false, return a finding that the clause was violated.
    """
    return passed(*entries) if ok else violation(*entries, expected=expected, seen=seen)


def _few(entries: tuple[int, ...]) -> tuple[int, ...]:
    return entries if len(entries) <= ENTRIES else (*entries[: ENTRIES // 2], *entries[-ENTRIES // 2 :])


def shown(value: Any) -> str:
    """Format a JSON value on one line, and cut the line after `_SHOWN` characters."""
    # Formatting the whole of a large value would be slow.
    text = repr(value[: _SHOWN + 1]) if isinstance(value, str) else _SHORT.repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def judge(view: TraceView, clauses: Iterable[Clause], rules: Mapping[str, Rule]) -> tuple[Verdict, ...]:
    """Return a verdict for every clause.

    If a clause has no rule, its verdict is `not observed`. If a rule function raises an exception, `judge` does not
    catch it.
    """
    # Exceptions are not caught: a bug in a rule must not look like a passed clause.
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
    """Decides which verdicts make a run fail.

    If `strict` is true, warnings make a run fail, too. Warnings about the clauses in `lowered` never make a run fail.
    The user names these clauses with `--warn` or in the file of `--config`.
    """

    strict: bool = False
    lowered: frozenset[str] = frozenset()

    def fails(self, verdict: Verdict) -> bool:
        """Whether this verdict makes a run fail."""
        counts = self.strict and verdict.status == "warning" and verdict.clause.id not in self.lowered
        return verdict.fails or counts


NOT_STRICT = Strictness()


def failures(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Yield the verdicts that make a run without `--strict` fail."""
    return (verdict for verdict in verdicts if verdict.fails)
