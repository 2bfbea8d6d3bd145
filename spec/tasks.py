"""How a task is told from any other answer: by shape, so that a new document needs no new code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from spec.records import Statuses

if TYPE_CHECKING:
    from spec.pointers import Node
    from spec.records import Medium

_INITIAL = ("pending", "queued", "submitted", "created", "waiting", "not_started")
_RUNNING = ("processing", "in_progress", "running", "generating")
_SUCCESS = ("completed", "succeeded", "success", "finished", "done")
_FAILURE = ("failed", "failure", "error")
# A body with one of these already holds the answer: a synchronous operation, which has no task.
_PAYLOAD = {"candidates", "choices", "content", "data", "embeddings", "output", "outputs"}
_MEDIA: dict[str, Medium] = {"audio": "audio", "image": "image", "video": "video"}


def statuses_of(answer: Node) -> Statuses | None:
    """The status words of an answer schema that describes a task; None when it describes none.

    A task is an object with an `id`, no answer payload, and a `status` whose enum holds an initial,
    a success and a failure word.
    """
    properties = answer.get("properties")
    if properties is None or not {"id", "status"} <= properties.mapping().keys():
        return None
    if _PAYLOAD & properties.mapping().keys():
        return None
    words = properties.child("status").mapping().get("enum", [])
    initial, running, success, failure = (
        _first(words, of) for of in (_INITIAL, _RUNNING, _SUCCESS, _FAILURE)
    )
    if initial is None or success is None or failure is None:
        return None
    return Statuses(initial, running or initial, success, failure)


def medium_of(answer: Node, path: str) -> Medium:
    """What a task makes: from `object` (`video.generation.task`), else `type`, else the path."""
    for word in ("object", "type"):
        found = _medium_from(answer, word)
        if found is not None:
            return found
    for segment in path.split("/"):
        if segment.rstrip("s") in _MEDIA:
            return _MEDIA[segment.rstrip("s")]
    raise answer.error("does not say what is made: no audio, image or video in `object`, `type` or the path")


def _medium_from(answer: Node, word: Literal["object", "type"]) -> Medium | None:
    """The medium that the property `word` names, when it leaves no choice."""
    node = answer.child("properties").get(word)
    if node is None:
        return None
    schema = node.mapping()
    named = [schema["const"]] if "const" in schema else schema.get("enum", [])
    if len(named) != 1:
        named = [schema[key] for key in ("default", "example") if key in schema][:1]
    return _MEDIA.get(str(named[0]).split(".")[0]) if named else None


def _first(words: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((word for word in wanted if word in words), None)
