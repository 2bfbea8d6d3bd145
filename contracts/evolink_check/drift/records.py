"""The records of a comparison: places, changes with their verdicts, and proofs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from evolink_spec.models import Json

Verdict = Literal["breaking", "notice", "non-breaking"]
Side = Literal["request", "response", "operation", "model", "prose", "recording"]
VERDICTS: tuple[Verdict, ...] = ("breaking", "notice", "non-breaking")


@dataclass(frozen=True, slots=True)
class Place:
    """A location: the file as the user named it, and a JSON pointer (empty: the whole file).

    `line` counts from 1; 0 if it is not known.
    """

    file: str
    pointer: str
    line: int = 0

    def __str__(self) -> str:
        """The location as reports show it."""
        return f"{self.file}#{self.pointer}" if self.pointer else self.file


@dataclass(frozen=True, slots=True)
class Proof:
    """A request body that the old schema accepts and the new one refuses, with the reason of the refusal."""

    body: Json
    refusal: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its `kind`, the operation or model (`subject`), and the place in a body, or the status (`field`).

    `side` is the part of the contract that changed: `request` concerns senders, `response` concerns readers. `was` and
    `now` are the changed values as texts. `lenient`: the verdict is a notice only because consumers are expected to
    tolerate new values. `old` and `new` are its places in the two documents; None if the document has no such place.
    """

    kind: str
    side: Side
    verdict: Verdict
    subject: str
    field: str
    text: str
    reason: str
    old: Place | None = None
    new: Place | None = None
    was: str = ""
    now: str = ""
    lenient: bool = False
    proof: Proof | None = None
    known: bool = False

    @property
    def fails(self) -> bool:
        """Whether this change makes the comparison fail."""
        return self.verdict == "breaking" and not self.known


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `tree` has no `nullable`, `text` is the page around it, and `source` the whole file.

    `text` is empty unless the document is from a page; `source` is empty unless it is from a file.
    """

    file: str
    tree: dict[str, Json]
    text: str = ""
    source: str = ""

    def place(self, pointer: str) -> Place:
        """A place in this document."""
        return Place(self.file, pointer)
