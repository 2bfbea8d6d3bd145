"""A cache of accounts and tasks for status queries.

The store has a version number, which increases with every write. The cache is valid as long as the number is the same.
While clients poll, most batches of status queries need a single command, which reads the number. After a batch has
found a new number, a further change is likely. The next batch therefore reads the number, the accounts and the tasks in
one round trip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_mock.stores.redis import merged_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.tasks import Task
    from evolink_mock.stores.redis.connection import Command, Connection

    Result = tuple[Account, Task | None]

_MOST_RESULTS = 4096


class QueryCache:
    """The accounts and tasks that were read for status queries since the last change of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._read_version: Command = ("GET", connection.key("version"))
        self._results: dict[tuple[str, str], Result] = {}
        self._version: tuple[int, bytes] | None = None  # version of the results; None if it is unknown
        self._is_stable = False  # whether the version was the same as before when it was last read
        self._is_new_batch = self._is_checked = False
        self.is_reading = False  # whether the next call of `send` reads accounts and tasks

    def begin_batch(self) -> None:
        """Begin a batch of requests. `find` checks the store's version number once per batch."""
        self._is_new_batch, self._is_checked = True, False

    def find(self, token: str, task_id: str) -> Result | None:
        """Return the cached account and task of a status query.

        Returns None if the pair is not cached or no longer valid.
        """
        if self._is_new_batch:
            self._is_new_batch = False
            if self._is_stable:
                self._is_checked = True
                self._is_stable = not self._clear_if_changed(self._connection.send((self._read_version,))[0])
        return self._results.get((token, task_id)) if self._is_stable else None

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands of a batch, and return the replies."""
        if not self.is_reading:
            return merged_changes.send(self._connection, commands)
        self.is_reading = False
        # The version is read first. What the cache contains may be newer than this version, but never older.
        version, *replies = merged_changes.send(self._connection, (self._read_version, *commands))
        is_same = not self._clear_if_changed(version)
        # If this batch has changed the version, the next batch may too, so it does not read the version separately.
        self._is_stable = is_same and (self._is_stable or not self._is_checked)
        return replies

    def add(self, token: str, task_id: str, result: Result) -> None:
        """Cache an account and a task that the last `send` has read."""
        if self._version is not None:
            if len(self._results) >= _MOST_RESULTS:
                self._results.clear()
            self._results[token, task_id] = result

    def _clear_if_changed(self, reply: Any) -> bool:
        version = (self._connection.opened, reply) if isinstance(reply, bytes) else None
        if version == self._version and version is not None:
            return False
        self._results.clear()
        self._version = version
        return True
