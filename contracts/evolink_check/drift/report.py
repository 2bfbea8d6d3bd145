"""The result of a comparison, from which all reports are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.drift.records import VERDICTS

if TYPE_CHECKING:
    from evolink_check.drift.records import Change, Verdict

NO_CHANGE, CHANGED = 0, 1  # exit statuses; 2 means that the comparison could not run


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The result of one comparison. `old` and `new` name the compared sources. `started` is in Unix seconds."""

    old: str
    new: str
    changes: tuple[Change, ...]
    started: float
    seconds: float  # how long the comparison took
    strict: bool = False
    command: str = ""
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Verdict, int]:
        """The number of changes with each verdict; 0 for a verdict without changes."""
        numbers = dict.fromkeys(VERDICTS, 0)
        for change in self.changes:
            numbers[change.verdict] += 1
        return numbers

    @property
    def exit_status(self) -> int:
        """1 if a breaking change is not in the baseline; 0 if none."""
        return CHANGED if any(change.fails for change in self.changes) else NO_CHANGE

    @property
    def headline(self) -> str:
        """The number of changes with each verdict, as one line of text."""
        breaking, notices, others = self.counts.values()
        known = sum(change.known for change in self.changes)
        known_text = f" ({known} known)" if known else ""
        return f"{breaking} breaking{known_text}, {notices} notice{'' if notices == 1 else 's'}, {others} non-breaking"
