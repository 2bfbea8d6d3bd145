"""Read the operations of an OpenAPI document. Errors contain the location of whatever is not supported."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evolink_spec.errors import NotATaskError, SpecError
from evolink_spec.models import CreateOperation, QueryOperation
from evolink_spec.operation_parts.checks import check_parameters, check_servers
from evolink_spec.operation_parts.error_answers import FIRST_ERROR, errors_of
from evolink_spec.operation_parts.prose import aliases_in, prose_of
from evolink_spec.schemas import check, defaults_of, properties_of, standalone, types_of
from evolink_spec.tasks import (
    aliases_of,
    callback_of,
    failures_in,
    medium_of,
    models_of,
    not_a_task,
    refuse_payload,
    sample_answer,
    statuses_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.models import TaskFailure
    from evolink_spec.pointers import Node

_JSON = "application/json"
_METHODS = {"delete", "get", "head", "options", "patch", "post", "put", "trace"}
_BESIDE_METHODS = {"description", "parameters", "servers", "summary"}
_OPERATION = {"deprecated", "description", "externalDocs", "operationId", "parameters", "requestBody"}
_OPERATION |= {"responses", "security", "servers", "summary", "tags"}
_REQUEST_BODY = {"content", "description", "required"}
_RESPONSE = {"content", "description", "headers", "links"}
_MEDIA_TYPE = {"encoding", "example", "examples", "schema"}
_CREATE_PATH = re.compile(r"/[^{}]*")
_QUERY_PATH = re.compile(r"/([^{}]*/)?\{(?P<parameter>[A-Za-z_][A-Za-z0-9_]*)\}")
_STATUS = re.compile(r"[245][0-9][0-9]")


@dataclass(slots=True)
class Notes:
    """Problems that did not prevent reading a document."""

    skipped: list[SpecError] = field(default_factory=list)  # operations without a task
    warnings: list[SpecError] = field(default_factory=list)


def operations_of(document: Node, notes: Notes | None = None) -> list[CreateOperation | QueryOperation]:
    """Return the operations of a document that create or query a task.

    `notes.skipped` receives all other operations. If `notes` is None, such an operation raises `SpecError`. The
    built-in overlay must not have been applied yet.
    """
    check_servers(document)
    operations: dict[str, CreateOperation | QueryOperation] = {}
    paths = document.child("paths")
    for path in paths.mapping():
        for operation in () if path.startswith("x-") else _path_item(path, paths.child(path), notes):
            if operation.id in operations:
                problem = f"repeats the operationId {operation.id!r} of {operations[operation.id].pointer}"
                raise SpecError(operation.source, operation.pointer, problem)
            operations[operation.id] = operation
    if not operations and not (notes and notes.skipped):
        raise paths.error("describes no operation")
    return list(operations.values())


def _path_item(path: str, item: Node, notes: Notes | None) -> Iterator[CreateOperation | QueryOperation]:
    problems = {
        name: _why_no_task(path, name, item.child(name)) for name in item.mapping() if name in _METHODS
    }
    skipped = [problem for problem in problems.values() if problem is not None]
    if skipped and notes is None:
        raise skipped[0]
    if notes is not None:
        notes.skipped += skipped
    if problems and len(skipped) == len(problems):
        return
    check_servers(item)
    for name, node in item.fields(_METHODS | _BESIDE_METHODS).items():
        if name not in _METHODS or problems[name] is not None:
            continue
        node.fields(_OPERATION)
        query = _QUERY_PATH.fullmatch(path)
        warnings = notes.warnings if notes else []
        if name == "post":
            check_parameters(item, node, None)
            yield _create(path, node, warnings)
        elif query:
            check_parameters(item, node, query["parameter"])
            yield _query(path, node, query["parameter"], warnings)


def _why_no_task(path: str, method: str, node: Node) -> SpecError | None:
    is_create = method == "post" and "requestBody" in node.mapping() and _CREATE_PATH.fullmatch(path)
    if not is_create and not (method == "get" and _QUERY_PATH.fullmatch(path)):
        return not_a_task(
            node,
            "is neither a create (POST with a JSON body, no parameter in its path) "
            "nor a query (GET with one parameter, at the end of its path)",
        )
    try:
        answered = properties_of(_success(node)[1])
        if is_create:
            refuse_payload(answered, node)
        statuses_of(answered, node)
    except NotATaskError as error:
        return error
    except SpecError:
        return None  # a fault of the document, reported where it is read
    return None


def _query(path: str, node: Node, parameter: str, warnings: list[SpecError]) -> QueryOperation:
    success, answer = _success(node)
    statuses = statuses_of(properties_of(answer), node)
    check(answer)
    return QueryOperation(
        id=node.child("operationId").text(),
        method="GET",
        path=path,
        source=node.source,
        pointer=node.pointer,
        parameter=parameter,
        statuses=statuses,
        errors=errors_of(_responses(node), warnings),
        success=success,
    )


def _create(path: str, node: Node, warnings: list[SpecError]) -> CreateOperation:
    success, answer = _success(node)
    answered = properties_of(answer)
    refuse_payload(answered, node)
    statuses = statuses_of(answered, node)
    body = _request_schema(node)
    check(body)
    if "object" not in (types_of(body) or ["object"]):
        raise body.error("must be of type object")
    properties = properties_of(body)
    return CreateOperation(
        id=node.child("operationId").text(),
        method="POST",
        path=path,
        source=node.source,
        pointer=node.pointer,
        medium=medium_of(answered, node, path),
        statuses=statuses,
        models=models_of(properties.get("model")),
        aliases={},
        body_schema={**standalone(body), "type": "object"},
        properties=frozenset(properties),
        defaults=dict(defaults_of(properties)),
        answer=sample_answer(answer),
        errors=errors_of(_responses(node), warnings),
        callback=None,
        success=success,
        prose=prose_of(node, properties, answered),
    )


def with_prose(operation: CreateOperation, document: Node) -> CreateOperation:
    """Return a copy of the operation with old model names and callback rules.

    Overlays have added both to `document` as extensions (`x-evolink-aliases`, `x-evolink-callback`).
    """
    node = document.child("paths").child(operation.path).child("post")
    properties = properties_of(_request_schema(node))
    aliases = aliases_of(properties.get("model"), operation.models)
    return replace(operation, aliases=aliases, callback=callback_of(properties))


def prose_aliases(operation: CreateOperation, document: Node) -> dict[str, str]:
    """Return the old model names in the description of `model`.

    Each old name is mapped to its current name.
    """
    node = document.child("paths").child(operation.path).child("post")
    return aliases_in(properties_of(_request_schema(node)).get("model"), operation.models)


def failures_of(query: QueryOperation, document: Node) -> tuple[TaskFailure, ...]:
    """Return the ways in which a task can fail. Overlays list them in the status query operation."""
    _, answer = _success(document.child("paths").child(query.path).child("get"))
    return failures_in(properties_of(answer).get("error"))


def _request_schema(operation: Node) -> Node:
    content = operation.child("requestBody").fields(_REQUEST_BODY).get("content")
    if content is None:
        raise operation.child("requestBody").error("has no 'content'")
    content.fields({_JSON})
    return _media(content).child("schema")


def _media(content: Node) -> Node:
    media = content.child(_JSON)
    media.fields(_MEDIA_TYPE)
    return media


def _responses(operation: Node) -> list[tuple[int, Node]]:
    answers = []
    responses = operation.child("responses")
    for status in responses.mapping():
        if not status.startswith("x-"):
            response = responses.child(status)
            if not _STATUS.fullmatch(status):
                raise response.error(
                    "is not a supported status: use single 2xx, 4xx or 5xx statuses, no range, no `default`"
                )
            response.fields(_RESPONSE)
            answers.append((int(status), response))
    return answers


def _success(operation: Node) -> tuple[int, Node]:
    for status, response in _responses(operation):
        if status < FIRST_ERROR:
            return status, _media(response.child("content")).child("schema")
    raise operation.child("responses").error("has no 2xx response")
