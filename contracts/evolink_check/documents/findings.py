"""The rules for OpenAPI documents, and the findings of `evolink-check documents`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
RULES: Mapping[str, tuple[Level, str]] = {
    "unreadable": ("error", "The file is a document that the loader can read."),
    "dangling-ref": ("error", "The target of every reference exists."),
    "default-invalid": ("error", "A default matches its own schema."),
    "model-declared-twice": ("warning", "If several documents describe a model, they agree."),
    "example-invalid": ("warning", "An example matches its own schema."),
    "required-undeclared": ("warning", "A required member is described."),
    "min-items-missing": ("warning", "A list that must not be empty has `minItems`."),
    "not-simulated": ("warning", "The loader understands the whole document."),
    "example-undeclared-member": ("note", "An example has only described members."),
    "limit-only-in-prose": ("note", "A limit that the description states is also in the schema."),
    "nullable": ("note", "In OpenAPI 3.1, a `null` type replaces `nullable`."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at a place in a file."""

    rule: str
    file: str
    pointer: str  # the JSON pointer to the place
    text: str
    line: int = 0  # counted from 1; 0 if the line is unknown
    other: tuple[str, str] | None = None  # the file and the JSON pointer of a related place

    @property
    def level(self) -> Level:
        """The severity of the finding's rule."""
        return RULES[self.rule][0]


@dataclass(frozen=True, slots=True)
class LintReport:
    """The findings of `evolink-check documents`."""

    documents: int  # the number of checked documents
    findings: tuple[Finding, ...]
    strict: bool = False  # warnings make the exit status 1, too

    @property
    def counts(self) -> dict[Level, int]:
        """The number of findings of each level (error, warning and note)."""
        return {level: sum(finding.level == level for finding in self.findings) for level in LEVELS}

    @property
    def exit_status(self) -> int:
        """1 if an error or, with `strict`, a warning was found; 0 if not."""
        failing = self.counts["error"] + (self.counts["warning"] if self.strict else 0)
        return 1 if failing else 0
