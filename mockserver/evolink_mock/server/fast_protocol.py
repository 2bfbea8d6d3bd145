"""A connection with a fast lane."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from evolink_mock.domain.clock import stopwatch
from evolink_mock.server.batched_lane import BatchedLane
from evolink_mock.server.protocol import Protocol

if TYPE_CHECKING:
    from starlette.types import Scope

    from evolink_mock.server.batched_lane import BatchedConnection
    from evolink_mock.server.connections import ConnectionLimits
    from evolink_mock.server.fast_lane import FastLane, Headers


# If each response were written immediately, each might wake a client process on another core. Waking a process can take
# a third of the time that a request takes.
class ResponseQueue:
    """The fast lane's responses in one turn of the event loop. The next turn writes the responses."""

    def __init__(self) -> None:
        self._responses: list[tuple[BatchedConnection, bytes]] = []

    def add(self, connection: BatchedConnection, response: bytes) -> None:
        """Queue `response`. The next turn of the event loop writes `response` to `connection`."""
        if not self._responses:
            asyncio.get_running_loop().call_soon(self.write)
        self._responses.append((connection, response))

    def write(self) -> None:
        """Write the queued responses, the oldest first. Responses for closed connections are dropped."""
        responses, self._responses = self._responses, []
        for connection, response in responses:
            if connection.can_respond():
                connection.respond(response)


class FastProtocol(Protocol):
    """A connection with a fast lane for small requests. Other requests are left to uvicorn."""

    fast_lane: FastLane
    batched_lane: BatchedLane | None = None  # None if the store cannot serve several requests together
    responses: ResponseQueue  # responses of the fast lane on all connections
    _answered = 0.0  # when the lane served its last request, on the stopwatch

    @property
    def default_headers(self) -> Headers:
        """The headers that uvicorn adds to every response."""
        return self.server_state.default_headers

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin a connection. Prepare the part of the ASGI scope that all requests of the connection share."""
        super().connection_made(transport)
        self.shared_scope: Scope = {"scheme": self.scheme, "server": self.server}

    def data_received(self, data: bytes) -> None:
        """Serve the requests in `data` in the fast lane, and leave the rest to uvicorn.

        The rest begins with the first request that the lane cannot serve.
        """
        batch = self.batched_lane
        if batch is not None and (batch.has(self) or self._may_take_lane()):
            batch.add(self, data)
            return
        if batch is None and self._may_take_lane():
            response, end = self.fast_lane.answer(data, self, self.default_headers)
            if end:
                self.responses.add(self, response)
                self.fast_lane.record_soon(self.loop)
                if end == len(data):
                    return
                data = data[end:]
        self.responses.write()
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio allows a result
        """The client has stopped sending. Serve the requests that wait in the batched lane."""
        self._serve_now()
        return super().eof_received()

    def shutdown(self) -> None:
        """Serve the requests that wait in the batched lane. Close the connection."""
        self._serve_now()
        super().shutdown()

    def can_respond(self) -> bool:
        """Return whether the connection is still open."""
        return not self.transport.is_closing()

    def respond(self, response: bytes) -> None:
        """Write a response of a lane, and restart the time limit for idle connections."""
        self.transport.write_response(response)
        self._answered = self.fast_lane.ended
        if self._timer is not None:
            self._stop_timer()
        self.server_state.total_requests += 1
        if self.timeout_keep_alive_task is None:
            self._wait_for_request(self.timeout_keep_alive)

    def parse(self, data: bytes) -> None:
        """Let uvicorn serve the requests in `data`."""
        super().data_received(data)

    def _serve_now(self) -> None:
        if self.batched_lane is not None and self.batched_lane.has(self):
            self.batched_lane.run()
        self.responses.write()

    def _may_take_lane(self) -> bool:
        cycle = self.cycle
        return (
            not (self._in_head or self._is_draining or self._ignores_input or self.flow.write_paused)
            and (cycle is None or (cycle.response_complete and not self._in_body))
            and not self.transport.is_closing()
        )

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for the whole time limit.

        If the lane has served a request meanwhile, the timer is restarted.
        """
        left = self._answered + self.timeout_keep_alive - stopwatch()
        if left > 0:
            self._wait_for_request(left)
        else:
            super().timeout_keep_alive_handler()

    def _wait_for_request(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)


def protocol_with(limits: ConnectionLimits, lane: FastLane | None = None) -> type[Protocol]:
    """Return the class for connections of a listener with these limits.

    If `lane` is set, the connections have this fast lane.
    """
    members: dict[str, Any] = {"limits": limits, "is_overload_logged": False}
    if lane is None:
        return type("LimitedProtocol", (Protocol,), members)
    batched = None if lane.batching_store is None else BatchedLane(lane, lane.batching_store)
    members |= {"fast_lane": lane, "batched_lane": batched, "responses": ResponseQueue()}
    return type("LimitedFastProtocol", (FastProtocol,), members)
