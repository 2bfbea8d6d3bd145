"""Errors in OpenAPI documents, with their location."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SpecError(Exception):
    """An OpenAPI document cannot be read, or contains something that is not supported.

    `source` is the file as the user named it. `pointer` is the JSON pointer (RFC 6901) to the place in the file; it is
    empty if the problem concerns the whole document. `problem` describes the error at this place.
    """

    def __init__(self, source: str, pointer: str, problem: str) -> None:
        super().__init__(f"{source}#{pointer}: {problem}" if pointer else f"{source}: {problem}")
        self.source = source
        self.pointer = pointer
        self.problem = problem


class NotATaskError(SpecError):
    """An operation neither creates nor queries a task, for example because it is synchronous or an upload."""


class ManySpecError(SpecError):
    """Several errors in OpenAPI documents. `source`, `pointer` and `problem` describe the first error."""

    def __init__(self, errors: Sequence[SpecError]) -> None:
        first = errors[0]
        super().__init__(first.source, first.pointer, first.problem)
        self.args = ("\n".join(map(str, errors)),)
        self.errors = tuple(errors)


def single(errors: Sequence[SpecError]) -> SpecError:
    """Return one error that contains all `errors`. If there is only one, it is returned unchanged."""
    return errors[0] if len(errors) == 1 else ManySpecError(errors)
