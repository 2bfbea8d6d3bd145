"""A request to the control API once it is understood, the answer, and what both are made of."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from evolink_spec import ErrorAnswer
from evolink_spec.options.suggestions import did_you_mean

from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import check_content_type, parse
from evolink_mock.http.responses import send_json

if TYPE_CHECKING:
    from starlette.types import Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.service.service import Service

_MISSING = re.compile(r"required field `(\w+)`")
_encode = msgspec.json.Encoder().encode


class Empty(msgspec.Struct, frozen=True):
    """The body of a request that needs none: nothing, or an object without fields."""


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """What is asked for: of which account, with which body (the struct of the route) and path parameter."""

    service: Service
    account: Account
    body: Any
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class ControlResponse:
    """A success: a body ready to be sent, None for a 204."""

    body: bytes | None
    status: int = 200
    kind: bytes = b"application/json"


Act = Callable[[ControlRequest], Awaitable[ControlResponse | ApiError]]


def json_response(document: Any, status: int = 200) -> ControlResponse:
    """A success with a JSON body."""
    return ControlResponse(_encode(document), status)


DONE = ControlResponse(None, 204)


def decode(raw: bytes, content_type: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct | ApiError:
    """The body as the struct that a route takes; a 400 that names the field, and the nearest for an unknown one."""
    document: Any = {}
    if raw:
        fault = check_content_type(content_type)
        document = fault or parse(raw)
    if isinstance(document, ApiError):
        return document
    if not isinstance(document, dict):
        return ApiError(400, "the body has to be an object")
    for name in document:
        if name not in kind.__struct_fields__:
            return _unknown(name, kind.__struct_fields__)
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        missing = _MISSING.search(reason)
        field = missing[1] if missing else where.strip("`.").partition("[")[0]
        return ApiError(400, f"{field}: {reason}" if field else reason, field)


def _unknown(name: str, fields: tuple[str, ...]) -> ApiError:
    shown = name[:60]
    known = f"; the fields are {', '.join(fields)}" if fields else "; there are no fields here"
    return ApiError(400, f"{shown}: there is no such field{did_you_mean(shown, fields) or known}", shown)


async def send_reply(send: Send, exchange: Exchange, reply: ControlResponse) -> None:
    """Send a success."""
    if reply.body is not None and reply.kind == b"application/json":
        await send_json(send, exchange, reply.body, reply.status)
        return
    exchange.status = reply.status
    headers = []
    if reply.body is not None:
        headers = [(b"content-type", reply.kind), (b"content-length", b"%d" % len(reply.body))]
    body = b"" if reply.body is None or exchange.method == "HEAD" else reply.body
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _error(status: int, code: str, message: str, kind: str = "invalid_request_error") -> ErrorAnswer:
    return ErrorAnswer(status, message, {"error": {"code": code, "message": message, "type": kind}})


# The errors that are the control API's own, in the shape of the documents' (clause `error.shape`).
ERRORS: Mapping[int, ErrorAnswer] = {
    one.status: one
    for one in (
        _error(401, "unauthorized", "Invalid or missing bearer token", "authentication_error"),
        _error(403, "forbidden", "Refused to a browser", "permission_error"),
        _error(409, "conflict", "Not in this state"),
        _error(503, "not_ready", "Not ready", "api_error"),
    )
}
