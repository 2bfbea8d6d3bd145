"""Recognize the schemas of tasks in an OpenAPI document by their properties.

A new model therefore needs no new code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from evolink_spec.errors import NotATaskError
from evolink_spec.models import Advice, CallbackRules, Statuses, TaskFailure
from evolink_spec.schemas import check, check_value, keywords, sample, types_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_spec.models import Json, Medium
    from evolink_spec.pointers import Node

_INITIAL = ("pending", "queued", "submitted", "created", "waiting", "not_started")
_RUNNING = ("processing", "in_progress", "running", "generating")
_SUCCESS = ("completed", "succeeded", "success", "finished", "done")
_FAILURE = ("failed", "failure", "error")
_CANCELLED = ("cancelled", "canceled")
# If a response has one of these members, it contains the result itself. The operation is synchronous and has no task.
_PAYLOAD = ("candidates", "choices", "content", "data", "embeddings", "output", "outputs")
# Only finished tasks have these members, even if the schema of a create response describes them.
_AT_THE_END = ("error", "results", "result_data")
_MEDIA: dict[Json, Medium] = {"audio": "audio", "image": "image", "video": "video"}
_OBJECT = re.compile(r"(\w+)\.generation\.task")


def statuses_of(properties: Mapping[str, Node], operation: Node) -> Statuses:
    """Return the status values in the response schema of an operation.

    A task has an `id` and a `status`. The `status` has values for an initial state, success and failure. Raises
    `SpecError`, with the location and the reason, if the response describes no task.
    """
    for name in ("id", "status"):
        if name not in properties:
            raise not_a_task(operation, f"describes no task: its response has no `{name}`")
    if "string" not in (types_of(properties["id"]) or ["string"]):
        raise properties["id"].error("is not text: the `id` of a task is part of a path")
    listed = keywords(properties["status"]).get("enum")
    if not isinstance(listed, list):
        raise not_a_task(operation, "describes no task: the `status` of its response has no `enum`")
    initial, running, success, failure, cancelled = (
        next((word for word in wanted if word in listed), None)
        for wanted in (_INITIAL, _RUNNING, _SUCCESS, _FAILURE, _CANCELLED)
    )
    if initial is None or success is None or failure is None:
        missing = "an initial" if initial is None else "a success" if success is None else "a failure"
        raise not_a_task(
            operation, f"describes no task: the `status` of its response has no value for {missing} state"
        )
    return Statuses(initial, running or initial, success, failure, cancelled or "")


def not_a_task(operation: Node, problem: str) -> NotATaskError:
    """Return the error for an operation that neither creates nor queries a task.

    `problem` is the reason.
    """
    return NotATaskError(operation.source, operation.pointer, problem)


def refuse_payload(properties: Mapping[str, Node], operation: Node) -> None:
    """Raise `SpecError` if the response has a property for a result, such as `data`.

    An operation with such a response is synchronous and creates no task.
    """
    for name in _PAYLOAD:
        if name in properties:
            raise not_a_task(operation, f"describes no task: its response has `{name}`, so it is synchronous")


def sample_answer(answer: Node) -> dict[str, Json]:
    """Build the response body of a new task from the examples in a schema.

    Results and errors are left out.
    """
    check(answer)
    body = sample(answer)
    if not isinstance(body, dict):
        raise answer.error(f"has an example that is not an object: {body!r:.80}")
    body = {name: value for name, value in body.items() if name not in _AT_THE_END}
    check_value(answer, body, answer, "the response built from its examples")
    return body


def medium_of(properties: Mapping[str, Node], operation: Node, path: str) -> Medium:
    """Return the medium (audio, image or video) of a task's results.

    The medium is read from the property `object`, such as `video.generation.task`. The next sources are the property
    `type` and the path. Raises `SpecError` if none of them names a medium.
    """
    match = _OBJECT.fullmatch(str(_single_value(properties.get("object"))))
    if match:
        if match[1] not in _MEDIA:
            raise properties["object"].error(f"is a task that makes {match[1]}, not audio, image or video")
        return _MEDIA[match[1]]
    kind = _single_value(properties.get("type"))
    if kind in _MEDIA:
        return _MEDIA[kind]
    named = {_MEDIA[word] for segment in path.split("/") if (word := segment.rstrip("s")) in _MEDIA}
    if len(named) != 1:
        raise operation.error(
            "does not state its medium: no audio, image or video in `object`, `type` or the path"
        )
    return named.pop()


def _single_value(schema: Node | None) -> str | None:
    present = keywords(schema) if schema else {}
    listed = [present["const"]] if "const" in present else present.get("enum", [])
    if not isinstance(listed, list) or len(listed) != 1:
        listed = [present[key] for key in ("default", "example") if key in present][:1]
    return listed[0] if listed and isinstance(listed[0], str) else None


def models_of(model: Node | None) -> tuple[str, ...]:
    """Return the values that the schema of the field `model` allows.

    The values are read from `const` or `enum`. Without these keywords, the default is returned. Returns an empty tuple
    if there is no default. Returns an empty tuple if `model` is None.
    """
    if model is None:
        return ()
    present = keywords(model)
    for word in ("allOf", "anyOf", "if", "not", "oneOf"):
        if word in present:
            raise model.child(word).error("names models in an unsupported way: use `enum`")
    default = [present["default"]] if "default" in present else []
    listed = [present["const"]] if "const" in present else present.get("enum", default)
    if not all(isinstance(name, str) for name in listed):
        raise model.error(f"must name its models as text, not {listed!r:.80}")
    return tuple(dict.fromkeys(listed))


def aliases_of(model: Node | None, models: Sequence[str]) -> dict[str, str]:
    """Return the extension `x-evolink-aliases` of `model`.

    The extension maps old model names to current names.
    """
    listed = model.get("x-evolink-aliases") if model else None
    aliases = {}
    for old, new in listed.children() if listed else ():
        if new.text() not in models:
            raise new.error(f"{new.text()!r} is not one of {', '.join(models) or 'any models'}")
        aliases[old] = new.text()
    return aliases


def callback_of(properties: Mapping[str, Node]) -> CallbackRules | None:
    """Return the rules in the extension `x-evolink-callback`.

    Returns None if no property has the extension. The property with the extension contains the callback URL.
    """
    rules = None
    for name, node in properties.items():
        if "x-evolink-callback" in keywords(node):
            extension = node.child("x-evolink-callback")
            if rules:
                raise extension.error(f"is also on {rules.field!r}: there can be one callback URL")
            extension.fields({"retries", "timeout"})
            waits = tuple(float(wait.number()) for wait in extension.child("retries").items())
            limit = int(node.child("maxLength").number())
            rules = CallbackRules(name, limit, float(extension.child("timeout").number()), waits)
    return rules


def failures_in(error: Node | None) -> tuple[TaskFailure, ...]:
    """Return the task failures in the extension `x-evolink-failures`, in document order.

    `error` is the property `error` of a task.
    """
    listed = error.get("x-evolink-failures") if error else None
    failures: dict[str, TaskFailure] = {}
    for entry in listed.items() if listed else ():
        entry.fields({"advice", "code", "kinds", "message"})
        advice, code = entry.child("advice"), entry.child("code").text()
        if advice.value not in get_args(Advice):
            raise advice.error(f"{advice.value!r} is not one of {', '.join(get_args(Advice))}")
        if code in failures:
            raise entry.child("code").error(f"{code!r} appears twice")
        subtypes = entry.get("kinds")
        kinds = tuple((name, kind.text()) for name, kind in subtypes.children()) if subtypes else ()
        failures[code] = TaskFailure(code, entry.child("message").text(), advice.value, kinds)
    return tuple(failures.values())
