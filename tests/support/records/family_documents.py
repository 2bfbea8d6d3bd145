"""Small synthetic documents with each feature that the published family of documents has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

PATHS = {
    "video": "/v1/videos/generations",
    "image": "/v1/images/generations",
    "audio": "/v1/audios/generations",
}
_IDS = {"audio": "oqs9cue4", "image": "uyujaw3d", "video": "7cvnl5zw"}
_CREATED = 1757169743
_FOUR = ["pending", "processing", "completed", "failed"]
_CALLBACK = """HTTPS callback URL after task completion

**Callback Timing:**

- Triggered when task is {when}

- Sent after billing confirmation

**Security Restrictions:**

- Only HTTPS protocol supported, no internal addresses, at most `2048` characters
"""
_ERRORS: dict[int, tuple[str, str, str]] = {
    400: ("invalid_request", "Invalid request parameters", "invalid_request_error"),
    401: ("unauthorized", "Invalid or expired token", "authentication_error"),
    402: ("insufficient_quota", "Insufficient quota. Please top up your account.", "insufficient_quota"),
    403: ("model_access_denied", "Token does not have access to the model", "invalid_request_error"),
    404: ("resource_not_found", "The referenced task has expired", "invalid_request_error"),
    413: ("request_too_large", "Request body too large", "invalid_request_error"),
    429: ("rate_limit_exceeded", "Too many requests, please try again later", "rate_limit_error"),
    500: ("internal_error", "Internal server error", "api_error"),
    502: ("upstream_error", "Upstream service error", "upstream_error"),
    503: ("service_unavailable", "Service temporarily unavailable", "api_error"),
}
_USUAL = (400, 401, 402, 403, 429, 500)


def text(**keywords: Any) -> dict[str, Any]:
    """A string property."""
    return {"type": "string", **keywords}


def whole(**keywords: Any) -> dict[str, Any]:
    """An integer property."""
    return {"type": "integer", **keywords}


def urls(**keywords: Any) -> dict[str, Any]:
    """An array of URLs."""
    return {
        "type": "array",
        "items": text(format="uri"),
        "example": ["https://example.com/a.jpg"],
        **keywords,
    }


def create(  # noqa: PLR0913  (each is a feature of the family)
    medium: str,
    *models: str,
    properties: dict[str, Any] | None = None,
    required: tuple[str, ...] = ("model", "prompt"),
    model: dict[str, Any] | None = None,
    links: str | None = "valid for 24 hours",
    prose: str = "",
    task_info: dict[str, Any] | None = None,
    usage: dict[str, Any] | None = None,
    response: dict[str, Any] | None = None,
    without: tuple[str, ...] = (),
    statuses: tuple[str, ...] = (),
    errors: tuple[int, ...] = _USUAL,
    error_style: str = "text",
    callback: str | None = "completed, failed, or cancelled",
    example: dict[str, Any] | None = None,
    closed: bool = False,
) -> dict[str, Any]:
    """A document with one operation that creates a task."""
    name = models[0]
    described = model or text(enum=[*models], default=name, example=name)
    asked = {"model": described, "prompt": text(maxLength=2000, example="A cat"), **(properties or {})}
    if callback is not None:
        asked["callback_url"] = text(
            format="uri", description=_CALLBACK.format(when=callback), example="https://example.com/hook"
        )
    request: dict[str, Any] = {"type": "object", "required": [*required], "properties": asked}
    if closed:
        request["additionalProperties"] = False
    description = f"- {name} supports {medium} generation\n\n- Asynchronous processing mode\n\n"
    description += f"- Generated {medium} links are {links}, please save them promptly\n\n" if links else ""
    operation = {
        "tags": ["Generation"],
        "summary": f"{name} Interface",
        "description": description + prose,
        "operationId": f"create{medium.title()}Generation",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{medium.title()}GenerationRequest"},
                    "examples": {"one": {"value": {"model": name, "prompt": "A cat", **(example or {})}}},
                }
            },
        },
        "responses": {
            "200": _json("Task created", f"{medium.title()}GenerationResponse"),
            **{str(status): _error(status, error_style) for status in errors},
        },
    }
    schemas = {
        f"{medium.title()}GenerationRequest": request,
        f"{medium.title()}GenerationResponse": _response(
            medium, name, task_info, usage, response or {}, without, statuses
        ),
        "ErrorResponse": _error_schema(error_style),
    }
    return document({PATHS[medium]: {"post": operation}}, schemas)


def document(
    paths: dict[str, Any], schemas: dict[str, Any], server: str = "https://api.evolink.ai"
) -> dict[str, Any]:
    """An OpenAPI document as the family has them."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "An interface", "license": {"name": "MIT"}, "version": "1.0.0"},
        "servers": [{"url": server, "description": "Production environment"}],
        "security": [{"bearerAuth": []}],
        "tags": [{"name": "Generation"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearerAuth": {"type": "http", "scheme": "bearer", "description": "All APIs need a key"}
            },
        },
    }


