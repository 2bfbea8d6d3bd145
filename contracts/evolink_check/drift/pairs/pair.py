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

    In each `Change` of a callback, `Change.field` begins with the name of the callback.
    """

    old: Operation
    new: Operation
    name: str = ""  # the name of the callback; empty if the operation is no callback

    @property
    def sent(self) -> Direction:
        """The name of the rules for changes of the request: "request" or "response".

        The result is "request" for an operation that clients call. The result is "response" for a callback. Clients
        receive the request of a callback.
        """
        return "response" if self.name else "request"

    @property
    def read(self) -> Direction:
        """The name of the rules for changes of the responses: "request" or "response".

        The result is "response" for an operation that clients call. The result is "request" for a callback. Clients
        send the response to a callback.
        """
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
        """Return the record of a change of this operation.

        `values` are the old and the new value. `places` are the JSON pointers to both values.
        """
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
        """Return the record of a difference between schemas, with its verdict.

        The verdict depends on `direction`. Some differences break requests but not responses.
        """
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
    """Return the JSON pointer of a place; empty if `place` is None."""
    return place.pointer if place else ""
