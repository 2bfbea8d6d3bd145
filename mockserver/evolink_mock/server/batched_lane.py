"""The batched lane serves the requests of one turn of the event loop together.

Several workers can share a store. The batched lane is the variant of the fast lane for such stores. In an SQLite file,
the requests share one transaction. On a Redis or Valkey server, the requests share one round trip.

Each request is served by its own coroutine. A coroutine stops when its request needs the store. The lane then sends the
commands of all stopped coroutines to the store together. Each coroutine continues with the replies to its commands. No
coroutine is needed if the store's cache can answer a status query.
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
    def __init__(
        self,
        connection: BatchedConnection,
        data: bytes,
        request: LaneRequest,
        lane: FastLane,
        store: BatchingStore,
    ) -> None:
        self.connection = connection
        self.data = data  # this request and perhaps others that follow it
        self.exchange, self.end = request.exchange, request.end
        self.commands: Sequence[Any] | None = None  # for the store, while the request waits for their replies
        self.is_served = False
        self._store = store
        self._coroutine = lane.serving(request, connection)
        self._go_on(self._coroutine.send, None)

    def receive(self, replies: Sequence[Any]) -> None:
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
    """Collects requests during one turn of the event loop. The next turn serves them."""

    def __init__(self, lane: FastLane, store: BatchingStore) -> None:
        self._lane = lane
        self._store = store
        self._arrived: dict[BatchedConnection, bytes] = {}
        self._served: list[tuple[BatchedConnection, Exchange]] = []  # responses that are not yet written

    def add(self, connection: BatchedConnection, data: bytes) -> None:
        """Serve the requests in `data` in the next turn of the event loop.

        The lane cannot serve a request that may require waiting, such as one with a delayed response. Uvicorn serves
        this request and all later requests in `data`.
        """
        earlier = self._arrived.get(connection)
        if earlier is not None:
            data = earlier + data
        elif not self._arrived:
            asyncio.get_running_loop().call_soon(self.run)
        self._arrived[connection] = data

    def has(self, connection: BatchedConnection) -> bool:
        """Return whether data of this connection is waiting for the next turn."""
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

    # Returns the first request in `data` that needs the store. Serves the requests before it. Leaves `data` from the
    # first request that the lane cannot serve to uvicorn.
    def _begin(self, connection: BatchedConnection, data: bytes) -> _Request | None:
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
        # Directly one after another, so that a client process with several connections wakes once for all responses.
        served, self._served = self._served, []
        for connection, exchange in served:
            if connection.can_respond():
                response = self._lane.response(exchange, connection.default_headers)
                connection.respond(b"".join(response))