def _response(  # noqa: PLR0913, PLR0917
    medium: str,
    model: str,
    task_info: dict[str, Any] | None,
    usage: dict[str, Any] | None,
    more: dict[str, Any],
    without: tuple[str, ...],
    statuses: tuple[str, ...],
) -> dict[str, Any]:
    info = task_info or {
        "can_cancel": {"type": "boolean", "example": True},
        "estimated_time": whole(minimum=0, example=120),
    }
    price = usage or per("call", 5)
    properties = {
        "created": whole(example=_CREATED),
        "id": text(example=f"task-unified-{_CREATED}-{_IDS[medium]}"),
        "model": text(example=model),
        "object": text(enum=[f"{medium}.generation.task"]),
        "progress": whole(minimum=0, maximum=100, example=0),
        "status": text(enum=[*_FOUR, *statuses], example="pending"),
        "task_info": {"type": "object", "properties": info},
        "type": text(enum=["text", "image", "audio", "video"], example=medium),
        "usage": {"type": "object", "properties": price},
        **more,
    }
    return {
        "type": "object",
        "properties": {name: schema for name, schema in properties.items() if name not in without},
    }


def per(rule: str, credits_reserved: float) -> dict[str, Any]:
    """The properties of `usage` with a billing rule."""
    rules = ["per_call", "per_token", "per_second"] + (["per_image"] if rule == "image" else [])
    return {
        "billing_rule": text(enum=rules, example=f"per_{rule}"),
        "credits_reserved": {"type": "number", "minimum": 0, "example": credits_reserved},
        "user_group": text(example="default"),
    }


def info(**more: Any) -> dict[str, Any]:
    """The properties of `task_info` with these besides the usual ones."""
    return {
        "can_cancel": {"type": "boolean", "example": True},
        "estimated_time": whole(minimum=0, example=120),
        **more,
    }


def _json(description: str, schema: str, **media: Any) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}, **media}},
    }


def _error(status: int, style: str) -> dict[str, Any]:
    code, message, kind = _ERRORS[status]
    if style == "none":
        return _json(message, "ErrorResponse")
    body: dict[str, Any] = {"code": code, "message": message, "type": kind}
    if style == "integer":
        body = {"code": status, "message": message, "param": "", "fallback_suggestion": "Try another model"}
    return _json(message, "ErrorResponse", example={"error": body})


def _error_schema(style: str) -> dict[str, Any]:
    code = whole() if style == "integer" else text()
    names = ("message", "param", "fallback_suggestion") if style == "integer" else ("message", "type")
    inner = {"type": "object", "properties": {"code": code, **dict.fromkeys(names, text())}}
    return {"type": "object", "properties": {"error": inner}}


def query() -> dict[str, Any]:
    """The task query, its `error` spelled as in OpenAPI 3.0."""
    task = {
        "created": whole(example=_CREATED),
        "id": text(example=f"task-unified-{_CREATED}-4x3rx6ny"),
        "model": text(),
        "object": text(enum=[f"{medium}.generation.task" for medium in PATHS]),
        "progress": whole(minimum=0, maximum=100),
        "results": urls(),
        "status": text(enum=_FOUR),
        "error": {
            "type": "object",
            "nullable": True,
            "properties": {"code": text(), "message": text(), "type": text()},
        },
        "task_info": {"type": "object", "properties": {"can_cancel": {"type": "boolean"}}},
        "type": text(enum=["image", "video", "audio", "text"]),
    }
    get = {
        "operationId": "getTaskDetail",
        "parameters": [{"name": "task_id", "in": "path", "required": True, "schema": text()}],
        "responses": {
            "200": _json("The task", "TaskDetailResponse"),
            **{str(status): _error(status, "text") for status in (400, 401, 402, 403, 404, 429, 500)},
        },
    }
    schemas = {
        "TaskDetailResponse": {"type": "object", "properties": task},
        "ErrorResponse": _error_schema("text"),
    }
    return document({"/v1/tasks/{task_id}": {"get": get}}, schemas)


