"""The server of `evolink-check proxy`: a reverse proxy that runs in a thread."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from evolink_check.proxy.forwarder import ForwardingApp

HEAD_SECONDS, BODY_SECONDS = 30.0, 300.0  # for a client to send the head and the body of a request
_START_SECONDS = 30
_STOP_SECONDS = 2
_SWITCH_SECONDS = 0.0005
_SILENT = logging.getLogger("evolink_check.proxy")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


_TIMEOUT_BODY = json.dumps(
    {
        "error": {
            "code": "proxy_error",
            "message": "evolink-check proxy: no complete request",
            "type": "api_error",
        }
    }
).encode()
_TIMEOUT = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%s" % (len(_TIMEOUT_BODY), _TIMEOUT_BODY)
)


class ListenError(Exception):
    """The proxy cannot listen on its address, or did not start."""


@contextmanager
def proxying(forward: ForwardingApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Run a proxy during the `with` block, and yield its URL.

    Port 0 selects a free port. Raises `ListenError` if the proxy cannot listen or does not start.
    """
    with _listening(host, port) as listener, _frequent_switches():
        server = _Server(forward)
        thread = threading.Thread(target=server.run, args=([listener],), name="evolink-proxy", daemon=True)
        thread.start()
        try:
            if not server.up.wait(_START_SECONDS):
                raise ListenError("the proxy did not start")
            name = f"[{host}]" if ":" in host else host
            yield f"http://{name}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _frequent_switches() -> Iterator[None]:
    # The forwarding thread needs the interpreter lock after every read and write. While another thread judges, the
    # forwarding thread gets the lock at the end of a switch interval. The default of five milliseconds would delay the
    # requests.
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise ListenError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error


# The protocol based on httptools drops the body of a request with the header Upgrade.
class _Protocol(H11Protocol):
    # uvicorn's HTTP protocol with time limits and without log messages.

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]  # as it was called
        # uvicorn would report an incomplete response of the upstream server as an error of the proxy.
        self.logger = _SILENT
        self._timer: asyncio.TimerHandle | None = None
        self._timed = 0.0  # the limit of the timer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._limit(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._limit(0)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        state, has_begun = self.conn.their_state, self.cycle is None or bool(self.conn.trailing_data[0])
        self._limit(
            BODY_SECONDS if state is h11.SEND_BODY else HEAD_SECONDS if state is h11.IDLE and has_begun else 0
        )

    def _limit(self, seconds: float) -> None:
        if seconds == self._timed:
            return  # a part of the same head or body
        if self._timer is not None:
            self._timer.cancel()
        self._timed, self._timer = seconds, self.loop.call_later(seconds, self._expire) if seconds else None

    def _expire(self) -> None:
        # A silent client is disconnected. A client with an incomplete request gets a 408.
        is_silent = self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]
        has_response = (
            self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        )
        if not (is_silent or has_response or self.transport.is_closing()):
            self.transport.write(_TIMEOUT)
        self.transport.close()


class _Server(uvicorn.Server):
    def __init__(self, forward: ForwardingApp) -> None:
        super().__init__(
            uvicorn.Config(
                forward,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self._forward = forward
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Exchanges in progress have one second to end.
        await self._forward.close()
        await super().shutdown(sockets)
