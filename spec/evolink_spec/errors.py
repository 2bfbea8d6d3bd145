"""The errors of this package: a problem in a document, and its location."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SpecError(Exception):
    """A document cannot be read or is not supported.

    `source` is the file as the user named it, `pointer` is an RFC 6901 JSON pointer to the place (empty for
    the document itself), and `problem` is a phrase that describes the problem.
    """

    def __init__(self, source: str, pointer: str, problem: str) -> None:
        super().__init__(f"{source}#{pointer}: {problem}" if pointer else f"{source}: {problem}")
        self.source = source
        self.pointer = pointer
        self.problem = problem


class NotATaskError(SpecError):
    """An operation neither creates nor queries a task: it is synchronous, an upload, or of an unknown shape."""


class ManySpecError(SpecError):
    """The problems of several documents. `source`, `pointer` and `problem` describe the first of them."""

    def __init__(self, errors: Sequence[SpecError]) -> None:
        first = errors[0]
        super().__init__(first.source, first.pointer, first.problem)
        self.args = ("\n".join(map(str, errors)),)
        self.errors = tuple(errors)


def single(errors: Sequence[SpecError]) -> SpecError:
    """Combine several errors into one. If there is only one, it is returned unchanged."""
    return errors[0] if len(errors) == 1 else ManySpecError(errors)
