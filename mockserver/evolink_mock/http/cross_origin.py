"""Cross-origin resource sharing (CORS), which lets web pages call the API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_mock.domain.exchange import SCOPE_KEY

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY, NONE = "*", "off"
_LOOPBACK = (
    r"https?://(?:localhost|(?:[a-z0-9_-]+\.)+localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?"
)
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?|null")
_DEFAULT_PORT = re.compile(r"\A(http:.*):80\Z|\A(https:.*):443\Z")
_EXPOSED = ("Retry-After", "Content-Length", "Content-Range")


def parse_origin(text: str) -> str:
    """Check that a text is `*`, `off`, or the origin of a web page.

    Returns the text in lower case, without the default port. Raises ValueError for an invalid text.
    """
    origin = text.strip().lower().removesuffix("/")
    if origin not in {ANY, NONE} and not _ORIGIN.fullmatch(origin):
        raise ValueError(f"invalid origin {text!r}: write https://HOST[:PORT], * or off")
    return _DEFAULT_PORT.sub(r"\1\2", origin)  # without the default port, which browsers omit


class CrossOrigin:
    """Adds CORS headers to the responses that a web page may read.

    Pages of loopback addresses and of the `allowed` origins may read responses. `*` in `allowed` stands for every page.
    `off` in `allowed` excludes all pages. No page may read responses of paths below the path `closed`.
    """

    def __init__(self, allowed: Collection[str], closed: str) -> None:
        self._closed = f"{closed}/"
        self._origins = tuple(map(parse_origin, allowed))
        self._is_off = NONE in self._origins
        self._allowed = re.compile(
            ".*" if ANY in self._origins else "|".join([_LOOPBACK, *map(re.escape, self._origins)]),
            re.IGNORECASE,
        )

    def wrap(self, app: ASGIApp, scope: Scope) -> ASGIApp:
        """Return the ASGI app for a request: `app`, with CORS headers added if an allowed page sent the request."""
        for name, value in scope["headers"]:
            if name == b"origin":
                return self._wrap_for(value, app, scope)
        return app

    def _wrap_for(self, origin: bytes, app: ASGIApp, scope: Scope) -> ASGIApp:
        if scope["path"].startswith(self._closed):
            return app
        if self._is_off or not self._allowed.fullmatch(origin.decode("latin-1")):
            scope[SCOPE_KEY].notes += (f"--cors does not allow pages from {origin.decode('latin-1')[:100]}",)
            return app
        return _Allowed(app, self._origins)


class _Allowed:
    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        from starlette.middleware.cors import CORSMiddleware

        self._app = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_origin_regex=f"(?i:{_LOOPBACK})",
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
            allow_private_network=True,  # an allowed page on the internet may call this machine
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = scope[SCOPE_KEY]

        async def record(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status, exchange.answer_headers = message["status"], message["headers"]
            await send(message)

        await self._app(scope, receive, record)
