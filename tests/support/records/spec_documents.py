"""Small documents of the family for tests: one create or one query, and how to change them at a place."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from evolink_spec.documents import read
from evolink_spec.loading import QUERY, vendored
from evolink_spec.pointers import follow, join, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VENDORED_CREATE = read(vendored()[0])
VENDORED_QUERY = read(QUERY)
FOUR = ("pending", "processing", "completed", "failed")
POST = "/paths/~1v1~1images~1generations/post"
GET = "/paths/~1v1~1jobs~1{job_id}/get"
REQUEST = "/components/schemas/Request"
TASK = "/components/schemas/Task"
REMOVED = object()


def create(
    *models: str, path: str = "/v1/images/generations", makes: str = "image", words: tuple[str, ...] = FOUR
) -> dict[str, Any]:
    """A document with one create, modelled on the vendored one, for these models (none: any text)."""
    model = {"type": "string"} | ({"enum": [*models]} if models else {})
    properties = {"model": model, "prompt": {"type": "string"}, "n": {"type": "integer", "default": 1}}
    post = {
        "operationId": "createGeneration",
        "requestBody": {"required": True, "content": _json({"$ref": "#/components/schemas/Request"})},
        "responses": _responses(400, 401, 402, 403, 429, 500),
    }
    return _document(
        {path: {"post": post}},
        Request={"type": "object", "required": ["prompt"], "properties": properties},
        Task=_task({"const": f"{makes}.generation.task"}, words),
    )


def query(path: str = "/v1/jobs/{job_id}", words: tuple[str, ...] = FOUR) -> dict[str, Any]:
    """A document with one query whose path has one parameter, at its end."""
    name = path[path.rindex("{") + 1 : -1]
    get = {
        "operationId": "getJob",
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": _responses(401, 404),
    }
    return _document({path: {"get": get}}, Task=_task({"type": "string"}, words))


def overlay(*actions: dict[str, Any]) -> dict[str, Any]:
    """An overlay with these actions."""
    return {"overlay": "1.0.0", "info": {"title": "Mine", "version": "1"}, "actions": [*actions]}


def aliasing(**aliases: str) -> dict[str, Any]:
    """An overlay that gives every model an old name."""
    return overlay({"target": "$..properties.model", "update": {"x-evolink-aliases": aliases}})


def changed(document: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """A copy with another value at the pointer, or without that member when it is `REMOVED`."""
    result = copy.deepcopy(document)
    *way, last = tokens(pointer)
    parent = follow(result, join("", *way), "documents.py")
    key = int(last) if isinstance(parent, list) else last
    if value is REMOVED:
        del parent[key]
    else:
        parent[key] = value
    return result


def saved(folder: Path, name: str, document: dict[str, Any]) -> Path:
    """The document in a file of that name, as JSON."""
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def places(value: Any, pointer: str = "") -> Iterator[str]:
    """The pointers to everything below a value."""
    members: Any = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for key, member in members:
        yield join(pointer, key)
        yield from places(member, join(pointer, key))


def _document(paths: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "A member of the family", "version": "1.0.0"},
        "servers": [{"url": "https://api.example.com"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _task(kind: dict[str, Any], words: tuple[str, ...]) -> dict[str, Any]:
    properties = {
        "id": {"type": "string", "example": "task-unified-1757169743-7cvnl5zw"},
        "object": kind,
        "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "status": {"type": "string", "enum": [*words]},
    }
    return {"type": "object", "properties": properties}


def _responses(*errors: int) -> dict[str, Any]:
    return {
        "200": {"description": "A task", "content": _json({"$ref": "#/components/schemas/Task"})},
        **{str(status): _error(status) for status in errors},
    }


def _error(status: int) -> dict[str, Any]:
    body = {"error": {"code": status, "message": f"It is a {status}", "type": "an_error"}}
    return {"description": "No", "content": _json({"type": "object"}, example=body)}


def _json(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema, **more}}
