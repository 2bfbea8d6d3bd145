"""The records of a comparison, which are places, changes with their verdicts, and proofs."""

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
    """A place in a file, at the JSON pointer `pointer`; the whole file if `pointer` is empty.

    `file` is the name of the file as the user wrote it. `line` counts from 1; it is 0 if the line is unknown.
    """

    file: str
    pointer: str
    line: int = 0

    def __str__(self) -> str:
        """Return the place as `file#pointer`, or only the file name if the place is the whole file."""
        return f"{self.file}#{self.pointer}" if self.pointer else self.file


@dataclass(frozen=True, slots=True)
class Proof:
    """A request body that the old schema accepts and the new schema rejects, with the reason for the rejection."""

    body: Json
    refusal: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change between two versions of documents.

    `subject` is the operation or the model. `field` is the place in a body, or the status of a response.
    `side` is the part of the contract that changed; for example, a change of the side `request` affects the
    requests that clients send, and a change of the side `response` affects the responses that they read.
    `was` and `now` are the old and the new value as texts. `lenient` means that the verdict is a notice only
    because clients are expected to tolerate new values. `old` and `new` are the places of the change in the
    two documents; None if a document has no such place. `known` means that the baseline contains the change.
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
    """One OpenAPI document. `tree` is the document in the notation of OpenAPI 3.1.

    If the document was read from a Markdown page, `text` is the text around the document; otherwise `text` is empty.
    `source` is the complete text that was read; it is empty if the document was taken from a mock server, or if an
    overlay was applied to it.
    """

    file: str
    tree: dict[str, Json]
    text: str = ""
    source: str = ""

    def place(self, pointer: str) -> Place:
        """Return the place at a JSON pointer in this document."""
        return Place(self.file, pointer)
