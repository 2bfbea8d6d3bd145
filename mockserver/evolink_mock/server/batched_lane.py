"""The batched lane: serve requests together if they arrive in the same turn of the event loop.

The fast lane (module `fast_lane`) responds to small requests without uvicorn. The batched lane is its variant for
stores that several workers share. In an SQLite file, the requests share one transaction; on a Redis or Valkey server,
they share one round trip. Each request is served by a coroutine, which stops when it needs the store. The commands of
all stopped coroutines are then sent together, and each coroutine continues with the replies to its commands. A status
query that the cache of the store can answer needs no coroutine.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from evolink_mock.domain.store import StoreError
from evolink_mock.http.connection import MayWaitError
from evolink_mock.server.fast_lane import MOST_REQUESTS, Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.store import BatchingStore
    from evolink_mock.server.fast_lane import FastLane, Headers, LaneRequest


class BatchedConnection(Connection, Protocol):
    """The methods of a connection that `BatchedLane` uses."""

    @property
    def default_headers(self) -> Headers:
        """The headers that uvicorn adds to every response."""
        ...

    def can_respond(self) -> bool:
        """Return whether the connection is still open."""
        ...

    def respond(self, response: bytes) -> None:
        """Write a response."""
        ...

    def parse(self, data: bytes) -> None:
        """Let uvicorn serve the requests in `data`."""
        ...


class _Request:
    """A request in the batched lane.

    `data` are the received bytes: this request and perhaps others that follow it. While the request waits for the
    store, `commands` are the commands that the store must execute; otherwise, `commands` is None.
    """

    def __init__(
        self,
        connection: BatchedConnection,
        data: bytes,
        request: LaneRequest,
        lane: FastLane,
        store: BatchingStore,
    ) -> None:
        self.connection = connection
        self.data = data
        self.exchange, self.end = request.exchange, request.end
        self.commands: Sequence[Any] | None = None
        self.is_served = False
        self._store = store
        self._coroutine = lane.serving(request, connection)
        self._go_on(self._coroutine.send, None)

    def receive(self, replies: Sequence[Any]) -> None:
        """Continue the coroutine of the request with the replies to its commands.

        If a reply is a `StoreError`, raise this error in the coroutine instead.
        """
        error = next((reply for reply in replies if isinstance(reply, StoreError)), None)
        if error is None:
            self._go_on(self._coroutine.send, replies)
        else:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        self._go_on(self._coroutine.throw, error)

    def _go_on(self, resume: Callable[[Any], Any], value: Any) -> None:
        self._store.is_batching, self.commands = True, None
        try:
            self.commands = resume(value)
        except StopIteration:
            self.is_served = True
        except MayWaitError:
            pass
        finally:
            self._store.is_batching = False


class BatchedLane:
    """Collects the requests that arrive in one turn of the event loop, and serves them in the next turn."""

    def __init__(self, lane: FastLane, store: BatchingStore) -> None:
        self._lane = lane
        self._store = store
        self._arrived: dict[BatchedConnection, bytes] = {}
        self._served: list[tuple[BatchedConnection, Exchange]] = []  # responses that are not yet written

    def add(self, connection: BatchedConnection, data: bytes) -> None:
        """Serve the requests in `data` in the next turn of the event loop.

        If a request may have to wait (for example because a recipe delays its response), uvicorn serves it and the
        requests after it in `data`.
        """
        earlier = self._arrived.get(connection)
        if earlier is not None:
            data = earlier + data
        elif not self._arrived:
            asyncio.get_running_loop().call_soon(self.run)
        self._arrived[connection] = data

    def has(self, connection: BatchedConnection) -> bool:
        """Return whether data of this connection is waiting for the next turn of the event loop."""
        return connection in self._arrived

    def run(self) -> None:
        """Serve the requests that have arrived since the previous call."""
        arrived, self._arrived = self._arrived, {}
        self._lane.record_soon(asyncio.get_running_loop())
        self._store.begin_batch()
        begun = [self._begin(connection, data) for connection, data in arrived.items()]
        requests = [request for request in begun if request is not None]
        self._write_responses()
        while stopped := [request for request in requests if request.commands is not None]:
            self._exchange(stopped)
        for request in requests:
            if not request.is_served:
                request.connection.parse(request.data)
                continue
            self._served.append((request.connection, request.exchange))
            if request.end < len(request.data):
                self.add(request.connection, request.data[request.end :])
        self._write_responses()

    def _begin(self, connection: BatchedConnection, data: bytes) -> _Request | None:
        """Serve requests at the beginning of `data`, up to the first that needs the store, and return that request.

        If a request that the lane cannot serve comes first, let uvicorn serve this request and everything after it in
        `data`, and return None. Also return None if no request in `data` needs the store.
        """
        for _ in range(MOST_REQUESTS):
            request = self._lane.read(data, 0, connection)
            if request is None:
                break
            if not self._lane.serve_from_cache(request):
                begun = _Request(connection, data, request, self._lane, self._store)
                if begun.commands is not None:
                    return begun
                if not begun.is_served:
                    break
            self._served.append((connection, request.exchange))
            if request.end == len(data):
                return None
            data = data[request.end :]
        self._write_responses()
        connection.parse(data)
        return None

    def _exchange(self, requests: Sequence[_Request]) -> None:
        """Send the commands of several requests to the store together, and continue each request with its replies."""
        commands = [command for request in requests for command in request.commands or ()]
        try:
            replies = self._store.send(commands)
        except Exception as error:  # noqa: BLE001  (each request responds to the error, and logs it if it is a bug)
            for request in requests:
                request.fail(error)
            return
        first = 0
        for request in requests:
            last = first + len(request.commands or ())
            request.receive(replies[first:last])
            first = last

    def _write_responses(self) -> None:
        """Write the collected responses directly one after another.

        A client process that has several connections then wakes once for all responses, instead of once for each.
        """
        served, self._served = self._served, []
        for connection, exchange in served:
            if connection.can_respond():
                response = self._lane.response(exchange, connection.default_headers)
                connection.respond(b"".join(response))
