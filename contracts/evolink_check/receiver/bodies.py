"""Make the JSON bodies of usual, unusual and forged callbacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from evolink_check.receiver.records import TaskBody

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_ESSENTIAL = ("id", "status")  # without these fields, a callback does not report the state of a task
UNKNOWN = "x_unknown"  # the name of a field that no document has


def to_json(body: Any) -> bytes:
    """Encode a body as JSON, without spaces between names and values."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def without_each_field(body: TaskBody) -> Iterator[tuple[str, TaskBody]]:
    """Yield the path of each field, and the body without this field.

    Fields of nested objects (`usage.user_group`) are included. The id and the status are never left out.
    """
    for name, value in body.items():
        if name in _ESSENTIAL:
            continue
        yield name, {other: kept for other, kept in body.items() if other != name}
        if isinstance(value, dict):
            for inner, shorter in without_each_field(value):
                yield f"{name}.{inner}", {**body, name: shorter}


def with_unknown_fields(body: TaskBody) -> TaskBody:
    """Return the body with an unknown field in each of its objects."""
    extended = {
        name: with_unknown_fields(value) if isinstance(value, dict) else value for name, value in body.items()
    }
    return {**extended, UNKNOWN: {"list": [1, None], "text": "…"}}


def completed_early(body: TaskBody, link: str) -> TaskBody:
    """Return a copy of `body` that falsely reports the status `completed`.

    `body` describes a running task. `link` is the result link of the copy.
    """
    return {**body, "status": "completed", "progress": 100, "results": [link]}


def unknown_id(body: TaskBody, random: Random) -> str:
    """Return a task id in the documented format that was never issued."""
    return f"task-unified-{body['created']}-{''.join(random.choices(_LETTERS, k=8))}"
