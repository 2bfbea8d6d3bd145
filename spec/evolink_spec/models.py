"""Frozen records with the contents of the OpenAPI documents, which the other packages use."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (compiled.json is read by these annotations)
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Json = Any  # a decoded JSON value: None, bool, int, float, str, list or dict
Medium = Literal["audio", "image", "video"]
Advice = Literal["fix-request", "retry-later", "give-up"]


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A documented error response. `body` is the example in the document.

    `body` is `{"error": {"message": str, …}}`. The error also has `code` (text or a number), `type` and
    sometimes `param`.
    """

    status: int
    description: str
    body: Mapping[str, Json]


class Statuses(NamedTuple):
    """The values of a task's `status`, in the order in which a task passes through them.

    If a document has only one value for unfinished tasks, `running` equals `initial`. `cancelled` is empty if
    the document has no value for cancelled tasks.
    """

    initial: str
    running: str
    success: str
    failure: str
    cancelled: str = ""


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """The rules for a callback URL and for the delivery of a callback (clauses `callback.*`). Times are in seconds."""

    field: str  # the property of a create request that contains the URL
    max_length: int
    timeout: float
    retries: tuple[float, ...]  # the wait before each retry


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A documented `error.code` of a failed task (clause `failure.codes`).

    `kinds` are the subtypes of the failure as pairs of name and message. Nothing but the message differs
    between subtypes (clause `failure.policy-kind`).
    """

    code: str
    message: str
    advice: Advice
    kinds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Prose:
    """Facts about the results of a task that a document states only in its descriptions.

    `link_seconds` is how long a result link is valid. `results` is the number of results if the create request
    has no `n`. If the duration of a result is not known when the task is created, the price of `hold_seconds`
    is reserved.
    """

    link_seconds: float = 24 * 3600.0
    results: int = 1
    hold_seconds: float = 30.0
    has_files: bool = True
    has_result_data: bool = False
    result_data: Json = None  # the example in the document, if it describes `result_data`
    has_layers: bool = False  # each entry of `result_data` has a `z_index`


@dataclass(frozen=True, slots=True)
class CreateOperation:
    """A POST that creates a task.

    `models` are the allowed values of `model` in the request body; only the default if any text is allowed, and empty
    if the document names no model. `aliases` maps an old model name to the current one. `body_schema` includes the
    components to which it refers. `answer` is the body of a successful response, built from the examples of its schema,
    without the members of a finished task. `success` is the HTTP status of a successful response.
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
    properties: frozenset[str]  # the documented names at the top of the request body
    defaults: Mapping[str, Json]
    answer: Mapping[str, Json]
    errors: Mapping[int, ErrorAnswer]
    callback: CallbackRules | None
    success: int = 200
    prose: Prose = Prose()


@dataclass(frozen=True, slots=True)
class QueryOperation:
    """The GET that queries a task. `path` ends in `{parameter}`, which stands for the task id."""

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
    """The operations and task failures of all documents.

    `creates` is indexed by (method, path), then by model. An operation whose document names no model has the key None;
    it applies to every model that no other document describes. `documents` maps each source to the JSON tree of its
    document, with all overlays applied. `warnings` are problems that did not prevent reading the documents.
    """

    creates: Mapping[tuple[str, str], Mapping[str | None, CreateOperation]]
    query: QueryOperation
    failures: tuple[TaskFailure, ...]
    documents: Mapping[str, Mapping[str, Json]]
    warnings: tuple[str, ...] = ()
