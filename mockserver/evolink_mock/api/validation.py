"""Whether a request body keeps the schema, and if not, what is wrong where. Compiled once, at start."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec

from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_spec import CreateOperation

_encode = msgspec.json.Encoder().encode
_SHOWN = 80  # characters of an offending value
_REASONS = 3  # how many are told at once
_MANY = (
    200  # values in a document: of a larger one, which may have as many faults, only the first is looked for
)
_MASK = "this value"  # stands for the offending one in the validator's own messages


class Validator:
    """The compiled body schema of one operation."""

    def __init__(self, operation: CreateOperation) -> None:
        self._secret = operation.callback.field if operation.callback else None
        self._compiled = jsonschema_rs.Draft202012Validator(
            dict(operation.body_schema), validate_formats=True, mask=_MASK
        )
        self.is_valid = self._compiled.is_valid

    def check(self, document: Any) -> ApiError | None:
        """None when the document keeps the schema, else the 400 that says what does not."""
        try:
            if self.is_valid(document):
                return None
            errors = self._errors(document)
        except ValueError:  # the validator's own limit: 255 levels
            return ApiError(400, "the body is nested too deeply")
        reasons: dict[str, str] = {}
        for error in errors:
            path, reason = self._reason(error)
            reasons.setdefault(path, reason)
        shown = [f"{path}: {reason}" if path else reason for path, reason in reasons.items()]
        more = f"; and {len(shown) - _REASONS} more" if len(shown) > _REASONS else ""
        return ApiError(400, "; ".join(shown[:_REASONS]) + more, next(iter(reasons)))

    def _errors(self, document: Any) -> Sequence[jsonschema_rs.ValidationError]:
        """What is wrong with a document that is not valid. The validator takes 30 µs for each error."""
        if _is_small(document):
            return list(self._compiled.iter_errors(document))
        try:
            self._compiled.validate(document)
        except jsonschema_rs.ValidationError as error:
            return [error]
        return []

    def _reason(self, error: jsonschema_rs.ValidationError) -> tuple[str, str]:
        kind = error.kind.as_dict()
        path = ".".join(_cut(str(step)) for step in error.instance_path)
        name = error.kind.name
        value = _MASK if path == self._secret else shown(error.instance)
        if name == "required":
            return ".".join(filter(None, (path, kind["property"]))), "is required"
        if name == "enum":
            return path, f"{value} is not one of {', '.join(map(_plain, kind['options']))}"
        if name == "type":
            return path, f"{value} is not of type {' or '.join(kind['types'])}"
        if name == "format":
            return path, f"{value} is not a valid {kind['format']}"
        if name == "maxItems":
            return path, f"has more than {kind['limit']} items"
        return path, _cut(error.message, 2 * _SHOWN).replace(_MASK, value, 1)


def _is_small(document: Any) -> bool:
    """Whether there are at most `_MANY` values in it; the time this takes has the same bound."""
    seen, waiting = 0, [document]
    while waiting and seen <= _MANY:
        value = waiting.pop()
        seen += 1
        if isinstance(value, dict | list):
            members = value.values() if isinstance(value, dict) else value
            waiting.extend(islice(members, _MANY))
    return seen <= _MANY


def shown(value: Any) -> str:
    """A value as a reason shows it: JSON, not too long. What is within an object or array stays untold."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return _cut(_encode(value).decode())


def _cut(text: str, longest: int = _SHOWN) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


def _plain(option: Any) -> str:
    return option if isinstance(option, str) else _encode(option).decode()


def with_defaults(document: Mapping[str, Any], operation: CreateOperation) -> dict[str, Any]:
    """The request as it will be served: the documented defaults under what was sent (clause `create.defaults`)."""
    return {**operation.defaults, **document}
