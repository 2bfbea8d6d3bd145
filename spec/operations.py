"""From an operation object of a document to a record, or to an error that says where it cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spec.records import CallbackRules, CreateOperation, ErrorAnswer, QueryOperation, TaskFailure
from spec.schemas import check_keywords, sample, standalone
from spec.tasks import medium_of, statuses_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spec.pointers import Node
    from spec.records import Json, Statuses

_JSON = "application/json"
_METHODS = {"delete", "get", "head", "options", "patch", "post", "put", "trace"}
_BESIDE_METHODS = {"description", "parameters", "servers", "summary"}


def operations_of(published: Node, overlaid: Node) -> list[CreateOperation | QueryOperation]:
    """Every operation of a document, in its order. Schemas are taken as published, prose from the overlay."""
    found: list[CreateOperation | QueryOperation] = []
    for path, item in published.child("paths").children():
        for method, node in item.children():
            if method in _METHODS:
                also = overlaid.child("paths").child(path).child(method)
                found.append(_operation(method.upper(), path, node, also))
            elif method not in _BESIDE_METHODS and not method.startswith("x-"):
                raise node.error("is no method of HTTP")
    if not found:
        raise published.child("paths").error("describes no operation")
    return found


def _operation(method: str, path: str, node: Node, overlaid: Node) -> CreateOperation | QueryOperation:
    answer = _success(node)
    statuses = statuses_of(answer) if answer else None
    if answer is not None and statuses is not None:
        check_keywords(answer)
        if method == "POST" and _request_body(node) is not None:
            return _create(path, node, answer, statuses, overlaid)
        if method == "GET" and path.endswith("}"):
            parameter = path[path.rindex("{") + 1 : -1]
            errors = _errors(node)
            return QueryOperation(
                _id(node), method, path, node.source, node.pointer, parameter, statuses, errors
            )
    raise node.error(
        "is neither a create (POST with a JSON body, answered with an `id` and a `status`) "
        "nor a query (GET with a trailing path parameter, answered the same way)"
    )


def _create(path: str, node: Node, answer: Node, statuses: Statuses, overlaid: Node) -> CreateOperation:
    body, said = _request_body(node), _request_body(overlaid)
    assert body is not None  # noqa: S101  (the caller has just asked)
    assert said is not None  # noqa: S101  (an overlay adds, it does not take away)
    check_keywords(body)
    properties = body.child("properties")
    return CreateOperation(
        id=_id(node),
        method="POST",
        path=path,
        source=node.source,
        pointer=node.pointer,
        medium=medium_of(answer, path),
        statuses=statuses,
        models=_models(properties),
        aliases=_extension(said.child("properties").get("model"), "x-evolink-aliases", {}),
        body_schema=standalone(body),
        properties=frozenset(properties.mapping()),
        defaults={
            name: child.value["default"]
            for name, child in properties.children()
            if "default" in child.mapping()
        },
        answer=sample(answer),
        errors=_errors(node),
        callback=_callback(said.child("properties")),
    )


def _id(node: Node) -> str:
    return str(node.child("operationId").value)


def _json(node: Node) -> Node | None:
    """The JSON media type of a request body or response; an error when it has only others."""
    content = node.get("content")
    if content is None:
        return None
    if _JSON not in content.mapping():
        raise content.error(f"has no {_JSON}")
    return content.child(_JSON)


def _request_body(operation: Node) -> Node | None:
    body = operation.get("requestBody")
    media = _json(body) if body else None
    return media.child("schema") if media else None


def _success(operation: Node) -> Node | None:
    """The schema of the first 2xx answer."""
    for status, response in operation.child("responses").children():
        if status.startswith("2"):
            media = _json(response)
            return media.get("schema") if media else None
    return None


def _errors(operation: Node) -> Mapping[int, ErrorAnswer]:
    found = {}
    for status, response in operation.child("responses").children():
        if status.startswith("2"):
            continue
        if not status.isdigit():
            raise response.error("is no status: ranges and `default` are not understood")
        body = _example(response)
        found[int(status)] = ErrorAnswer(int(status), str(response.child("description").value), body)
    return found


def _example(response: Node) -> Mapping[str, Json]:
    media = _json(response)
    if media is None:
        raise response.error("has no body to answer with")
    value = media.mapping().get("example")
    if value is None and media.get("examples"):
        value = next(iter(media.child("examples").children()))[1].child("value").value
    if not isinstance(value, dict) or not isinstance(value.get("error"), dict):
        raise media.error("has no example with an `error` object to answer with")
    return value


def _models(properties: Node) -> tuple[str, ...]:
    model = properties.get("model")
    if model is None:
        return ()
    schema = model.mapping()
    return (schema["const"],) if "const" in schema else tuple(schema.get("enum", ()))


def _extension(node: Node | None, name: str, otherwise: Json) -> Json:
    return otherwise if node is None else node.mapping().get(name, otherwise)


def _callback(properties: Node) -> CallbackRules | None:
    for name, node in properties.children():
        said = _extension(node, "x-evolink-callback", None)
        if said is not None:
            waits = tuple(float(wait) for wait in said["retries"])
            return CallbackRules(name, int(node.child("maxLength").value), float(said["timeout"]), waits)
    return None


def failures_of(overlaid: Node) -> tuple[TaskFailure, ...]:
    """The task failures that a query document names (`x-evolink-failures` of its `error`)."""
    for _, item in overlaid.child("paths").children():
        operation = item.get("get")
        answer = _success(operation) if operation else None
        error = answer.child("properties").get("error") if answer else None
        said = _extension(error, "x-evolink-failures", ())
        if said:
            return tuple(TaskFailure(one["code"], one["message"], one["advice"]) for one in said)
    return ()
