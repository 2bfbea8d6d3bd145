"""A listening socket that several processes share.

All processes get about the same number of connections.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

from evolink_mock.server.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

# The pause after each connection, in which other processes can accept the next connection. It grows with the number of
# connections of this process.
_PAUSE_SECONDS = 0.0005
_MOST_PAUSES = 40


class SharedListener:  # asyncio's own server would accept all waiting connections at once
    """Accepts one connection at a time, and then pauses. Other processes can accept the next connections."""

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], connections: Sized
    ) -> None:
        self._listener = listener
        self._connections = connections
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        listener.settimeout(0)
        self._resume()

    def close(self) -> None:
        """Stop accepting connections."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._listener)

    async def wait_closed(self) -> None:
        """Return immediately. uvicorn itself closes the connections."""

    def _resume(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        self._loop.remove_reader(self._listener)
        pauses = min(1 + len(self._connections), _MOST_PAUSES)
        self._timer = self._loop.call_later(pauses * _PAUSE_SECONDS, self._resume)
        try:
            connection, _ = self._listener.accept()
        except OSError:  # another process was faster, the client has left, or no file descriptor is free
            return
        connection.settimeout(0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connecting = self._loop.create_task(self._loop.connect_accepted_socket(self._protocol, connection))
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)


class SharingServer(Server):
    """A server that shares its http socket with other processes."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open every listener, and call `ready`."""
        await super().startup([])
        if self.started and sockets:
            listener = SharedListener(sockets[0], self._create_protocol, self.server_state.connections)
            self.servers.append(cast("asyncio.Server", listener))

    def _create_protocol(self) -> asyncio.Protocol:
        create = cast("Any", self.config.http_protocol_class)
        protocol: asyncio.Protocol = create(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=asyncio.get_running_loop(),
        )
        return protocol
