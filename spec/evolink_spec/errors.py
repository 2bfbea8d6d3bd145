"""The one error of this package: a document that cannot be understood, and where."""

from __future__ import annotations


class SpecError(Exception):
    """A document that the loader does not understand.

    `source` is the file as the user named it, `pointer` an RFC 6901 JSON pointer to the place
    (empty for the document itself), `problem` one sentence that says what is wrong there.
    """

    def __init__(self, source: str, pointer: str, problem: str) -> None:
        super().__init__(f"{source}#{pointer}: {problem}" if pointer else f"{source}: {problem}")
        self.source = source
        self.pointer = pointer
        self.problem = problem
