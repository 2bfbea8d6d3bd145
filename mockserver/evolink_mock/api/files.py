"""The file API of the host `files-api.evolink.ai` (uploads, lists, downloads, deletion, quota)."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from msgspec.json import encode
from starlette.responses import Response

from evolink_mock.api.policy import AUTHENTICATION, first_error
from evolink_mock.api.request_context import RequestContext, begin, enter
from evolink_mock.domain.exchange import SCOPE_KEY
from evolink_mock.http.errors import ApiError
from evolink_mock.http.multipart import parse_form
from evolink_mock.http.request_body import receive_body
from evolink_mock.http.responses import send_json
from evolink_mock.media.spec import media_spec_of
from evolink_mock.service.uploads import MOST_FILES, Upload, UploadError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from evolink_mock.service.service import Service

PREFIX = "/api/v1/files"
LINKS = "/files/{file_id}/{name}"
_IMAGE_FORMATS = {"jpg", "jpeg", "png", "webp"}
_MESSAGES = {401: "Invalid or expired token", 404: "File not found"}


class _UploadRequest:
    def __init__(self, service: Service, context: RequestContext, body: bytes) -> None:
        self.service = service
        self.context = context
        self.body = body

    def fields(self) -> dict[str, Any]:
        """Return the JSON object in the body. Raises `UploadError` if the body is not a JSON object."""
        try:
            fields = json.loads(self.body)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise UploadError(400, "the body must be a JSON object")
        return fields

    def keep(self, data: bytes, mime: str, name: Any, folder: Any) -> Upload:
        """Store the file in the account of the request. A file name or folder name that is not a string is ignored."""
        texts = [text if isinstance(text, str) else "" for text in (name, folder)]
        account = self.context.account.token
        return self.service.uploads.add(account, data, texts[0], texts[1], mime, self.context.now)


class UploadEndpoint:
    """The ASGI endpoint of one kind of upload. `take` is the function that stores the file (such as `take_base64`)."""

    def __init__(self, service: Service, take: Callable[[_UploadRequest], Awaitable[Upload]]) -> None:
        self._service = service
        self._take = take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Store the uploaded file, and respond with its description."""
        context = await _authenticated(self._service, scope)
        body = await receive_body(scope, receive, context.headers, self._service.max_body)
        if context.error is None and isinstance(body, ApiError):
            context.error = body
        if context.error is not None or isinstance(body, ApiError):
            await _send_error(send, context, context.error or ApiError(400))
            return
        try:
            upload = await self._take(_UploadRequest(self._service, context, body))
        except UploadError as error:
            await _send_error(send, context, ApiError(error.status, str(error)))
            return
        data = _description(upload, self._service.origins.of(scope, context.headers))
        await _send(send, context, 200, "File uploaded successfully", data)


class FilesEndpoint:
    """The ASGI endpoint for the quota, the list and the deletion of files."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Delete a file, return the quota, or list the files, depending on the path.

        If the path contains the id of a file, this file is deleted. If the path ends in `/quota`, the quota is
        returned. For any other path, the files are listed.
        """
        context = await _authenticated(self._service, scope)
        if context.error is not None:
            await _send_error(send, context, context.error)
            return
        uploads, token = self._service.uploads, context.account.token
        own = uploads.of(token, context.now)
        file_id = scope.get("path_params", {}).get("file_id")
        if file_id is not None:
            if file_id not in {upload.id for upload in own}:
                await _send_error(send, context, ApiError(404))
                return
            uploads.remove(file_id)
            await _send(send, context, 200, "File deleted successfully", None)
        elif scope["path"].endswith("/quota"):
            data = {"total": MOST_FILES, "used": len(own), "remaining": MOST_FILES - len(own)}
            await _send(send, context, 200, "success", data)
        else:
            origin = self._service.origins.of(scope, context.headers)
            files = [_description(upload, origin) for upload in own]
            await _send(send, context, 200, "success", {"files": files, "total": len(files)})


class UploadedFile:
    """The ASGI endpoint that serves an uploaded file until the file expires. No token is required."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with the content of the file.

        An unknown or expired file gets a 404.
        """
        context = begin(self._service, scope, {}, "files")
        upload = self._service.uploads.find(scope["path_params"]["file_id"])
        if upload is not None:
            enter(self._service, context, await self._service.store.account(upload.account))
        if upload is None or context.now >= upload.expires:
            await _send_error(send, context, ApiError(404))
            return
        exchange = scope[SCOPE_KEY]
        exchange.status = 200
        await Response(upload.data, media_type=upload.mime)(scope, receive, send)


