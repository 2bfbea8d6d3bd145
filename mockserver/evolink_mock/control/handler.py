"""Decode requests and encode responses for the handlers of the control API."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from evolink_spec import ErrorAnswer
from evolink_spec.options.suggestions import did_you_mean

from evolink_mock.domain.units import parse_duration
from evolink_mock.http.errors import ApiError
from evolink_mock.http.json_body import check_content_type, parse
from evolink_mock.http.responses import send_json

if TYPE_CHECKING:
    from starlette.types import Send

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.service.service import Service

_MISSING = re.compile(r"required field `(\w+)`")
_NAME_LENGTH = 60  # maximum number of characters of an unknown name that an error shows
_encode = msgspec.json.Encoder().encode


class Empty(msgspec.Struct, frozen=True):
    """The type of a body or a query string without fields."""


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """A valid request to the control API, as its handler receives it."""

    service: Service
    account: Account
    body: Any  # of the type that the route declares
    query: Any  # the query parameters, of the type that the route declares
    task_id: str = ""  # from the path; empty if the path contains none


@dataclass(frozen=True, slots=True)
class ControlResponse:
    """A successful response of the control API."""

    body: bytes | AsyncIterator[bytes] | None  # None for a 204; an iterator yields the parts of a long body
    status: int = 200
    content_type: bytes = b"application/json"


async def renewed(request: ControlRequest) -> ControlRequest:
    """Read the account of a request from the store again. Return a copy of the request with this account."""
    account = await request.service.store.account(request.account.token)
    return replace(request, account=account)


Handler = Callable[[ControlRequest], Awaitable[ControlResponse | ApiError]]


def json_response(document: Any, status: int = 200) -> ControlResponse:
    """Return a successful response with a JSON body."""
    return ControlResponse(_encode(document), status)


NO_CONTENT = ControlResponse(None, 204)


def decode_body(raw: bytes, content_type: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct | ApiError:
    """Decode a JSON body to the type `kind`.

    Returns a 400 that names the field if a field is invalid.
    """
    document: Any = {}
    if raw:
        document = check_content_type(content_type) or parse(raw)
    if isinstance(document, ApiError):
        return document
    if not isinstance(document, dict):
        return ApiError(400, "the body must be a JSON object")
    return _convert(document, kind, "field")


def decode_query(raw: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct | ApiError:
    """Decode a query string to the type `kind`.

    Returns a 400 that names the parameter if a parameter is invalid.
    """
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True) if raw else []
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return ApiError(400, f"{name[:_NAME_LENGTH]}: given more than once", name[:_NAME_LENGTH])
    return _convert(parameters, kind, "query parameter", strict=False)


def _convert(
    values: Mapping[str, Any], kind: type[msgspec.Struct], noun: str, *, strict: bool = True
) -> msgspec.Struct | ApiError:
    for name in values:
        if name not in kind.__struct_fields__:
            return _unknown(name, kind.__struct_fields__, noun)
    try:
        return msgspec.convert(values, kind, strict=strict)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        missing = _MISSING.search(reason)
        name = missing[1] if missing else path.strip("`.").partition("[")[0]
        if reason.startswith("Invalid enum value"):
            reason += _choices_hint(kind, name, str(values.get(name)))
        return ApiError(400, f"{name}: {reason}" if name else reason, name)


def _choices_hint(kind: type[msgspec.Struct], name: str, value: str) -> str:
    import msgspec.inspect as inspection

    info = inspection.type_info(kind)
    assert isinstance(info, inspection.StructType)  # noqa: S101  (every body and query is a struct)
    types = [field.type for field in info.fields if field.name == name]
    types += [part for kind_ in types if isinstance(kind_, inspection.UnionType) for part in kind_.types]
    words = [str(word) for part in types if isinstance(part, inspection.LiteralType) for word in part.values]
    return did_you_mean(value[:_NAME_LENGTH], words) or (f"; there are {', '.join(words)}" if words else "")


def _unknown(name: str, known: tuple[str, ...], noun: str) -> ApiError:
    name = name[:_NAME_LENGTH]
    others = f"; there are {', '.join(known)}" if known else f"; this route takes no {noun}"
    return ApiError(400, f"{name}: unknown {noun}{did_you_mean(name, known) or others}", name)


def seconds_of(value: float | str, name: str, most: float) -> float | ApiError:
    """Convert a number of seconds, or a duration such as `25h`, to seconds.

    Returns a 400 that names the field if the value is invalid. The maximum is `most` seconds.
    """
    try:
        seconds = parse_duration(value) if isinstance(value, str) else value
    except ValueError as error:
        return ApiError(400, f"{name}: {error}", name)
    if not 0 <= seconds <= most:
        return ApiError(400, f"{name}: must be from 0 to {most:.0f} seconds", name)
    return seconds


async def send_response(send: Send, exchange: Exchange, response: ControlResponse) -> None:
    """Send a successful response."""
    if isinstance(response.body, AsyncIterator):
        await _send_parts(send, exchange, response.body, response.content_type)
        return
    if response.body is not None and response.content_type == b"application/json":
        await send_json(send, exchange, response.body, response.status)
        return
    exchange.status = response.status
    headers = []
    if response.body is not None:
        length = b"%d" % len(response.body)
        headers = [(b"content-type", response.content_type), (b"content-length", length)]
    body = b"" if response.body is None or exchange.method == "HEAD" else response.body
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_parts(
    send: Send, exchange: Exchange, parts: AsyncIterator[bytes], content_type: bytes
) -> None:
    # An error in the first part can still become an error response, because no status is sent yet.
    part = await anext(parts)
    exchange.status = 200
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
    await send({"type": "http.response.body", "body": part, "more_body": True})
    async for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _error(status: int, code: str, message: str, kind: str = "invalid_request_error") -> ErrorAnswer:
    return ErrorAnswer(status, message, {"error": {"code": code, "message": message, "type": kind}})


# The errors of the control API, in the shape of the documented errors (clause `error.shape`).
ERRORS: Mapping[int, ErrorAnswer] = {
    error.status: error
    for error in (
        _error(401, "unauthorized", "Invalid or missing bearer token", "authentication_error"),
        _error(403, "forbidden", "Forbidden", "permission_error"),
        _error(409, "conflict", "Conflict with the current state"),
        _error(503, "not_ready", "Not ready", "api_error"),
    )
}
