"""Validate a request body against its JSON Schema."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from evolink_check.analysis.identity_key import IdentityKey
from evolink_check.traffic.formats import is_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation

_SCHEMAS = 64  # the maximum number of cached validators


def schema_errors(operation: CreateOperation, body: dict[str, Any]) -> list[jsonschema_rs.ValidationError]:
    """Return one schema error for each faulty place in a request body.

    For example, a text in place of a number violates both `type` and `enum`. The error about `type` is returned.

    Returns an empty list if the body is nested too deeply for the validator.
    """
    try:
        errors = list(_validator(IdentityKey(operation.body_schema)).iter_errors(body))
    except ValueError:  # nested deeper than the validator supports
        return []
    by_place: dict[tuple[str, ...], jsonschema_rs.ValidationError] = {}
    for error in errors:
        place = *map(str, error.instance_path), _missing(error)
        if place not in by_place or _is_more_specific(error):
            by_place[place] = error
    return list(by_place.values())


def _missing(error: jsonschema_rs.ValidationError) -> str:
    return str(error.kind.as_dict()["property"]) if error.kind.name == "required" else ""


def _is_more_specific(error: jsonschema_rs.ValidationError) -> bool:
    # A number such as 1.5 may violate both `type` and an `enum` of numbers. The `enum` error is then more specific.
    # For all other values, the `type` error is more specific.
    number = isinstance(error.instance, int | float) and not isinstance(error.instance, bool)
    kind = error.kind.as_dict()
    if error.kind.name == "enum":
        return number and any(isinstance(option, int | float) for option in kind["options"])
    return error.kind.name == "type" and not (number and {"integer", "number"} & set(kind["types"]))


@lru_cache(_SCHEMAS)
def _validator(schema: IdentityKey[Mapping[str, Any]]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        dict(schema.value), validate_formats=True, formats={"uri": lambda text: bool(is_uri(text))}
    )


def required_properties(operation: CreateOperation) -> frozenset[str]:
    """Return the names of the properties that a request body must have."""
    return _required(IdentityKey(operation.body_schema))


@lru_cache(_SCHEMAS)
def _required(schema: IdentityKey[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(filter(None, (_missing(error) for error in _validator(schema).iter_errors({}))))
