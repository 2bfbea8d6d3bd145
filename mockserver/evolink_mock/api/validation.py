"""Check a request body against the schema of its operation, compiled once at start, and name the wrong fields."""

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
_REASONS = 3  # named in one error; the others are counted
_MOST_VALUES = 200  # in a document whose errors are all collected; of a larger one only the first is
_NAMES = 5  # unknown fields named in one warning
_SHOWN_NAME = 40  # characters of the name of an unknown field
_MASK = "this value"  # replaces the offending value in the validator's own messages


class Validator:
    """The compiled body schema of one operation."""

    def __init__(self, operation: CreateOperation) -> None:
        self._secret = operation.callback.field if operation.callback else None
        self._compiled = jsonschema_rs.Draft202012Validator(
            dict(operation.body_schema), validate_formats=True, mask=_MASK
        )
        self.is_valid = self._compiled.is_valid

    def check(self, document: Any) -> ApiError | None:
        """None when the document is valid, else the 400 that names the wrong fields."""
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
        lines = [f"{path}: {reason}" if path else reason for path, reason in reasons.items()]
        more = f"; and {len(lines) - _REASONS} more" if len(lines) > _REASONS else ""
        return ApiError(400, "; ".join(lines[:_REASONS]) + more, next(iter(reasons)))

    def _errors(self, document: Any) -> Sequence[jsonschema_rs.ValidationError]:
        """The errors of an invalid document. The validator takes 30 µs for each."""
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
        value = _MASK if path == self._secret else show(error.instance)
        if name == "required":
            return ".".join(filter(None, (path, kind["property"]))), "is required"
        if name == "enum":
            return path, f"{value} is not one of {', '.join(map(_spell, kind['options']))}"
        if name == "type":
            return path, f"{value} is not of type {' or '.join(kind['types'])}"
        if name == "format":
            return path, f"{value} is not a valid {kind['format']}"
        if name == "maxItems":
            return path, f"has more than {kind['limit']} items"
        return path, _cut(error.message, 2 * _SHOWN).replace(_MASK, value, 1)


def _is_small(document: Any) -> bool:
    """Whether a document has at most `_MOST_VALUES` values, found in time of the same bound."""
    count, waiting = 0, [document]
    while waiting and count <= _MOST_VALUES:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict | list):
            members = value.values() if isinstance(value, dict) else value
            waiting.extend(islice(members, _MOST_VALUES))
    return count <= _MOST_VALUES


def show(value: Any) -> str:
    """A value as an error message shows it: JSON, cut to a length. The members of an object or array are not shown."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return _cut(_encode(value).decode())


def _cut(text: str, longest: int = _SHOWN) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


def _spell(option: Any) -> str:
    return option if isinstance(option, str) else _encode(option).decode()


def with_defaults(document: Mapping[str, Any], operation: CreateOperation) -> dict[str, Any]:
    """The request with the documented defaults for the fields that it omits (clause `create.defaults`)."""
    return {**operation.defaults, **document}


def warnings(request: Mapping[str, Any], operation: CreateOperation) -> tuple[str, ...]:
    """Notes on valid fields that are probably mistakes (clauses `create.unknown-fields`, `create.image-urls-empty`)."""
    notes: tuple[str, ...] = ()
    if not request.keys() <= operation.properties:
        unknown = sorted(name[:_SHOWN_NAME] for name in request.keys() - operation.properties)
        notes = (f"warning: unknown field {', '.join(unknown[:_NAMES])}",)
    return notes if request.get("image_urls", True) else (*notes, "warning: image_urls is empty")