def videos() -> dict[str, dict[str, Any]]:
    """Documents that create videos."""
    duration = whole(minimum=3, maximum=12, default=5, example=5)
    video_duration = whole(minimum=1, example=5)
    free = text(default="cinema-2", example="cinema-2")
    single = {"seconds": whole(minimum=4, maximum=12)}
    ratio = text(enum=["16:9", "9:16", "1:1", "auto"], default="16:9")
    old = "Model name\n\n**Backward Compatible:** The previously integrated model name `reel` is still supported and "
    old += "will be automatically mapped to `reel-beta`"
    return {
        "reel-per-second": create(
            "video",
            "reel-1",
            properties={"duration": duration, "aspect_ratio": ratio, "quality": text(enum=["480p", "720p"])},
            task_info=info(video_duration=video_duration),
            usage=per("second", 120),
        ),
        "cinema-default-only": create("video", "cinema-2", model=free),
        "studio-overview": create(
            "video", "studio-2", "studio-2-fast", "studio-2-mini", properties={"note": text(), **single}
        ),
        "studio-2": create("video", "studio-2", properties=single),
        "studio-2-fast": create("video", "studio-2-fast", properties=single),
        "studio-2-mini": create("video", "studio-2-mini", properties=single),
        "reel-beta": create("video", "reel-beta", model=text(enum=["reel-beta"], description=old)),
        "wan-auto": create(
            "video",
            "wan-3",
            properties={
                "duration": whole(
                    default=5,
                    description="-1 lets the model decide, or 2 to 30. With `-1`, credits for `30` seconds are "
                    "reserved and settled by the actual duration",
                )
            },
            task_info=info(video_duration=video_duration),
            usage=per("second", 50),
        ),
        "omni-one-of": create(
            "video",
            "omni-1",
            properties={"duration": {"oneOf": [whole(minimum=3, maximum=10), text(enum=["auto"])]}},
            usage=per("token", 60),
        ),
        "edit-original-length": create(
            "video",
            "edit-1",
            properties={"video_urls": urls(minItems=1, maxItems=1), "duration": whole(minimum=0, default=0)},
            required=("model", "prompt", "video_urls"),
            example={"video_urls": ["https://example.com/a.mp4"]},
        ),
        "container-mov": create(
            "video", "container-1", properties={"format": text(enum=["mp4", "mov", "webm"], default="mp4")}
        ),
        "closed-body": create(
            "video",
            "hail-3",
            closed=True,
            callback="completed or failed",
            task_info={
                "can_cancel": {"type": "boolean", "enum": [False]},
                "estimated_time": whole(minimum=0, example=165),
            },
        ),
        "horse-cancelled": create(
            "video",
            "horse-1",
            statuses=("cancelled",),
            usage=per("second", 607500),
            task_info=info(video_duration=video_duration),
        ),
        "preview-bare": create(
            "video",
            "preview-1",
            model=text(default="preview-1"),
            without=("object", "progress", "task_info", "type", "usage"),
            callback=None,
        ),
        "hail-2-short": create("video", "hail-2", without=("task_info", "type", "usage")),
        "remix-integer-codes": create("video", "remix-1", error_style="integer"),
        "statuses-many": create(
            "video", "many-1", errors=(*_USUAL, 404, 413, 502, 503), prose="- A task expires after 7 days"
        ),
        "kling-multi-shot": create(
            "video",
            "kling-3",
            properties={"image_start": text(format="uri"), "element_id": text(nullable=True)},
            required=("model", "prompt", "image_start"),
        ),
        "clips-n": create("video", "clips-1", properties={"n": whole(minimum=1, maximum=4, default=1)}),
        "tasks-expire": create("video", "extend-1", properties={"task_id": text()}, errors=(*_USUAL, 404)),
        "element": create(
            "video",
            "element-1",
            links=None,
            prose="- The element id is in `result_data` of the task",
            errors=(*_USUAL, 502),
        ),
        "character": create(
            "video",
            "character-1",
            links=None,
            callback=None,
            response={
                "result_data": {
                    "type": "object",
                    "properties": {"character_id": text(example="ch_1"), "name": text(example="Cat")},
                }
            },
        ),
    }


