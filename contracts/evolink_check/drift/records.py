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
    """A location in a file: the name of the file as the user wrote it, and a JSON pointer (empty for the whole file).

    `line` counts from 1, and is 0 if it is unknown.
    """

    file: str
    pointer: str
    line: int = 0

    def __str__(self) -> str:
        """Return the location as reports show it."""
        return f"{self.file}#{self.pointer}" if self.pointer else self.file


@dataclass(frozen=True, slots=True)
class Proof:
    """A request body that the old schema accepts and the new schema refuses, with the reason for the refusal."""

    body: Json
    refusal: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    `subject` is the operation or the model, and `field` is the place in a body, or the status of a response.

    `side` is the part of the contract that changed: `request` concerns senders, `response` concerns readers. `was` and
    `now` are the changed values as texts. `lenient` means that the verdict is a notice only because consumers are
    expected to tolerate new values. `old` and `new` are the places of the change in the two documents; None if a
    document has no such place. `known` means that the baseline contains the change.
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
    """One document. `tree` is its content in the notation of OpenAPI 3.1, and `source` is the text of the whole file.

    `text` is the text around the document if it was read from a page, else empty. `source` is empty unless the document
    was read from a file.
    """

    file: str
    tree: dict[str, Json]
    text: str = ""
    source: str = ""

    def place(self, pointer: str) -> Place:
        """Return a place in this document."""
        return Place(self.file, pointer)
