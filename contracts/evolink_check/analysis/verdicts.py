"""A trace is judged clause by clause: each rule is one pure function of what was observed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.observations import TraceView

Status = Literal["kept", "broken", "noted", "not observed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation that speaks for or against a clause.

    `entries` are the numbers of the entries that show it, the decisive one last. A breach says in a line each what
    was expected and what was seen, without secrets; what keeps a clause need not.
    """

    kept: bool
    entries: tuple[int, ...] = ()
    expected: str = ""
    seen: str = ""


Rule = Callable[["TraceView"], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the trace says of one clause.

    broken: at least one breach of a `must`. noted: at least one breach of an `advice`, which fails nobody.
    `known`: every breach stands in the baseline. `observations` counts what was looked at, breaches included.
    """

    clause: Clause
    word: Status
    observations: int = 0
    breaches: tuple[Finding, ...] = ()
    known: bool = False

    @property
    def fails(self) -> bool:
        """Whether a run fails for it."""
        return self.word == "broken" and not self.known


def kept(*entries: int) -> Finding:
    """An observation that speaks for the clause."""
    return Finding(kept=True, entries=entries)


def broken(*entries: int, expected: str, seen: str) -> Finding:
    """An observation that speaks against the clause."""
    return Finding(kept=False, entries=entries, expected=expected, seen=seen)


def judge(reading: TraceView, clauses: Iterable[Clause], rules: Mapping[str, Rule]) -> tuple[Verdict, ...]:
    """A verdict for every clause; one without a rule is not observed.

    What a rule raises is not caught: a bug in a check must never look like a pass.
    """
    return tuple(
        _verdict(clause, rules[clause.id](reading) if clause.id in rules else ()) for clause in clauses
    )


def _verdict(clause: Clause, findings: Iterable[Finding]) -> Verdict:
    found = tuple(findings)
    breaches = tuple(one for one in found if not one.kept)
    if breaches:
        return Verdict(clause, "broken" if clause.level == "must" else "noted", len(found), breaches)
    return Verdict(clause, "kept" if found else "not observed", len(found))


def failures(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The verdicts for which a run fails."""
    return (one for one in verdicts if one.fails)
