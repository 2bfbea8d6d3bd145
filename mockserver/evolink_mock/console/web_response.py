"""Responses to browsers: JSON, redirects, and pages with their content security policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.json import encode

from evolink_mock.console.rendering import POLICY, page
from evolink_mock.domain.exchange import SCOPE_KEY

if TYPE_CHECKING:
    from typing import Any

    from starlette.types import Scope, Send

_SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
Headers = tuple[tuple[bytes, bytes], ...]


class WebResponse(Struct, frozen=True):
    """A complete response to a browser. By default, the browser must not cache it."""

    body: bytes
    content_type: bytes
    status: int = 200
    headers: Headers = ((b"cache-control", b"no-store"),)


def html(body: bytes, status: int = 200, policy: bytes = POLICY) -> WebResponse:
    """Return a response with an HTML page and its content security policy."""
    headers = ((b"content-security-policy", policy), (b"cache-control", b"no-store"))
    return WebResponse(body, b"text/html; charset=utf-8", status, headers)


def json(document: Any, status: int = 200) -> WebResponse:
    """Return a response with JSON data."""
    return WebResponse(encode(document), b"application/json", status)


def refusal(status: int, reason: str) -> WebResponse:
    """Return an error page that shows the reason."""
    return html(page("refused.html", reason=reason), status)


def plain_refusal(status: int, reason: str) -> WebResponse:
    """Return an error as plain text, for a client without access to the console."""
    # An error page would need a style sheet, and this client has no access to that file.
    return WebResponse(f"{reason}\n".encode(), b"text/plain; charset=utf-8", status)


def redirect(location: str, headers: Headers = ()) -> WebResponse:
    """Return a redirect that the browser follows with GET."""
    return WebResponse(b"", b"text/plain", 303, ((b"location", location.encode()), *headers))


async def send_web_response(scope: Scope, send: Send, response: WebResponse) -> None:
    """Send a response. A HEAD request gets no body."""
    scope[SCOPE_KEY].status = response.status
    length = b"%d" % len(response.body)
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", length),
        *_SAFE_HEADERS,
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})
