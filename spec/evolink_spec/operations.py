"""From an operation object of a document to a record, or to an error that says where it cannot be read."""

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
# OpenAPI has parameters of these names ignored: they are said by other means.
_HEADERS = {"accept", "authorization", "content-type"}


def operations_of(document: Node) -> list[CreateOperation | QueryOperation]:
    """Every operation of a document, in its order, without what only an overlay says of it."""
    _check_servers(document)
    found: dict[str, CreateOperation | QueryOperation] = {}
    paths = document.child("paths")
    for path in paths.mapping():
        for operation in () if path.startswith("x-") else _path_item(path, paths.child(path)):
            if operation.id in found:
                problem = f"has the operationId {operation.id!r} of {found[operation.id].pointer}"
                raise SpecError(operation.source, operation.pointer, problem)
            found[operation.id] = operation
    if not found:
        raise paths.error("describes no operation")
    return list(found.values())


def _path_item(path: str, item: Node) -> Iterator[CreateOperation | QueryOperation]:
    _check_servers(item)
    for name, node in item.fields(_METHODS | _BESIDE_METHODS).items():
        if name not in _METHODS:
            continue
        fields = node.fields(_OPERATION)
        query = _QUERY_PATH.fullmatch(path)
        if name == "post" and "requestBody" in fields and _CREATE_PATH.fullmatch(path):
            _check_call(item, node, None)
            yield _create(path, node)
        elif name == "get" and query:
            _check_call(item, node, query["parameter"])
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
    """The operation with what the document says of it once the overlays are laid over it."""
    node = document.child("paths").child(operation.path).child("post")
    properties = properties_of(_request_body(node))
    aliases = aliases_of(properties.get("model"), operation.models)
    return replace(operation, aliases=aliases, callback=callback_of(properties))


def failures_of(query: QueryOperation, document: Node) -> tuple[TaskFailure, ...]:
    """The task failures that a query document names once the overlays are laid over it."""
    _, answer = _success(document.child("paths").child(query.path).child("get"))
    return failures_in(properties_of(answer).get("error"))


def _check_servers(node: Node) -> None:
    """A path is served as it stands: a server that puts something in front of it would be another path."""
    servers = node.get("servers")
    for server in servers.items() if servers else ():
        url = server.child("url")
        if not _SERVER.fullmatch(url.text()):
            raise url.error(
                "has more than a scheme and a host, which is not understood: write it into `paths`"
            )


def _check_call(item: Node, node: Node, parameter: str | None) -> None:
    """Raise `SpecError` for a server, a parameter or a credential that the call needs and we do not read."""
    _check_servers(node)
    _check_security(node)
    given = [owner.get("parameters") for owner in (item, node)]
    found = False
    for one in [one for parameters in given if parameters for one in parameters.items()]:
        one.fields(_PARAMETER)
        place, name = one.child("in").text(), one.child("name").text()
        if place == "path" and name == parameter:
            check(one.child("schema"))
            if types_of(one.child("schema")) != ["string"]:
                raise one.child("schema").error("must be of type string: task ids are text")
            found = True
        elif place != "header" or name.lower() not in _HEADERS:
            raise one.error(
                "is no parameter that is understood: only the one at the end of a query's path is"
            )
    if parameter and not found:
        raise node.error(f"does not describe {parameter!r}, the parameter of its path")


def _check_security(node: Node) -> None:
    """Where the document speaks of security it must ask for a bearer token and for nothing else."""
    root = Node(node.document, node.source)
    required = node.get("security") or root.get("security")
    if required is None:
        return
    for one in required.items():
        names = [*one.mapping()]
        schemes = [root.child("components").child("securitySchemes").child(name) for name in names]
        kinds = [(scheme.child("type").value, scheme.mapping().get("scheme")) for scheme in schemes]
        if kinds != [("http", "bearer")]:
            raise one.error("asks for something else than one HTTP bearer token, which is not understood")
    if not required.value:
        raise required.error("asks for no token: only operations that take a bearer token are understood")


def _request_body(operation: Node) -> Node:
    """The schema of a request body, which must be JSON and nothing else."""
    content = operation.child("requestBody").fields(_REQUEST_BODY).get("content")
    if content is None:
        raise operation.child("requestBody").error("has no 'content'")
    content.fields({_JSON})
    return _media(content).child("schema")


def _media(content: Node) -> Node:
    """The JSON media type of a request body or an answer."""
    media = content.child(_JSON)
    media.fields(_MEDIA_TYPE)
    return media


def _answers(operation: Node) -> list[tuple[int, Node]]:
    """The documented answers in their order, each with its status."""
    found = []
    responses = operation.child("responses")
    for status in responses.mapping():
        if not status.startswith("x-"):
            response = responses.child(status)
            if not _STATUS.fullmatch(status):
                raise response.error(
                    "is no status that is understood: 2xx, 4xx or 5xx, no range, no `default`"
                )
            response.fields(_RESPONSE)
            found.append((int(status), response))
    return found


def _success(operation: Node) -> tuple[int, Node]:
    """The first 2xx answer: its status and its schema."""
    for status, response in _answers(operation):
        if status < _FIRST_ERROR:
            return status, _media(response.child("content")).child("schema")
    raise operation.child("responses").error("has no 2xx answer")


def _errors(operation: Node) -> dict[int, ErrorAnswer]:
    return {
        status: ErrorAnswer(status, str(response.child("description").value), _example(response))
        for status, response in _answers(operation)
        if status >= _FIRST_ERROR
    }


def _example(response: Node) -> dict[str, Json]:
    """The body that the document gives for an error, which must have an `error` with a `message`."""
    media = _media(response.child("content"))
    examples = media.get("examples")
    given = [one.child("value") for _, one in examples.children()] if examples else []
    if (not given) == ("example" not in media.mapping()):
        raise media.error("must have either `example` or `examples` to answer with; an overlay can add one")
    example = given[0] if given else media.child("example")
    example.child("error").child("message").text()
    check_value(media.child("schema"), example.value, example, "the example")
    return example.mapping()
