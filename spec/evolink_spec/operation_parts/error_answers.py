"""The documented error responses of an operation, with the examples of their bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_spec.errors import SpecError
from evolink_spec.models import ErrorAnswer
from evolink_spec.schemas import check, check_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.models import Json
    from evolink_spec.pointers import Node

FIRST_ERROR = 400
# The bodies that most EvoLink documents use. They are used if a document gives no example.
_BODIES = {
    400: ("invalid_request", "Invalid request parameters", "invalid_request_error"),
    401: ("unauthorized", "Invalid or expired token", "authentication_error"),
    402: ("insufficient_quota", "Insufficient quota. Please top up your account.", "insufficient_quota"),
    403: ("model_access_denied", "Access denied", "invalid_request_error"),
    404: ("resource_not_found", "The requested resource could not be found", "invalid_request_error"),
    413: ("request_too_large", "Request body too large", "invalid_request_error"),
    429: ("rate_limit_exceeded", "Too many requests, please try again later", "rate_limit_error"),
    500: ("internal_error", "Internal server error", "api_error"),
    502: ("upstream_error", "Upstream service error", "upstream_error"),
    503: ("service_unavailable", "Service temporarily unavailable", "api_error"),
}


def errors_of(answers: Iterable[tuple[int, Node]], warnings: list[SpecError]) -> dict[int, ErrorAnswer]:
    """Return the documented error responses by status.

    A warning about each missing or invalid example is added to `warnings`.
    """
    return {
        status: ErrorAnswer(
            status, str(response.child("description").value), _example(status, response, warnings)
        )
        for status, response in answers
        if status >= FIRST_ERROR
    }


def built_in(status: int) -> dict[str, Json]:
    """Return the usual error body for a status."""
    code, message, kind = _BODIES.get(status, _BODIES[500 if status >= 500 else 400])  # noqa: PLR2004
    return {"error": {"code": code, "message": message, "type": kind}}


def _example(status: int, response: Node, warnings: list[SpecError]) -> dict[str, Json]:
    media = response.child("content").child("application/json")
    media.fields({"encoding", "example", "examples", "schema"})
    examples = media.get("examples")
    values = [example.child("value") for _, example in examples.children()] if examples else []
    if values and "example" in media.mapping():
        raise media.error("must have either `example` or `examples` to answer with, not both")
    if not values and "example" not in media.mapping():
        warnings.append(media.error("has no example: the usual body of this status is used"))
        return built_in(status)
    example = values[0] if values else media.child("example")
    example.child("error").child("message").text()  # raises `SpecError` if there is no text
    check(media.child("schema"))
    try:
        check_value(media.child("schema"), example.value, example, "the example")
    except SpecError as error:
        warnings.append(error)
    return example.mapping()
