"""Turn the operation objects of a document into records; report the location of unsupported ones."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_spec.errors import SpecError
from evolink_spec.models import CreateOperation, ErrorAnswer, QueryOperation
from evolink_spec.pointers import Node
from evolink_spec.schemas import check, check_value, defaults_of, properties_of, standalone, types_of
from evolink_spec.tasks import (
    aliases_of,
    callback_of,
    failures_in,
    medium_of,
    models_of,
    refuse_payload,
    sample_answer,
    statuses_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.models import Json, TaskFailure

_JSON = "application/json"
_METHODS = {"delete", "get", "head", "options", "patch", "post", "put", "trace"}
_BESIDE_METHODS = {"description", "parameters", "servers", "summary"}
_OPERATION = {"deprecated", "description", "externalDocs", "operationId", "parameters", "requestBody"}
_OPERATION |= {"responses", "security", "servers", "summary", "tags"}
_REQUEST_BODY = {"content", "description", "required"}
_RESPONSE = {"content", "description", "headers", "links"}
_MEDIA_TYPE = {"encoding", "example", "examples", "schema"}
_PARAMETER = {"deprecated", "description", "example", "examples", "in", "name", "required", "schema"}
_CREATE_PATH = re.compile(r"/[^{}]*")
_QUERY_PATH = re.compile(r"/([^{}]*/)?\{(?P<parameter>[A-Za-z_][A-Za-z0-9_]*)\}")
_SERVER = re.compile(r"([a-z]+://[^/?#{}]+)?/?")
_STATUS = re.compile(r"[245][0-9][0-9]")
_FIRST_ERROR = 400
# OpenAPI ignores header parameters of these names: other fields describe them.
_HEADERS = {"accept", "authorization", "content-type"}


def operations_of(document: Node) -> list[CreateOperation | QueryOperation]:
    """Every operation of a document, in document order, without the additions of overlays."""
    _check_servers(document)
    operations: dict[str, CreateOperation | QueryOperation] = {}
    paths = document.child("paths")
    for path in paths.mapping():
        for operation in () if path.startswith("x-") else _path_item(path, paths.child(path)):
            if operation.id in operations:
                problem = f"repeats the operationId {operation.id!r} of {operations[operation.id].pointer}"
                raise SpecError(operation.source, operation.pointer, problem)
            operations[operation.id] = operation
    if not operations:
        raise paths.error("describes no operation")
    return list(operations.values())


def _path_item(path: str, item: Node) -> Iterator[CreateOperation | QueryOperation]:
    _check_servers(item)
    for name, node in item.fields(_METHODS | _BESIDE_METHODS).items():
        if name not in _METHODS:
            continue
        fields = node.fields(_OPERATION)
        query = _QUERY_PATH.fullmatch(path)
        if name == "post" and "requestBody" in fields and _CREATE_PATH.fullmatch(path):
            _check_parameters(item, node, None)
            yield _create(path, node)
        elif name == "get" and query:
            _check_parameters(item, node, query["parameter"])
            yield _query(path, node, query["parameter"])
        else:
            raise node.error(
                "is neither a create (POST with a JSON body, no parameter in its path) "
                "nor a query (GET with one parameter, at the end of its path)"
            )


def _query(path: str, node: Node, parameter: str) -> QueryOperation:
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
        errors=_errors(node),
        success=success,
    )


def _create(path: str, node: Node) -> CreateOperation:
    success, answer = _success(node)
    answered = properties_of(answer)
    refuse_payload(answered, node)
    statuses = statuses_of(answered, node)
    body = _request_body(node)
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
        errors=_errors(node),
        callback=None,
        success=success,
    )


def with_prose(operation: CreateOperation, document: Node) -> CreateOperation:
    """The operation with the additions of the overlays."""
    node = document.child("paths").child(operation.path).child("post")
    properties = properties_of(_request_body(node))
    aliases = aliases_of(properties.get("model"), operation.models)
    return replace(operation, aliases=aliases, callback=callback_of(properties))


def failures_of(query: QueryOperation, document: Node) -> tuple[TaskFailure, ...]:
    """The task failures that a query document lists after the overlays."""
    _, answer = _success(document.child("paths").child(query.path).child("get"))
    return failures_in(properties_of(answer).get("error"))


def _check_servers(node: Node) -> None:
    """Refuse a server with a path prefix: operations are served at exactly the documented path."""
    servers = node.get("servers")
    for server in servers.items() if servers else ():
        url = server.child("url")
        if not _SERVER.fullmatch(url.text()):
            raise url.error("has more than a scheme and a host: move the rest into `paths`")


def _check_parameters(item: Node, node: Node, parameter: str | None) -> None:
    """Raise `SpecError` for a server, parameter or credential that the call needs and that is not supported."""
    _check_servers(node)
    _check_security(node)
    declared = [owner.get("parameters") for owner in (item, node)]
    described = False
    for entry in [entry for parameters in declared if parameters for entry in parameters.items()]:
        entry.fields(_PARAMETER)
        place, name = entry.child("in").text(), entry.child("name").text()
        if place == "path" and name == parameter:
            check(entry.child("schema"))
            if types_of(entry.child("schema")) != ["string"]:
                raise entry.child("schema").error("must be of type string: task ids are text")
            described = True
        elif place != "header" or name.lower() not in _HEADERS:
            raise entry.error("is not a supported parameter: only the one at the end of a query's path is")
    if parameter and not described:
        raise node.error(f"does not describe {parameter!r}, the parameter of its path")


def _check_security(node: Node) -> None:
    """Check that the operation, if it declares security, requires a bearer token and nothing else."""
    root = Node(node.document, node.source)
    required = node.get("security") or root.get("security")
    if required is None:
        return
    for requirement in required.items():
        names = [*requirement.mapping()]
        schemes = [root.child("components").child("securitySchemes").child(name) for name in names]
        kinds = [(scheme.child("type").value, scheme.mapping().get("scheme")) for scheme in schemes]
        if kinds != [("http", "bearer")]:
            raise requirement.error(
                "requires something other than one HTTP bearer token, which is not supported"
            )
    if not required.value:
        raise required.error("requires no token: only operations that take a bearer token are supported")


def _request_body(operation: Node) -> Node:
    """The schema of a request body, which must be JSON only."""
    content = operation.child("requestBody").fields(_REQUEST_BODY).get("content")
    if content is None:
        raise operation.child("requestBody").error("has no 'content'")
    content.fields({_JSON})
    return _media(content).child("schema")


def _media(content: Node) -> Node:
    """The JSON media type of a request body or a response."""
    media = content.child(_JSON)
    media.fields(_MEDIA_TYPE)
    return media


def _responses(operation: Node) -> list[tuple[int, Node]]:
    """The documented responses in document order, each with its status."""
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
    """The first 2xx response: its status and its schema."""
    for status, response in _responses(operation):
        if status < _FIRST_ERROR:
            return status, _media(response.child("content")).child("schema")
    raise operation.child("responses").error("has no 2xx response")


def _errors(operation: Node) -> dict[int, ErrorAnswer]:
    return {
        status: ErrorAnswer(status, str(response.child("description").value), _example(response))
        for status, response in _responses(operation)
        if status >= _FIRST_ERROR
    }


def _example(response: Node) -> dict[str, Json]:
    """The example body of an error response, which must have an `error` with a `message`."""
    media = _media(response.child("content"))
    examples = media.get("examples")
    values = [example.child("value") for _, example in examples.children()] if examples else []
    if (not values) == ("example" not in media.mapping()):
        raise media.error("must have either `example` or `examples` to answer with; an overlay can add one")
    example = values[0] if values else media.child("example")
    example.child("error").child("message").text()
    check_value(media.child("schema"), example.value, example, "the example")
    return example.mapping()
