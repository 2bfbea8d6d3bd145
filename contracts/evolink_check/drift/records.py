"""The data classes that a comparison uses: places, proofs, changes with their verdicts, and documents."""

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
    """One change between two versions of documents, or one difference between a recording and a document."""

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
        """Whether this change makes the comparison fail, because it is breaking and not in the baseline."""
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
