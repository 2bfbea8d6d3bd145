"""Errors as data, and the one place where they become bytes: the document's own example, with what is wrong added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import ErrorAnswer

_encode = msgspec.json.Encoder().encode
Headers = tuple[tuple[bytes, bytes], ...]

# What the documents do not describe, in the shape that they do (clause `error.shape`).
_UNDOCUMENTED = {
    400: ("invalid_request", "Invalid request parameters", "invalid_request_error"),
    404: ("not_found", "The requested resource could not be found", "invalid_request_error"),
    405: ("method_not_allowed", "Method not allowed", "invalid_request_error"),
    410: ("link_expired", "This link has expired", "invalid_request_error"),
    416: ("range_not_satisfiable", "The requested range cannot be satisfied", "invalid_request_error"),
}
_INTERNAL = ("internal_error", "Internal server error", "api_error")


class ApiError(Struct, frozen=True):
    """A refusal: the status, what in particular is wrong (`field: reason`), the field, and extra headers.

    `hint` is for the log of the person who runs the server, never for the client.
    """

    status: int
    detail: str = ""
    param: str = ""
    headers: Headers = ()
    hint: str = ""


def body(fault: ApiError, documented: Mapping[int, ErrorAnswer]) -> bytes:
    """The JSON of a fault: documented code, message and type; the detail after the message, and `param`."""
    if fault.status in documented:
        example = documented[fault.status].body
    else:
        code, message, kind = _UNDOCUMENTED.get(fault.status, _INTERNAL)
        example = {"error": {"code": code, "message": message, "type": kind}}
    error = dict(example["error"])
    if fault.detail:
        error["message"] = ": ".join(filter(None, (error.get("message"), fault.detail)))
    if fault.param:
        error["param"] = fault.param
    return _encode({**example, "error": error})
