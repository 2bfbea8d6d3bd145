"""The leases of deliveries on the Redis server.

A worker leases a delivery before the attempt. Each delivery is leased by at most one worker at a time. A worker renews
its leases every second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_mock.domain.store import Claim
from evolink_mock.stores.records import decode_account
from evolink_mock.stores.redis.values import decoded, encoded, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import MayHold
    from evolink_mock.stores.redis.connection import Connection

ALIVE_SECONDS = 5.0  # a worker that has not renewed its leases for this real time is considered dead


class Leases:
    """The leases of the deliveries on the Redis server."""

    def __init__(self, connection: Connection, worker: str, wall_time: Callable[[], float]) -> None:
        self._connection = connection
        self._worker = worker
        self._wall_time = wall_time

    async def next_wake(self) -> float | None:
        """Return when the next unleased delivery is due, on the mock server's clock.

        Returns None if no delivery is planned.
        """
        first = self._connection.call("ZRANGE", self._connection.key("wakes"), 0, 0, "WITHSCORES")
        return float(first[1]) if first else None

    async def claim(self, now: float, most: int, may_hold: MayHold) -> Sequence[Claim]:
        """Lease deliveries that are due at `now`.

        `now` is in Unix seconds of the mock server's clock. For each pair of account and receiver, this call leases at
        most `most` deliveries. If `may_hold(token, receiver)` returns False, no delivery for this pair is leased.
        """
        key = self._connection.key("wakes")
        queues = self._connection.call("ZRANGEBYSCORE", key, "-inf", now)
        allowed = [queue for queue in queues if may_hold(*_parts_of(queue))]
        return self._claim("claim", now, most, *allowed) if allowed else ()

    async def claim_frozen(self, token: str) -> Sequence[Claim]:
        """Lease the account's deliveries that are due by its frozen clock.

        Leases none if the clock is not frozen.
        """
        data = self._connection.call("HGET", self._connection.key("accounts"), name_of(token))
        if data is None or (now := decode_account(data).frozen_at) is None:
            return ()
        return self._claim("claim_frozen", name_of(token), now)

    async def claim_one(self, task_id: str) -> Claim | None:
        """Lease the delivery of a task. Returns None if a worker has already leased the delivery."""
        return next(iter(self._claim("claim_one", task_id)), None)

    async def begin(self, delivery: Delivery) -> bool:
        """Record that this worker begins an attempt of a delivery that it has leased.

        Returns False if this worker has lost the lease or the delivery was deleted.
        """
        return bool(self._connection.write("begin", *self._lease_of(delivery)))

    async def release(self, delivery: Delivery) -> None:
        """End the lease of a delivery that was not attempted."""
        self._connection.write("release", *self._lease_of(delivery))

    async def conclude(self, token: str, before: Delivery, after: Delivery) -> bool:  # noqa: ARG002
        """Store the state of a delivery after an attempt, and end the lease.

        `before` and `after` are the states of the delivery before and after the attempt. Returns False if this worker
        has lost the lease or the delivery was deleted.
        """
        data, due = encoded(after)
        return bool(self._connection.write("conclude", *self._lease_of(before), data, due))

    async def is_attempting(self, token: str) -> bool:
        """Return whether a worker has leased a delivery of the account."""
        return bool(self._connection.call("SCARD", self._connection.key(f"attempting:{token}")))

    async def is_alive(self, worker: str) -> bool:
        """Return whether the worker with this name still renews its leases."""
        alive_until = self._connection.call("ZSCORE", self._connection.key("workers"), worker)
        return alive_until is not None and float(alive_until) >= self._wall_time()

    async def others(self) -> int:
        """Return the number of other running workers."""
        now = self._wall_time()
        alive = self._connection.call("ZRANGEBYSCORE", self._connection.key("workers"), now, "+inf")
        return len({*alive} - {self._worker.encode()})

    async def renew(self) -> None:
        """Renew the leases of this worker, and end the leases of dead workers."""
        now = self._wall_time()
        self._connection.write("renew", self._worker, now, now + ALIVE_SECONDS)

    async def end(self) -> None:
        """End all leases of this worker."""
        self.end_now()

    def end_now(self) -> None:
        """End all leases of this worker."""
        self._connection.write("end_leases", self._worker)

    def _claim(self, name: str, *values: Any) -> Sequence[Claim]:
        rows = self._connection.write(name, self._worker, *values)
        rows.sort(key=lambda row: float(row[4] or 0))  # by due time, empty if the clock is frozen
        return tuple(Claim(decode_account(row[0]), decoded(row[1], row[2]), int(row[3])) for row in rows)

    def _lease_of(self, delivery: Delivery) -> tuple[Any, ...]:
        # An account that is dropped and opened again may create a task with the same id. Their records differ.
        return self._worker, delivery.task_id, encoded(delivery)[0]


def _parts_of(queue: bytes) -> tuple[str, str]:
    token, _, receiver = queue.rpartition(b"\n")
    return token.decode("utf-8", "surrogatepass"), receiver.decode()
