"""Errors in OpenAPI documents, with their location."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SpecError(Exception):
    """An OpenAPI document cannot be read, or contains something that is not supported."""

    def __init__(self, source: str, pointer: str, problem: str) -> None:
        super().__init__(f"{source}#{pointer}: {problem}" if pointer else f"{source}: {problem}")
        self.source = source  # the file as the user named it
        self.pointer = pointer  # JSON pointer (RFC 6901); empty if the problem concerns the whole document
        self.problem = problem


class NotATaskError(SpecError):
    """An operation neither creates nor queries a task.

    Examples are synchronous operations and uploads.
    """


class ManySpecError(SpecError):
    """Several errors in OpenAPI documents. `source`, `pointer` and `problem` describe the first error."""

    def __init__(self, errors: Sequence[SpecError]) -> None:
        first = errors[0]
        super().__init__(first.source, first.pointer, first.problem)
        self.args = ("\n".join(map(str, errors)),)
        self.errors = tuple(errors)


def single(errors: Sequence[SpecError]) -> SpecError:
    """Return one error that contains all `errors`.

    A single error is returned unchanged.
    """
    return errors[0] if len(errors) == 1 else ManySpecError(errors)