async def take_base64(request: _UploadRequest) -> Upload:
    """Store the file in the JSON field `base64_data` (Base64 or a data URL).

    Raises `UploadError` if the field is invalid. Raises `UploadError` if the file is rejected, for example for its
    size.
    """
    fields = request.fields()
    text = fields.get("base64_data")
    if not isinstance(text, str) or not text:
        raise UploadError(400, "base64_data: is required")
    head, comma, rest = text.partition(",")
    mime = head.removeprefix("data:").partition(";")[0] if comma and head.startswith("data:") else ""
    try:
        data = base64.b64decode(rest if comma else text, validate=True)
    except (binascii.Error, ValueError):
        raise UploadError(400, "base64_data: is not valid Base64") from None
    return request.keep(data, mime, fields.get("file_name"), fields.get("upload_path"))


async def take_stream(request: _UploadRequest) -> Upload:
    """Store a file that is a part of a multipart form.

    Raises `UploadError` if the form is invalid. Raises `UploadError` if the file is rejected, for example for its size.
    """
    parts = parse_form(request.context.headers.get(b"content-type", b""), request.body)
    if parts is None:
        raise UploadError(400, "the body must be multipart/form-data")
    file = next((part for part in parts if part.name == "file"), None)
    if file is None:
        raise UploadError(400, "file: is required")
    fields = {part.name: part.data.decode("utf-8", "replace") for part in parts if part is not file}
    name = fields.get("file_name") or fields.get("fileName") or file.file_name
    return request.keep(
        file.data, file.content_type, name, fields.get("upload_path") or fields.get("uploadPath")
    )


async def take_url(request: _UploadRequest) -> Upload:
    """Store the file at the URL in the JSON field `file_url`.

    If this file was uploaded to this mock, a copy of it is stored. For any other URL, a generated picture is stored.
    Raises `UploadError` if the URL is invalid or the file is rejected.
    """
    fields = request.fields()
    url = fields.get("file_url")
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        raise UploadError(400, "file_url: must be a URL with http or https")
    steps = urlsplit(url).path.split("/")
    name = fields.get("file_name") or steps[-1]
    known = request.service.uploads.find(steps[-2]) if len(steps) > 1 else None
    if known is not None:
        return request.keep(known.data, known.mime, name, fields.get("upload_path"))
    suffix = str(name).rpartition(".")[2].lower()  # a generated picture, because the mock downloads no files
    form = suffix if suffix in _IMAGE_FORMATS else "png"
    path = await request.service.media_cache.file(
        media_spec_of({"size": "256x256", "format": form}, "image", 0)
    )
    return request.keep(path.read_bytes(), "", name, fields.get("upload_path"))


async def _authenticated(service: Service, scope: Scope) -> RequestContext:
    context = begin(service, scope, {}, "files")
    context.error = first_error(AUTHENTICATION, context)
    if context.error is None and context.token is not None:
        enter(service, context, await service.store.account(context.token))
    return context


def _description(upload: Upload, origin: str) -> dict[str, Any]:
    return {
        "file_id": upload.id,
        "file_name": upload.name,
        "original_name": upload.original_name,
        "file_size": len(upload.data),
        "mime_type": upload.mime,
        "upload_path": upload.folder,
        "file_url": f"{origin}/files/{upload.id}/{quote(upload.name)}",
        "download_url": f"{origin}{PREFIX}/download/{upload.id}",
        "upload_time": datetime.fromtimestamp(upload.at, UTC).isoformat(timespec="seconds"),
        "expires_at": datetime.fromtimestamp(upload.expires, UTC).isoformat(timespec="seconds"),
    }


async def _send(send: Send, context: RequestContext, status: int, message: str, data: Any) -> None:
    body = {"success": True, "code": status, "msg": message, "data": data}
    await send_json(send, context.exchange, encode(body), status)


async def _send_error(send: Send, context: RequestContext, error: ApiError) -> None:
    message = error.detail or _MESSAGES.get(error.status, "Invalid request")
    context.exchange.notes += tuple(filter(None, (error.detail, error.hint)))
    # No documentation page says which error format the file API uses, so the body has the members of
    # both formats: `success`, `code`, `msg` and `data`, and the `error` of the video API.
    fields = {"code": error.status, "message": message, "type": "invalid_request_error"}
    body = {"success": False, "code": error.status, "msg": message, "data": None, "error": fields}
    await send_json(send, context.exchange, encode(body), error.status)
