"""JSON Schemas for editors: of `[tool.evolink-mock]` in pyproject.toml, and of a recipe."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

from evolink_mock.recipes import effects

if TYPE_CHECKING:
    from collections.abc import Callable

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {bool: "boolean", int: "integer", float: "number"}  # the rest is text


def settings_schema(command: Callable[..., object]) -> dict[str, Any]:
    """The schema of the settings that the options of a command can also be."""
    parameters = inspect.signature(command).parameters.values()
    return {
        "$schema": _DIALECT,
        "title": "[tool.evolink-mock] of pyproject.toml",
        "type": "object",
        "properties": {
            one.name.replace("_", "-"): _property(*typing.get_args(one.annotation)) for one in parameters
        },
        "additionalProperties": False,
    }


def recipe_schema() -> dict[str, Any]:
    """The schema of a recipe's text."""
    return effects.schema()


def _property(kind: Any, option: Any) -> dict[str, Any]:
    """The schema of one option, from its annotation `Annotated[kind, option]`."""
    alternatives = [one for one in typing.get_args(kind) or (kind,) if one is not type(None)]
    plain = kind if typing.get_origin(kind) is list else alternatives[0]
    many = typing.get_origin(plain) is list
    found: dict[str, Any] = {"type": _TYPES.get(typing.get_args(plain)[0] if many else plain, "string")}
    limits = {"minimum": option.min, "maximum": option.max}
    found |= {word: limit for word, limit in limits.items() if limit is not None}
    found = {"type": "array", "items": found} if many else found
    return found | {"description": option.help}
