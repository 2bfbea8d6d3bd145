"""The clauses about which a run must find evidence (`--require`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_spec.options.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from evolink_check.analysis.verdicts import Verdict

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%")
_ALL = 100.0


@dataclass(frozen=True, slots=True)
class Requirement:
    """The clause or share of clauses about which a run must find evidence.

    If `clause` is set, the run must find evidence about this clause. If `clause` is empty, at least `share` percent of
    the clauses must have evidence.
    """

    share: float = 0.0
    clause: str = ""

    def shortfall(self, verdicts: Sequence[Verdict]) -> str:
        """Return the reason why the verdicts do not meet the requirement.

        Returns an empty text if the verdicts meet the requirement. `share` is a percentage of the clauses about which
        traffic can give evidence.
        """
        observable = [verdict for verdict in verdicts if verdict.clause.observed.where != "unseen"]
        observed = [verdict.clause.id for verdict in observable if verdict.status != "not observed"]
        if self.clause:
            return "" if self.clause in observed else f"{self.clause} was not observed, but is required"
        share = _ALL * len(observed) / len(observable) if observable else _ALL
        if share >= self.share:
            return ""
        counts = f"{len(observed)} of {len(observable)} clauses ({share:.0f} %)"
        return f"{counts} were observed, but {self.share:g} % are required"


def shortfalls(requirements: Iterable[Requirement], verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Return the reason for each requirement that the verdicts do not meet."""
    return tuple(filter(None, (requirement.shortfall(verdicts) for requirement in requirements)))


def parse_requirements(texts: Iterable[str], clause_ids: Collection[str]) -> tuple[Requirement, ...]:
    """Parse the values of --require, such as `80%` or the id of a clause.

    Raises ValueError if a value is invalid.
    """
    return tuple(_requirement(text, clause_ids) for text in texts)


def _requirement(text: str, clause_ids: Collection[str]) -> Requirement:
    if match := _SHARE.fullmatch(text):
        if float(match[1]) > _ALL:
            raise ValueError(f"--require: {text!r} is more than 100%")
        return Requirement(share=float(match[1]))
    if text not in clause_ids:
        hint = did_you_mean(text, clause_ids) or "; write a share such as 80%, or the id of a clause"
        raise ValueError(f"--require: there is no clause {text!r}{hint}")
    return Requirement(clause=text)
