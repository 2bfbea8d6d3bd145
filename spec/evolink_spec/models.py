"""What the documents say, as frozen records: the only shapes the other packages see."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (compiled.json is read by these annotations)
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Json = Any  # a decoded JSON value: None, bool, int, float, str, list or dict
Medium = Literal["audio", "image", "video"]
Advice = Literal["fix-request", "retry-later", "give-up"]


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A documented error answer: its HTTP status and the body of the document's own example.

    `body` is `{"error": {"message": str, …}}`; in the documents of the family `code` (text or a number),
    `type` and sometimes `param` stand beside the message.
    """

    status: int
    description: str
    body: Mapping[str, Json]


class Statuses(NamedTuple):
    """The words of a task's `status`, in the order of its life. `running` may be the initial word."""

    initial: str
    running: str
    success: str
    failure: str


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """What binds a callback URL and its delivery (clauses `callback.*`). Times are in seconds."""

    field: str  # the request property that carries the URL
    max_length: int
    timeout: float
    retries: tuple[float, ...]  # the wait before each retry


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A documented `error.code` of a failed task (clause `failure.codes`).

    `kinds` are the finer ones that only the message tells apart, each with its message (clause `failure.policy-kind`).
    """

    code: str
    message: str
    advice: Advice
    kinds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CreateOperation:
    """A POST that starts a task.

    `models` are the values that the request's `model` may have, or its default where it may be any
    text; empty when the document names none. `aliases` maps an old name to the one that answers.
    `body_schema` stands alone: it carries the components it refers to. `answer` is the success body
    made of the schema's own examples, without what only a task that is over has; `success` is its
    status. `media_seconds` and the like are not here: they are read from a request.
    """

    id: str
    method: str
    path: str
    source: str
    pointer: str
    medium: Medium
    statuses: Statuses
    models: tuple[str, ...]
    aliases: Mapping[str, str]
    body_schema: Mapping[str, Json]
    properties: frozenset[str]  # the documented names at the top of the body
    defaults: Mapping[str, Json]
    answer: Mapping[str, Json]
    errors: Mapping[int, ErrorAnswer]
    callback: CallbackRules | None
    success: int = 200


@dataclass(frozen=True, slots=True)
class QueryOperation:
    """The GET that tells how a task is doing. `path` ends in `{parameter}`."""

    id: str
    method: str
    path: str
    source: str
    pointer: str
    parameter: str
    statuses: Statuses
    errors: Mapping[int, ErrorAnswer]
    success: int = 200


@dataclass(frozen=True, slots=True)
class Spec:
    """Every operation of every document.

    `creates` is indexed by (method, path), then by model; the model `None` stands for a document
    that names none, and answers whatever the others do not. `documents` are the documents as the
    overlays leave them, by source.
    """

    creates: Mapping[tuple[str, str], Mapping[str | None, CreateOperation]]
    query: QueryOperation
    failures: tuple[TaskFailure, ...]
    documents: Mapping[str, Mapping[str, Json]]
