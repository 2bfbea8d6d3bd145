"""A client of the control API.

Tests may replace functions of the libraries `httpx` and `requests` to simulate faults. The client works in these tests,
because it uses the standard library.
"""

from __future__ import annotations

import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from evolink_mock.testing.real_sockets import connect, exchange

_SECONDS = 60.0  # time for a response; it is long, because advancing a day may send many callbacks
_BLOCKED_SECONDS = 5.0  # time for a response if the call blocks an event loop, perhaps that of the receiver
_CONTROL = "/__mock__"


class ControlError(Exception):
    """The mock responded to a request of the control API with an error.

    The message states the reason for this error.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} ({status})")
        self.status = status  # the HTTP status


class ControlClient:
    """A client of the control API at `base_url`. Requests about an account need the account's `token`."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        self._url = urlsplit(base_url)
        self._headers = {"accept": "application/json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"

    def request(
        self, method: str, path: str, body: Any = None, *, seconds: float = _SECONDS, variant: str = ""
    ) -> bytes:
        """Send a request, and return the body of the response.

        Proxy variables such as `HTTP_PROXY` are ignored. Raises `ControlError` for an error response. Raises
        `ConnectionError` if no mock responds.

        Set `variant` if the mock sends callbacks during the request. `variant` names the async counterpart of the
        calling method, such as `clock.advance_async(…)`. `variant` has an effect if an event loop is running in this
        thread. The request blocks this event loop, which may run the callback receiver. The mock therefore has five
        seconds to respond. After five seconds, RuntimeError is raised, with a message that recommends `variant`.
        """
        is_blocking = bool(variant) and event_loop_is_running()
        if is_blocking:
            seconds = min(seconds, _BLOCKED_SECONDS)
        content = None if body is None else msgspec.json.encode(body)
        headers = self._headers if content is None else {**self._headers, "content-type": "application/json"}
        try:  # without a proxy: proxy variables are meant for the client under test
            with closing(self._connection(seconds)) as connection:
                target = f"{self._url.path.rstrip('/')}{_CONTROL}{path}"
                response = exchange(connection, method, target, content, headers)
                raw = response.read()
        except (OSError, HTTPException) as error:
            if is_blocking and isinstance(error, TimeoutError):
                raise RuntimeError(_blocked(variant)) from error
            where = self._url.geturl()
            raise ConnectionError(
                f"no evolink-mock responds at {where}: {error or type(error).__name__}"
            ) from error
        if response.status >= 300:  # noqa: PLR2004  (the control API never redirects)
            raise ControlError(response.status, _error_message(raw))
        return raw

    def _connection(self, seconds: float) -> HTTPConnection:
        if not self._url.hostname or self._url.scheme not in {"http", "https"}:
            raise ConnectionError("invalid URL: write http://HOST:PORT")
        if self._url.scheme == "https":
            return HTTPSConnection(self._url.hostname, self._url.port, timeout=seconds)
        connection = HTTPConnection(self._url.hostname, self._url.port, timeout=seconds)
        connection.sock = connect(self._url.hostname, connection.port, seconds)
        return connection


def event_loop_is_running() -> bool:
    """Return whether an event loop of asyncio or trio is running in this thread."""
    trio, asyncio = (
        sys.modules.get("trio"),
        sys.modules.get("asyncio"),
    )  # neither is imported just for this
    if trio is not None and trio.lowlevel.in_trio_run():
        return True
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001  (documented as public)


def _blocked(variant: str) -> str:
    return (
        f"the event loop of this thread was blocked for {_BLOCKED_SECONDS:g} seconds, so a callback receiver in it "
        f"cannot answer: use `await {variant}` in an async test"
    )


def _error_message(raw: bytes) -> str:
    try:
        return str(msgspec.json.decode(raw)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "this is not a response of evolink-mock: does it have a control API?"
