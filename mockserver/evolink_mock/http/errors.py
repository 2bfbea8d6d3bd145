"""Error responses.

The JSON body of an error response is the documented example for its status. The details of the
specific error are appended to the message of the example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import ErrorAnswer

_encode = msgspec.json.Encoder().encode
Headers = tuple[tuple[bytes, bytes], ...]

# Errors with statuses that no OpenAPI document describes, in the documented shape (clause `error.shape`).
_UNDOCUMENTED = {
    400: ("invalid_request", "Invalid request parameters", "invalid_request_error"),
    404: ("not_found", "The requested resource could not be found", "invalid_request_error"),
    405: ("method_not_allowed", "Method not allowed", "invalid_request_error"),
    408: ("request_timeout", "The request did not arrive in time", "invalid_request_error"),
    410: ("link_expired", "This link has expired", "invalid_request_error"),
    416: ("range_not_satisfiable", "The requested range cannot be satisfied", "invalid_request_error"),
    431: ("request_header_fields_too_large", "Request header fields too large", "invalid_request_error"),
    503: ("service_unavailable", "Service temporarily unavailable", "api_error"),
}
_MOST_ERRORS = 256
_remembered: dict[
    tuple[int, str, str], tuple[Mapping[int, ErrorAnswer], bytes]
] = {}  # encoded errors, because clients repeat their mistakes
_INTERNAL = ("internal_error", "Internal server error", "api_error")


class ApiError(Struct, frozen=True):
    """An error response."""

    status: int
    detail: str = ""  # the specific problem, such as `FIELD: REASON`
    param: str = ""  # the name of the invalid field
    headers: Headers = ()
    hint: str = ""  # only logged, never sent to the client


def to_json(error: ApiError, documented: Mapping[int, ErrorAnswer]) -> bytes:
    """Encode an error as JSON.

    The documented code, message and type for the status are used. `error.detail` is appended to the message.
    `error.param` becomes the member `param`.
    """
    key = error.status, error.detail, error.param
    remembered = _remembered.get(key)
    if remembered is not None and remembered[0] is documented:
        return remembered[1]
    body = _to_json(error, documented)
    if len(_remembered) >= _MOST_ERRORS:
        _remembered.clear()
    _remembered[key] = documented, body
    return body


def _to_json(error: ApiError, documented: Mapping[int, ErrorAnswer]) -> bytes:
    if error.status in documented:
        example = documented[error.status].body
    else:
        code, message, kind = _UNDOCUMENTED.get(error.status, _INTERNAL)
        example = {"error": {"code": code, "message": message, "type": kind}}
    fields = dict(example["error"])
    if error.detail:
        fields["message"] = ": ".join(filter(None, (fields.get("message"), error.detail)))
    if error.param:
        fields["param"] = error.param
    return _encode({**example, "error": fields})
