"""The data classes of a comparison: places, proofs, changes, verdicts and documents."""

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
    """A place in a file. An empty `pointer` means the whole file."""

    file: str
    pointer: str
    line: int = 0  # counted from 1; 0 if the line is unknown

    def __str__(self) -> str:
        """Return the place as `file#pointer`. A whole file has no `#pointer`."""
        return f"{self.file}#{self.pointer}" if self.pointer else self.file


@dataclass(frozen=True, slots=True)
class Proof:
    """A request body that the old schema accepts and the new schema rejects."""

    body: Json
    refusal: str  # the reason for the rejection


@dataclass(frozen=True, slots=True)
class Change:
    """A change between two versions of documents, or between a recording and a document."""

    kind: str  # such as `request-property-removed`
    side: Side  # the part of the contract that changed, such as `request` (what clients send)
    verdict: Verdict
    subject: str  # the operation or the model, such as `POST /v1/videos`
    field: str  # the path of the field in a body, or the status of a response
    text: str  # a description of the change
    reason: str  # why the change has this verdict
    old: Place | None = None  # where the change is in the old document or the recording; None if nowhere
    new: Place | None = None  # where the change is in the new document; None if nowhere
    was: str = ""  # the old value as text
    now: str = ""  # the new value as text
    lenient: bool = False  # with --strict, the verdict is "breaking" instead
    proof: Proof | None = None
    known: bool = False  # the baseline contains the change

    @property
    def fails(self) -> bool:
        """Whether this change is breaking and not in the baseline. Then the comparison fails."""
        return self.verdict == "breaking" and not self.known


@dataclass(frozen=True, slots=True)
class Document:
    """One OpenAPI document. `tree` is the document in the notation of OpenAPI 3.1."""

    file: str
    tree: dict[str, Json]
    text: str = ""  # the text around a document in a Markdown page
    source: str = ""  # the complete text; empty for a mock server or after an overlay was applied

    def place(self, pointer: str) -> Place:
        """Return the place at a JSON pointer in this document."""
        return Place(self.file, pointer)
