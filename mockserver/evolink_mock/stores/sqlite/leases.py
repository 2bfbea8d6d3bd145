"""The leases of deliveries in the SQLite file.

A worker leases a delivery before the attempt. Each delivery is leased by at most one worker at a time. The table
`deliveries` has three columns for leases. `worker` is the worker that holds the lease. `has_begun` states whether this
worker has begun the attempt. `wakes_at` is the time from which `Leases.claim` may lease the delivery, on the mock
server's clock. `wakes_at` is NULL if no attempt is planned or the account's clock is frozen. While the clock is frozen,
workers use `Leases.claim_frozen` instead.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.domain.store import Claim
from evolink_mock.stores.records import decode_account, decode_delivery, encode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import MayHold
    from evolink_mock.stores.sqlite.connection import Connection

ALIVE_SECONDS = 5.0  # a worker that has not renewed its leases for this real time is considered dead
_AT_ONCE = 0.0  # before every time of the server's clock


def wakes_at(account: Account, due: float | None) -> float | None:
    """Convert `due` from the account's clock to the mock server's clock.

    Returns None if no attempt is planned or the account's clock is frozen.
    """
    if due is None or not math.isfinite(due) or account.frozen_at is not None:
        return None
    return due - account.shift


class Leases:
    """The leases of the deliveries in the file."""

    def __init__(self, connection: Connection, worker: str, wall_time: Callable[[], float]) -> None:
        self._connection = connection
        self._worker = worker
        self._wall_time = wall_time

    def add(
        self, database: sqlite3.Connection, account_id: int, delivery: Delivery, instant: float | None
    ) -> None:
        """Store a new delivery.

        `instant` is the time from which `claim` may lease the delivery, on the mock server's clock. If `instant` is
        None, `claim` does not lease the delivery.
        """
        receiver, due = delivery.target.authority(), _finite(delivery.due)
        values = (delivery.task_id, account_id, receiver, encode(delivery), due, instant)
        database.execute(
            "INSERT INTO deliveries (task, account, receiver, data, due, wakes_at) VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )

    def move(self, database: sqlite3.Connection, account: Account, task_id: str, due: float) -> None:
        """Set the time of a delivery's next attempt to `due`, on the account's clock.

        Does nothing if a worker has leased the delivery.
        """
        row = database.execute(
            "SELECT data FROM deliveries WHERE task = ? AND worker IS NULL", (task_id,)
        ).fetchone()
        if row is not None:
            data = encode(replace(decode_delivery(row[0]), due=due))
            values = (data, _finite(due), wakes_at(account, due), task_id)
            database.execute("UPDATE deliveries SET data = ?, due = ?, wakes_at = ? WHERE task = ?", values)

    def clock_changed(self, database: sqlite3.Connection, account_id: int, account: Account) -> None:
        """Recompute `wakes_at` of the account's deliveries after its clock was moved, frozen or resumed."""
        shift = None if account.frozen_at is not None else account.shift  # `due - NULL` is NULL
        database.execute("UPDATE deliveries SET wakes_at = due - ? WHERE account = ?", (shift, account_id))

    async def next_wake(self) -> float | None:
        """Return when the next unleased delivery is due, on the mock server's clock.

        Returns None if no delivery is planned.
        """
        row = self._connection.fetch_one(
            "SELECT min(wakes_at) FROM deliveries WHERE worker IS NULL AND wakes_at IS NOT NULL"
        )
        instant: float | None = row[0]
        return instant

    async def claim(self, now: float, most: int, may_hold: MayHold) -> Sequence[Claim]:
        """Lease deliveries that are due at `now`.

        `now` is in Unix seconds of the mock server's clock. For each pair of account and receiver, this call leases at
        most `most` deliveries. If `may_hold(token, receiver)` returns False, no delivery for this pair is leased.
        """
        rows = self._connection.fetch(
            "SELECT d.task, a.token, d.receiver FROM (SELECT *, row_number() OVER (PARTITION BY account, receiver "
            "ORDER BY wakes_at) AS n FROM deliveries WHERE worker IS NULL AND wakes_at <= ?) d "
            "JOIN accounts a ON a.id = d.account WHERE d.n <= ? ORDER BY d.wakes_at",
            (now, most),
        )
        return self._lease([task_id for task_id, token, receiver in rows if may_hold(token, receiver)])

    async def claim_frozen(self, token: str) -> Sequence[Claim]:
        """Lease the account's deliveries that are due by its frozen clock.

        Leases none if the clock is not frozen.
        """
        account = self._account(token)
        if account is None or account[1].frozen_at is None:
            return ()
        values = (account[0], account[1].frozen_at)
        rows = self._connection.fetch(
            "SELECT task FROM deliveries WHERE worker IS NULL AND account = ? AND due <= ? ORDER BY due",
            values,
        )
        return self._lease([task_id for (task_id,) in rows])

    async def claim_one(self, task_id: str) -> Claim | None:
        """Lease the delivery of a task. Returns None if a worker has already leased the delivery."""
        return next(iter(self._lease([task_id])), None)

    async def begin(self, delivery: Delivery) -> bool:
        """Record that this worker begins an attempt of a delivery that it has leased.

        Returns False if this worker has lost the lease or the delivery was deleted.
        """
        return self._update("has_begun = 1", delivery)

    async def release(self, delivery: Delivery) -> None:
        """End the lease of a delivery that was not attempted."""
        self._update("worker = NULL, has_begun = 0", delivery)

    async def conclude(self, token: str, before: Delivery, after: Delivery) -> bool:
        """Store the state of a delivery after an attempt, and end the lease.

        `before` and `after` are the states of the delivery before and after the attempt. Returns False if this worker
        has lost the lease or the delivery was deleted.
        """
        with self._connection.transaction() as database:
            row = database.execute("SELECT data FROM accounts WHERE token = ?", (token,)).fetchone()
            if row is None:
                return False
            instant = wakes_at(decode_account(row[0]), after.due)
            values = (encode(after), _finite(after.due), instant, *self._lease_of(before))
            cursor = database.execute(
                "UPDATE deliveries SET data = ?, due = ?, wakes_at = ?, worker = NULL, has_begun = 0, "
                "interruptions = 0 WHERE task = ? AND worker = ? AND data = ?",
                values,
            )
            return cursor.rowcount == 1

    async def is_attempting(self, token: str) -> bool:
        """Return whether a worker has leased a delivery of the account."""
        row = self._connection.fetch_one(
            "SELECT 1 FROM deliveries WHERE worker IS NOT NULL AND account = "
            "(SELECT id FROM accounts WHERE token = ?) LIMIT 1",
            (token,),
        )
        return row is not None

    async def is_alive(self, worker: str) -> bool:
        """Return whether the worker with this name still renews its leases."""
        row = self._connection.fetch_one(
            "SELECT 1 FROM workers WHERE id = ? AND alive_until >= ?", (worker, self._wall_time())
        )
        return row is not None

    async def others(self) -> int:
        """Return the number of other running workers."""
        row = self._connection.fetch_one(
            "SELECT count(*) FROM workers WHERE id != ? AND alive_until >= ?",
            (self._worker, self._wall_time()),
        )
        count: int = row[0]
        return count

    async def renew(self) -> None:
        """Renew the leases of this worker, and end the leases of dead workers."""
        now = self._wall_time()
        with self._connection.transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO workers VALUES (?, ?)", (self._worker, now + ALIVE_SECONDS)
            )
            dead = database.execute("SELECT id FROM workers WHERE alive_until < ?", (now,)).fetchall()
            for (worker,) in dead:
                _end_leases_of(database, worker)

    async def end(self) -> None:
        """End all leases of this worker."""
        self.end_now()

    def end_now(self) -> None:
        """End all leases of this worker."""
        with self._connection.transaction() as database:
            _end_leases_of(database, self._worker)

    def _lease(self, tasks: Sequence[str]) -> Sequence[Claim]:
        if not tasks:
            return ()
        claims = []
        with self._connection.transaction() as database:
            for task_id in tasks:
                row = database.execute(
                    "UPDATE deliveries SET worker = ? WHERE task = ? AND worker IS NULL "
                    "RETURNING data, interruptions, (SELECT data FROM accounts WHERE id = account)",
                    (self._worker, task_id),
                ).fetchone()
                if row is not None:
                    claims.append(Claim(decode_account(row[2]), decode_delivery(row[0]), row[1]))
        return claims

    def _update(self, change: str, delivery: Delivery) -> bool:
        with self._connection.transaction() as database:
            cursor = database.execute(
                f"UPDATE deliveries SET {change} WHERE task = ? AND worker = ? AND data = ?",  # noqa: S608
                self._lease_of(delivery),
            )
            return cursor.rowcount == 1

    def _lease_of(self, delivery: Delivery) -> tuple[object, ...]:
        # An account that is dropped and opened again may create a task with the same id. Their records differ.
        return delivery.task_id, self._worker, encode(delivery)

    def _account(self, token: str) -> tuple[int, Account] | None:
        row = self._connection.fetch_one("SELECT id, data FROM accounts WHERE token = ?", (token,))
        return None if row is None else (row[0], decode_account(row[1]))


def _end_leases_of(database: sqlite3.Connection, worker: str) -> None:
    # `_AT_ONCE` even if the account's clock is frozen, because this worker was allowed to attempt the deliveries.
    database.execute(
        "UPDATE deliveries SET worker = NULL, has_begun = 0, interruptions = interruptions + has_begun, "
        "wakes_at = CASE WHEN due IS NOT NULL THEN ? END WHERE worker = ?",
        (_AT_ONCE, worker),
    )
    database.execute("DELETE FROM workers WHERE id = ?", (worker,))


def _finite(due: float | None) -> float | None:
    return due if due is not None and math.isfinite(due) else None
