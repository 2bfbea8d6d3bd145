"""Two versions of an operation, and the records of their changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.drift.records import Change, Place
from evolink_check.drift.verdicts import RULES, VerdictRule

if TYPE_CHECKING:
    from evolink_check.drift.pairs.operations import Operation
    from evolink_check.drift.records import Side, Verdict
    from evolink_check.drift.schemas.limits import Difference
    from evolink_check.drift.verdicts import Direction


@dataclass(frozen=True, slots=True)
class OperationPair:
    """Two versions of one operation.

    `sent` and `read` are the directions of requests and responses for the client of the API, which reads the requests
    of a callback. The `name` of a callback is the prefix of every field.
    """

    old: Operation
    new: Operation
    name: str = ""

    @property
    def sent(self) -> Direction:
        """The direction of a request."""
        return "response" if self.name else "request"

    @property
    def read(self) -> Direction:
        """The direction of a response."""
        return "request" if self.name else "response"

    def change(  # noqa: PLR0913, PLR0917  (the fields of a change)
        self,
        kind: str,
        side: Side,
        rule: tuple[Verdict, str] | VerdictRule,
        text: str,
        field: str = "",
        values: tuple[str, str] = ("", ""),
        places: tuple[str, str] | None = None,
    ) -> Change:
        """A change of this operation, with the old and new `values`, and `places`, the pointers to them."""
        judged = rule if isinstance(rule, VerdictRule) else VerdictRule(*rule)
        old, new = places or (self.old.pointer, self.new.pointer)
        return Change(
            kind=kind,
            side=side,
            verdict=judged.verdict,
            subject=self.new.subject,
            field=f"{self.name} {field}".strip(),
            text=text,
            reason=judged.reason,
            old=self.old.document.place(old) if old else None,
            new=self.new.document.place(new) if new else None,
            was=values[0],
            now=values[1],
            lenient=judged.lenient,
        )

    def judged(self, direction: Direction, difference: Difference, where: str = "") -> Change:
        """Classify a difference as a change, by its effect on the sender or the reader."""
        return self.change(
            f"{direction}-{difference.kind}",
            direction,
            RULES[direction][difference.kind],
            difference.text,
            f"{where} {difference.path}".strip(),
            (difference.was, difference.now),
            (difference.old, difference.new),
        )


def at(place: Place | None) -> str:
    """The JSON pointer of a place; empty if `place` is None."""
    return place.pointer if place else ""
