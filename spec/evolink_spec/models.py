"""The contents of OpenAPI documents as frozen records."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (compiled.json is read by these annotations)
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Json = Any  # a decoded JSON value: None, bool, int, float, str, list or dict
Medium = Literal["audio", "image", "video"]
Advice = Literal["fix-request", "retry-later", "give-up"]


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A documented error response."""

    status: int
    description: str
    # The example, `{"error": {"message": str, …}}` with `code` (text or a number), `type` and sometimes `param`.
    body: Mapping[str, Json]


class Statuses(NamedTuple):
    """The values of a task's `status`, as a document names them."""

    initial: str
    running: str  # equals `initial` if the document has one value for unfinished tasks
    success: str
    failure: str
    cancelled: str = ""  # empty if the document has no such value


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """The rules for callback URLs and for the delivery of callbacks (clauses `callback.*`). Times are in seconds."""

    field: str  # the property of a create request that contains the URL
    max_length: int
    timeout: float
    retries: tuple[float, ...]  # the wait before each retry


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A documented failure code of tasks (clause `failure.codes`)."""

    code: str
    message: str
    advice: Advice
    # Name and message of each variant of the failure (clause `failure.policy-kind`).
    kinds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Prose:
    """Facts about results that a document states in its descriptions."""

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
    """An operation (a POST) that creates a task."""

    id: str  # the `operationId`
    method: str
    path: str
    source: str  # the file of the document
    pointer: str  # the JSON pointer to the operation in this file
    medium: Medium  # of the results
    statuses: Statuses
    # The allowed values of `model`, or its default if any text is allowed; empty if no model is named.
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
    """The status query, a GET."""

    id: str
    method: str
    path: str  # ends in a parameter in braces, which stands for the task id
    source: str
    pointer: str
    parameter: str
    statuses: Statuses
    errors: Mapping[int, ErrorAnswer]
    success: int = 200


@dataclass(frozen=True, slots=True)
class Spec:
    """The operations and task failures of all documents."""

    # By (method, path), and then by model. The key None serves all models that no document describes.
    creates: Mapping[tuple[str, str], Mapping[str | None, CreateOperation]]
    query: QueryOperation
    failures: tuple[TaskFailure, ...]
    documents: Mapping[str, Mapping[str, Json]]  # the JSON tree of each file, with all overlays applied
    warnings: tuple[str, ...] = ()  # problems that did not prevent reading the documents
