"""Describe values and schemas in short texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.models import Json

    from evolink_check.drift.schemas.shapes import Branch, Shape

_LONGEST = 80
_KINDS_OF_ANY = 6


def value_text(value: Json) -> str:
    """Return a JSON value as text. A long text is shortened."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def listed(values: Iterable[Json]) -> str:
    """Return the values as one line of text, with commas between them."""
    return ", ".join(value_text(value) for value in values)


def kinds_text(shape: Shape) -> str:
    """Describe the types that a schema accepts, for example `string or null`."""
    if len(shape.kinds) >= _KINDS_OF_ANY:
        return "any"
    return " or ".join(sorted(shape.kinds, key=lambda kind: (kind == "null", kind))) or "nothing"


def range_text(shape: Shape) -> str:
    """Describe the values that a schema accepts, for example `integer 1 to 10`."""
    return "; ".join(_branch_text(branch) for branch in shape.branches) or "nothing"


def _branch_text(branch: Branch) -> str:
    if branch.values is not None:
        return listed(branch.values)
    low, high = branch.limits.get("minimum"), branch.limits.get("maximum")
    others = [f"{word} {value_text(limit)}" for word, limit in branch.limits.items() if word[-4:] != "imum"]
    if low is not None and high is not None:
        others.insert(0, f"{value_text(low)} to {value_text(high)}")
    elif low is not None or high is not None:
        others.insert(0, f"at least {value_text(low)}" if low is not None else f"at most {value_text(high)}")
    return f"any {branch.kind}" if not others else f"{branch.kind} {', '.join(others)}"
