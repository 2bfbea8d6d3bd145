"""The contents of OpenAPI documents as frozen records, which the mock server and the checks use."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (compiled.json is read by these annotations)
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Json = Any  # a decoded JSON value: None, bool, int, float, str, list or dict
Medium = Literal["audio", "image", "video"]
Advice = Literal["fix-request", "retry-later", "give-up"]


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A documented error response: its status, its description, and the example of its body.

    The example is `{"error": {"message": str, …}}`. The error also has `code` (text or a number), `type` and sometimes
    `param`.
    """

    status: int
    description: str
    body: Mapping[str, Json]


class Statuses(NamedTuple):
    """The values of a task's `status`, as a document names them.

    If a document has only one value for unfinished tasks, `running` equals `initial`. If a document has no value for
    cancelled tasks, `cancelled` is empty.
    """

    initial: str
    running: str
    success: str
    failure: str
    cancelled: str = ""


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """The rules for callback URLs and for the delivery of callbacks (clauses `callback.*`). Times are in seconds."""

    field: str  # the property of a create request that contains the URL
    max_length: int
    timeout: float
    retries: tuple[float, ...]  # the wait before each retry


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A documented failure code of tasks (clause `failure.codes`).

    `kinds` are variants of the failure that differ only in the message, as pairs of name and message (clause
    `failure.policy-kind`).
    """

    code: str
    message: str
    advice: Advice
    kinds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Prose:
    """Facts about the results of a task that a document states only in its descriptions, not in its schemas."""

    link_seconds: float = 24 * 3600.0  # how long result links work
    results: int = 1  # the number of results of a create request without the field `n`
    # The longest duration in seconds. Its price is reserved if a request lets the service choose the duration.
    hold_seconds: float = 30.0
    has_files: bool = True  # whether the results are files, with links
    has_result_data: bool = False  # whether a completed task has a member `result_data`
    result_data: Json = None  # the example in the document, if it describes `result_data`
    has_layers: bool = False  # whether each entry of `result_data` has a `z_index`


@dataclass(frozen=True, slots=True)
class CreateOperation:
    """An operation (a POST) that creates a task.

    `models` are the allowed values of the field `model`. If the document allows any text, `models` contains only the
    default of the field; if the document names no model, `models` is empty.
    """

    id: str  # the `operationId`
    method: str
    path: str
    source: str  # the file of the document
    pointer: str  # the JSON pointer to the operation in this file
    medium: Medium  # of the results
    statuses: Statuses
    models: tuple[str, ...]
    aliases: Mapping[str, str]  # old model names, with the current name of each
    body_schema: Mapping[str, Json]  # with all components to which the schema refers
    properties: frozenset[str]  # the documented names at the top of the request body
    defaults: Mapping[str, Json]  # the default of each field of the request body that has one
    answer: Mapping[str, Json]  # the response body of a new task, built from the examples in the document
    errors: Mapping[int, ErrorAnswer]  # by status
    callback: CallbackRules | None  # None if requests cannot contain a callback URL
    success: int = 200  # the status of the response with `answer`
    prose: Prose = Prose()


@dataclass(frozen=True, slots=True)
class QueryOperation:
    """The status query, a GET. `path` ends in a parameter in braces, which stands for the task id."""

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

    `creates` maps (method, path) to the create operations by model. The operation of a document that names no model has
    the key None, and serves all models that no other document describes. `documents` maps each file to its JSON tree,
    with all overlays applied. `warnings` are problems that did not prevent reading the documents.
    """

    creates: Mapping[tuple[str, str], Mapping[str | None, CreateOperation]]
    query: QueryOperation
    failures: tuple[TaskFailure, ...]
    documents: Mapping[str, Mapping[str, Json]]
    warnings: tuple[str, ...] = ()
