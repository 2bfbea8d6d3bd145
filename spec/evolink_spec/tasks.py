"""What a document says of tasks: by shape where it can, so that a new document needs no new code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

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
# A create with one of these in its answer already gives what was asked for: it is synchronous and has no task.
_PAYLOAD = ("candidates", "choices", "content", "data", "embeddings", "output", "outputs")
# What an answer has only once the task is over, wherever the schema of a create describes it as well.
_AT_THE_END = ("error", "results")
_MEDIA: dict[Json, Medium] = {"audio": "audio", "image": "image", "video": "video"}
_OBJECT = re.compile(r"(\w+)\.generation\.task")


def statuses_of(properties: Mapping[str, Node], operation: Node) -> Statuses:
    """The status words in an answer that describes a task: an `id`, and a `status` with the states it needs.

    `SpecError` at the operation, saying why, when the answer describes none.
    """
    for name in ("id", "status"):
        if name not in properties:
            raise operation.error(f"has no task: its answer has no `{name}`")
    if "string" not in (types_of(properties["id"]) or ["string"]):
        raise properties["id"].error("is no text: a task is asked for by the `id` in a path")
    listed = keywords(properties["status"]).get("enum")
    if not isinstance(listed, list):
        raise operation.error("has no task: the `status` of its answer has no `enum`")
    initial, running, success, failure = (
        next((word for word in wanted if word in listed), None)
        for wanted in (_INITIAL, _RUNNING, _SUCCESS, _FAILURE)
    )
    if initial is None or success is None or failure is None:
        missing = "an initial" if initial is None else "a success" if success is None else "a failure"
        raise operation.error(f"has no task: the `status` of its answer has no word for {missing} state")
    return Statuses(initial, running or initial, success, failure)


def refuse_payload(properties: Mapping[str, Node], operation: Node) -> None:
    """Raise `SpecError` for an answer that already holds what a task would have to make."""
    for name in _PAYLOAD:
        if name in properties:
            raise operation.error(f"has no task: its answer holds `{name}`, so it answers at once")


def sample_answer(answer: Node) -> dict[str, Json]:
    """The answer made of the examples of its schema, as it is before the task is over."""
    check(answer)
    found = sample(answer)
    if not isinstance(found, dict):
        raise answer.error(f"has an example that is no object: {found!r:.80}")
    found = {name: value for name, value in found.items() if name not in _AT_THE_END}
    check_value(answer, found, answer, "the answer made of its examples")
    return found


def medium_of(properties: Mapping[str, Node], operation: Node, path: str) -> Medium:
    """What a task makes: from `object` (`video.generation.task`), else `type`, else the path."""
    found = _OBJECT.fullmatch(str(_only_word(properties.get("object"))))
    if found:
        if found[1] not in _MEDIA:
            raise properties["object"].error(f"is a task that makes {found[1]}: no audio, image or video")
        return _MEDIA[found[1]]
    kind = _only_word(properties.get("type"))
    if kind in _MEDIA:
        return _MEDIA[kind]
    named = {_MEDIA[word] for segment in path.split("/") if (word := segment.rstrip("s")) in _MEDIA}
    if len(named) != 1:
        raise operation.error(
            "does not say what it makes: no audio, image or video in `object`, `type` or the path"
        )
    return named.pop()


def _only_word(schema: Node | None) -> str | None:
    """The text that a property always has, or has in the document's example."""
    said = keywords(schema) if schema else {}
    listed = [said["const"]] if "const" in said else said.get("enum", [])
    if not isinstance(listed, list) or len(listed) != 1:
        listed = [said[key] for key in ("default", "example") if key in said][:1]
    return listed[0] if listed and isinstance(listed[0], str) else None


def models_of(model: Node | None) -> tuple[str, ...]:
    """The models that a request can name: `const`, else `enum`, else the default of what may be any text."""
    if model is None:
        return ()
    said = keywords(model)
    for word in ("allOf", "anyOf", "if", "not", "oneOf"):
        if word in said:
            raise model.child(word).error("names models in a way that is not understood: use `enum`")
    default = [said["default"]] if "default" in said else []
    listed = [said["const"]] if "const" in said else said.get("enum", default)
    if not all(isinstance(name, str) for name in listed):
        raise model.error(f"must name its models by text, not {listed!r:.80}")
    return tuple(dict.fromkeys(listed))


def aliases_of(model: Node | None, models: Sequence[str]) -> dict[str, str]:
    """The old names of models, each with the one that answers (`x-evolink-aliases` of the `model`)."""
    said = model.get("x-evolink-aliases") if model else None
    found = {}
    for old, new in said.children() if said else ():
        if new.text() not in models:
            raise new.error(f"{new.text()!r} is none of {', '.join(models) or 'any models'}")
        found[old] = new.text()
    return found


def callback_of(properties: Mapping[str, Node]) -> CallbackRules | None:
    """The rules of the property that carries a callback URL (`x-evolink-callback`), if there is one."""
    found = None
    for name, node in properties.items():
        if "x-evolink-callback" in keywords(node):
            said = node.child("x-evolink-callback")
            if found:
                raise said.error(f"is given to {found.field!r} as well: there is one callback URL")
            said.fields({"retries", "timeout"})
            waits = tuple(float(wait.number()) for wait in said.child("retries").items())
            limit = int(node.child("maxLength").number())
            found = CallbackRules(name, limit, float(said.child("timeout").number()), waits)
    return found


def failures_in(error: Node | None) -> tuple[TaskFailure, ...]:
    """The failures that a task's `error` can name (`x-evolink-failures`), in their order."""
    said = error.get("x-evolink-failures") if error else None
    found: dict[str, TaskFailure] = {}
    for one in said.items() if said else ():
        one.fields({"advice", "code", "kinds", "message"})
        advice, code = one.child("advice"), one.child("code").text()
        if advice.value not in get_args(Advice):
            raise advice.error(f"{advice.value!r} is none of {', '.join(get_args(Advice))}")
        if code in found:
            raise one.child("code").error(f"{code!r} stands twice")
        finer = one.get("kinds")
        kinds = tuple((name, kind.text()) for name, kind in finer.children()) if finer else ()
        found[code] = TaskFailure(code, one.child("message").text(), advice.value, kinds)
    return tuple(found.values())