def images() -> dict[str, dict[str, Any]]:
    """Documents that create images."""
    count = whole(minimum=1, maximum=6, default=1)
    size = text(default="auto", description="`auto`, a ratio such as 1:1, or 1024x1024")
    lite = "Model name. The older name `banana-2-lite` is still accepted and mapped to `banana-pro-beta`"
    return {
        "qwen-per-image": create(
            "image", "qwen-3", properties={"n": count, "size": size}, usage=per("image", 2.5)
        ),
        "seed-formats": create(
            "image",
            "seed-5",
            properties={
                "output_format": text(enum=["png", "jpeg", "webp"], default="png"),
                "quality": text(enum=["1K", "2K", "4K"], default="1K"),
                "size": size,
            },
            usage=per("call", 1.6),
        ),
        "gpt-image": create(
            "image", "gpt-image", properties={"n": count, "size": text(enum=["1024x1024", "1536x1024"])}
        ),
        "journey-no-examples": create(
            "image", "journey-7", error_style="none", links=None, prose="- Each task returns 4 images"
        ),
        "journey-30-days": create(
            "image", "journey-8", links="valid for 30 days", prose="- Returns `4` images in one task"
        ),
        "layers": create(
            "image",
            "layers-1",
            prose="- Each layer is in `result_data` with its `z_index`",
            properties={"n": whole(minimum=1, maximum=17, default=3)},
        ),
        "banana-alias": create(
            "image", "banana-pro-beta", model=text(enum=["banana-pro-beta"], description=lite)
        ),
        "default-only-image": create("image", "mini-image", model=text(default="mini-image")),
        "edit-required-images": create(
            "image",
            "image-edit",
            properties={"image_urls": urls()},
            required=("model", "prompt", "image_urls"),
        ),
        "image-overview": create("image", "flow-1", "flow-2", "flow-3", properties={"extra": text()}),
        "flow-2": create("image", "flow-2"),
    }


def audios() -> dict[str, dict[str, Any]]:
    """Documents that create audio."""
    versions = ("tune-5-beta", "tune-4.5plus-beta", "tune-4-beta")
    older = "Model name\n\n**Backward compatibility:** Previously integrated model names (e.g. `tune-5`, "
    older += "`tune-4.5plus`, `tune-4`) are still supported and will be automatically mapped to the "
    older += "corresponding `-beta` versions"
    kind = info(audio_type=text(example="speech"))
    return {
        "tune-music": create(
            "audio",
            *versions,
            model=text(enum=[*versions], description=older),
            statuses=("cancelled",),
            links="valid for 72 hours",
            prose="- Each request generates multiple music variations\n\n- Titles are in `result_data`",
            usage=per("call", 10),
            errors=(*_USUAL, 503),
        ),
        "seed-audio-formats": create(
            "audio",
            "seed-audio",
            properties={
                "format": text(enum=["wav", "mp3", "pcm", "ogg_opus"], default="mp3"),
                "speed": {"type": "number", "multipleOf": 0.01, "minimum": 0.5, "maximum": 2},
                "duration": whole(default=-1, description="`-1` lets the model decide; else 1 to 30 seconds"),
            },
            task_info=kind,
            usage=per("second", 6),
        ),
        "persona": create(
            "audio",
            "tune-persona",
            links=None,
            properties={"model_params": {"type": "object", "properties": {"result_id": text(format="uuid")}}},
            prose="- The persona id is in `result_data` of the task",
            callback=None,
            errors=(400, 401, 402, 429, 500),
            task_info={
                "can_cancel": {"type": "boolean", "example": False},
                "estimated_time": whole(example=15),
            },
        ),
        "voice-design": create(
            "audio",
            "voice-1",
            properties={"audio_format": text(enum=["pcm", "wav", "mp3", "opus"], default="wav")},
            prose="- The voice is in `result_data`",
            task_info=kind,
        ),
        "speech": create("audio", "speech-1", properties={"voice": text(default="a")}, task_info=kind),
    }


