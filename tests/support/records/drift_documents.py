"""A page of the family in two versions: a document with many features, and edits of it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from evolink_check.drift.comparison import compare
from evolink_check.drift.sources import document_of
from evolink_spec.pointers import tokens

if TYPE_CHECKING:
    from evolink_check.drift.records import Change, Document

REMOVED = object()
BODY = "/components/schemas/Request"
ANSWER = "/components/schemas/Answer"
POST = "/paths/~1v1~1videos~1generations/post"
CALLBACK = (
    "HTTPS callback URL\n\n- Triggered when the task is completed, failed or cancelled\n"
    "- Only HTTPS protocol supported\n"
    "- URL length must not exceed `2048` characters\n- Timeout: `10` seconds\n"
    "- Max `3` retries on failure (after `1`/`2`/`4` seconds)"
)
IMAGES = (
    "Reference images\n\n- Supports up to `4` images per request\n- Image size: max `10MB`\n"
    "- Width and height: 300 to 6000 px\n"
    "- Aspect ratio between 1:2.5 and 2.5:1\n- Supported formats: JPEG, PNG, WebP"
)
MODEL = (
    "Model name\n\n**Backward Compatible:** The name `dancer` is still supported and is mapped to `dancer-2`"
)


def page(**edits: Any) -> dict[str, Any]:
    """The document; `edits` are merged into its top."""
    error = {"$ref": "#/components/schemas/Error"}
    answers = {
        "200": {"description": "Created", "content": _json({"$ref": "#/components/schemas/Answer"})},
        "400": {"description": "Invalid", "content": _json(error, _example("invalid_request"))},
        "402": {"description": "No credits", "content": _json(error, _example("insufficient_quota"))},
        "429": {
            "description": "Too many",
            "headers": {"Retry-After": {"schema": {"type": "string"}}},
            "content": _json(error, _example("rate_limit_exceeded")),
        },
    }
    post = {
        "operationId": "createVideo",
        "summary": "Create a video",
        "description": "- Makes a video of images\n\n- Links to results are valid for 24 hours",
        "parameters": [{"name": "trace", "in": "query", "schema": {"type": "string", "maxLength": 40}}],
        "requestBody": {"required": True, "content": _json({"$ref": "#/components/schemas/Request"})},
        "responses": answers,
    }
    schemas = {"Request": _request(), "Answer": _answer(), "Error": _error()}
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Dancer", "description": "Makes videos", "version": "1.0.0"},
        "servers": [{"url": "https://api.example.com"}],
        "security": [{"bearer": []}],
        "paths": {"/v1/videos/generations": {"post": post}},
        "components": {"schemas": schemas, "securitySchemes": schemes},
        **edits,
    }


def _json(schema: Any, example: Any = None) -> dict[str, Any]:
    return {"application/json": {"schema": schema} | ({} if example is None else {"example": example})}


def _example(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "No", "type": "api_error"}}


def _request() -> dict[str, Any]:
    uri = {"type": "string", "format": "uri"}
    return {
        "type": "object",
        "required": ["model", "prompt"],
        "properties": {
            "model": {"type": "string", "enum": ["dancer-2"], "default": "dancer-2", "description": MODEL},
            "prompt": {
                "type": "string",
                "maxLength": 2000,
                "description": "Prompt, at most `2000` characters",
            },
            "negative_prompt": {"type": "string", "description": "What to avoid, max 500 characters"},
            "image_urls": {"type": "array", "items": uri, "maxItems": 4, "description": IMAGES},
            "duration": {"type": "integer", "minimum": 4, "maximum": 12, "default": 5},
            "quality": {"type": "string", "enum": ["480p", "720p"], "default": "480p"},
            "seed": {"type": ["integer", "null"], "description": "Default is `0`"},
            "strength": {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.1},
            "tag": {"type": "string", "pattern": "^[a-z]{1,8}$", "minLength": 1},
            "audio": {"type": "boolean", "default": True},
            "options": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"loop": {"type": "boolean"}, "fps": {"type": "integer", "enum": [24, 30]}},
            },
            "callback_url": {**uri, "description": CALLBACK},
        },
    }


def _answer() -> dict[str, Any]:
    info = {
        "can_cancel": {"type": "boolean", "example": True},
        "estimated_time": {"type": "integer", "minimum": 0, "example": 120},
    }
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "example": "task-unified-1757169743-7cvnl5zw"},
            "created": {"type": "integer", "example": 1757169743},
            "status": {"type": "string", "enum": ["pending", "processing", "completed", "failed"]},
            "progress": {"type": "integer", "minimum": 0, "maximum": 100},
            "results": {"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": 4},
            "task_info": {"type": "object", "properties": info},
            "usage": {
                "type": "object",
                "properties": {
                    "billing_rule": {
                        "type": "string",
                        "enum": ["per_call", "per_second"],
                        "example": "per_call",
                    },
                    "credits_reserved": {"type": "number", "minimum": 0, "example": 5},
                    "user_group": {"type": "string", "enum": ["default", "vip"]},
                },
            },
        },
    }


def _error() -> dict[str, Any]:
    members = {"code": {"type": "string"}, "message": {"type": "string"}, "type": {"type": "string"}}
    return {"type": "object", "properties": {"error": {"type": "object", "properties": members}}}


def edited(document: dict[str, Any], edits: dict[str, Any]) -> dict[str, Any]:
    """A copy with the value at each pointer replaced (a function is called with it), added or `REMOVED`."""
    result = copy.deepcopy(document)
    for pointer, value in edits.items():
        *parents, last = tokens(pointer)
        owner: Any = result
        for token in parents:
            owner = owner[int(token) if isinstance(owner, list) else token]
        key: Any = int(last) if isinstance(owner, list) else last
        if value is REMOVED:
            del owner[key]
        else:
            owner[key] = value(owner[key]) if callable(value) else value
    return result


def documents(old: dict[str, Any], new: dict[str, Any]) -> tuple[Document, Document]:
    return document_of("old.yaml", old), document_of("new.yaml", new)


def changes(old: dict[str, Any], new: dict[str, Any], *, strict: bool = False) -> list[Change]:
    """The changes of two versions of a document, without proofs."""
    one, other = documents(old, new)
    return compare([one], [other], strict=strict)
