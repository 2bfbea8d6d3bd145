"""Whether a request body keeps the schema, and if not, what is wrong where. Compiled once, at start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec

from mockserver.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spec import CreateOperation

_encode = msgspec.json.Encoder().encode
_SHOWN = 80  # characters of an offending value
_REASONS = 3  # how many are told at once


class Validator:
    """The compiled body schema of one operation."""

    def __init__(self, operation: CreateOperation) -> None:
        self._secret = operation.callback.field if operation.callback else None
        self._compiled = jsonschema_rs.Draft202012Validator(
            dict(operation.body_schema), validate_formats=True
        )
        self.is_valid = self._compiled.is_valid

    def check(self, document: Any) -> Fault | None:
        """None when the document keeps the schema, else the 400 that says what does not."""
        try:
            if self.is_valid(document):
                return None
            errors = list(self._compiled.iter_errors(document))
        except ValueError:  # the validator's own limit: 255 levels
            return Fault(400, "the body is nested too deeply")
        reasons: dict[str, str] = {}
        for error in errors:
            path, reason = self._reason(error)
            reasons.setdefault(path, reason)
        shown = [f"{path}: {reason}" if path else reason for path, reason in reasons.items()]
        more = f"; and {len(shown) - _REASONS} more" if len(shown) > _REASONS else ""
        return Fault(400, "; ".join(shown[:_REASONS]) + more, next(iter(reasons)))

    def _reason(self, error: jsonschema_rs.ValidationError) -> tuple[str, str]:
        kind = error.kind.as_dict()
        path = ".".join(str(step) for step in error.instance_path)
        name = error.kind.name
        value = "this value" if path == self._secret else _short(error.instance)
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
        return path, error.message if len(error.message) <= 2 * _SHOWN else f"{value} breaks `{name}`"


def _short(value: Any) -> str:
    try:
        text = _encode(value).decode()
    except (ValueError, OverflowError, TypeError):
        text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _plain(option: Any) -> str:
    return option if isinstance(option, str) else _encode(option).decode()


def with_defaults(document: Mapping[str, Any], operation: CreateOperation) -> dict[str, Any]:
    """The request as it will be served: the documented defaults under what was sent (clause `create.defaults`)."""
    return {**operation.defaults, **document}
