"""The contents of the documents as frozen records, which the other packages use."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (compiled.json is read by these annotations)
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Json = Any  # a decoded JSON value: None, bool, int, float, str, list or dict
Medium = Literal["audio", "image", "video"]
Advice = Literal["fix-request", "retry-later", "give-up"]


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A documented error response: its HTTP status and the body of the document's example.

    `body` is `{"error": {"message": str, …}}`, with `code` (text or a number), `type` and sometimes `param`.
    """

    status: int
    description: str
    body: Mapping[str, Json]


class Statuses(NamedTuple):
    """The values of a task's `status`, in the order in which a task passes through them.

    `running` may equal `initial`; `cancelled` is empty if the document has no such value.
    """

    initial: str
    running: str
    success: str
    failure: str
    cancelled: str = ""


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """The rules for a callback URL and its delivery (clauses `callback.*`). Times are in seconds."""

    field: str  # the request property that carries the URL
    max_length: int
    timeout: float
    retries: tuple[float, ...]  # the wait before each retry


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A documented `error.code` of a failed task (clause `failure.codes`).

    `kinds` are the subtypes of the failure, each with its message; they differ in nothing else (clause
    `failure.policy-kind`).
    """

    code: str
    message: str
    advice: Advice
    kinds: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Prose:
    """Facts about the results of a task that a document states only in its descriptions.

    `link_seconds` is how long a result link is valid. `results` is the number of results of a request without
    `n`. While the duration of a result is undecided, the price of `hold_seconds` is reserved.
    """

    link_seconds: float = 24 * 3600.0
    results: int = 1
    hold_seconds: float = 30.0
    has_files: bool = True
    has_result_data: bool = False
    result_data: Json = None  # the example of the document, if its response describes them
    has_layers: bool = False  # each entry of `result_data` has a `z_index`


@dataclass(frozen=True, slots=True)
class CreateOperation:
    """A POST that creates a task.

    `models` are the allowed values of the request's `model`, or its default if any text is allowed; empty if
    the document names none. `aliases` maps an old model name to the current one. `body_schema` is
    self-contained: it includes the components to which it refers. `answer` is the success body, built from
    the examples of the schema without the members of a finished task; `success` is its status.
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
    prose: Prose = Prose()


@dataclass(frozen=True, slots=True)
class QueryOperation:
    """The GET that queries a task. `path` ends in `{parameter}`."""

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

    `creates` is indexed by (method, path), then by model. A document that names no model has the key None and
    applies to every model that no other document describes. `documents` maps each source to its document
    after the overlays. `warnings` are problems in spite of which the documents could be read.
    """

    creates: Mapping[tuple[str, str], Mapping[str | None, CreateOperation]]
    query: QueryOperation
    failures: tuple[TaskFailure, ...]
    documents: Mapping[str, Mapping[str, Json]]
    warnings: tuple[str, ...] = ()
