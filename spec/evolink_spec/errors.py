"""The error of this package: a problem in a document and its location."""

from __future__ import annotations


class SpecError(Exception):
    """A document that cannot be read or is not supported.

    `source` is the file as the user named it, `pointer` an RFC 6901 JSON pointer to the place (empty for the
    document itself), `problem` a phrase that describes the problem.
    """

    def __init__(self, source: str, pointer: str, problem: str) -> None:
        super().__init__(f"{source}#{pointer}: {problem}" if pointer else f"{source}: {problem}")
        self.source = source
        self.pointer = pointer
        self.problem = problem