def creations() -> dict[str, dict[str, Any]]:
    """Every document that creates a task, by name."""
    return {**videos(), **images(), **audios()}


def request_of(page: dict[str, Any], model: str) -> dict[str, Any]:
    """A valid request for a model of a document: the example, completed where the schema requires more."""
    (operation,) = (path["post"] for path in page["paths"].values())
    content = operation["requestBody"]["content"]["application/json"]
    request = next(
        schema for name, schema in page["components"]["schemas"].items() if name.endswith("Request")
    )
    body: dict[str, Any] = {**content["examples"]["one"]["value"], "model": model}
    for name in request["required"]:
        schema = request["properties"][name]
        body.setdefault(name, schema.get("example", "https://example.com/a.jpg"))
    return body


def others() -> dict[str, dict[str, Any]]:
    """Documents of operations that are no task's."""
    message = {"type": "object", "properties": {"content": {"type": "array", "items": {}}}}
    answer = {"id": text(), "status": text(enum=["queued", "in_progress", "completed", "failed"])}
    body = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
    dangling = {"200": _json("OK", "Message"), "400": _json("No", "Nowhere")}
    upload = {"requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object"}}}}}
    stored = {"200": _json("OK", "Message")}
    return {
        "chat": document(
            {"/v1/chat/completions": {"post": {**body, "responses": stored}}}, {"Message": message}
        ),
        "responses": document(
            {"/v1/responses": {"post": {**body, "responses": stored}}},
            {
                "Message": {
                    "type": "object",
                    "properties": {**answer, "output": {"type": "array", "items": {}}},
                }
            },
        ),
        "messages": document(
            {"/v1/messages": {"post": {**body, "responses": dangling}}}, {"Message": message}
        ),
        "generate": document(
            {"/v1beta/models/{model}:generateContent": {"post": {**body, "responses": stored}}},
            {"Message": message},
        ),
        "upload-stream": document(
            {"/api/v1/files/upload/stream": {"post": {**upload, "responses": stored}}},
            {"Message": message},
            "https://files-api.evolink.ai",
        ),
        "quota": document(
            {"/api/v1/files/quota": {"get": {"responses": stored}}},
            {"Message": message},
            "https://files-api.evolink.ai",
        ),
        "credits": document({"/v1/credits": {"get": {"responses": stored}}}, {"Message": message}),
    }


def many(count: int) -> dict[str, dict[str, Any]]:
    """So many documents that create tasks, of some 40 kB as YAML: the corpus again and again under other names."""
    corpus = creations()
    filler = "\n\n".join(f"- Requirement {number}: " + "some words of prose " * 12 for number in range(60))
    documents: dict[str, dict[str, Any]] = {}
    for turn in range(1 + count // len(corpus)):
        for name, page in corpus.items():
            if len(documents) < count:
                page["paths"][next(iter(page["paths"]))]["post"]["requestBody"]["description"] = filler
                copy = json.dumps(page)
                for model in sorted(set(models_of(page)), key=len, reverse=True) if turn else ():
                    copy = copy.replace(f'"{model}"', f'"{model}-copy-{turn}"')
                documents[f"{name}-{turn}"] = json.loads(copy)
    return documents


def models_of(page: dict[str, Any]) -> list[str]:
    """The models that a document declares."""
    request = next(
        schema for name, schema in page["components"]["schemas"].items() if name.endswith("Request")
    )
    model = request["properties"]["model"]
    return list(model.get("enum", [model.get("default")]))


def save(folder: Path, documents: dict[str, dict[str, Any]]) -> Path:
    """Save the documents in a folder, in turn as pages, as YAML and as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, content) in enumerate(documents.items()):
        block = json.dumps(content) if number % 3 == 2 else yaml.safe_dump(content, sort_keys=False)
        kind = ("mdx", "yaml", "json")[number % 3]
        page = f"# {name}\n\n## OpenAPI\n\n````yaml /en/{name}.json POST /v1\n{block}````\n"
        (folder / f"{name}.{kind}").write_text(page if kind == "mdx" else block, encoding="utf-8")
    return folder
