"""The store on a Redis or Valkey server.

Calls of this store block the event loop for one round trip.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from evolink_mock.domain.clock import sleep
from evolink_mock.domain.store import StoreError
from evolink_mock.stores.journaled import WANTED, JournaledStore
from evolink_mock.stores.records import decode_account, encode
from evolink_mock.stores.redis.changes import Changes, in_batch
from evolink_mock.stores.redis.connection import VERSION, Connection
from evolink_mock.stores.redis.journals import Journals
from evolink_mock.stores.redis.leases import Leases
from evolink_mock.stores.redis.values import clock_of, decoded, delivery_values, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evolink_mock.domain.accounts import Account, AccountTerms
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import AccountState, Step
    from evolink_mock.domain.tasks import Task
    from evolink_mock.stores.records import OperationIndex
    from evolink_mock.stores.redis.address import Address
    from evolink_mock.stores.redis.connection import Call, Command

_AT_ONCE = 2000  # maximum number of tasks that one call of the script stores or drops, within milliseconds
_CHUNK = 1000  # maximum number of records that are read in one round trip


class RedisStore(JournaledStore):
    """A store on a Redis or Valkey server. Several workers can share the store.

    The store can handle several requests in one round trip. Accounts are changed by optimistic concurrency. The
    argument `wall_time` is a function that returns the real time in Unix seconds. If `wall_time` is None, the clock of
    the Redis server is used. Methods raise `StoreError` while the Redis server cannot be used.
    """

    def __init__(
        self,
        address: Address,
        operations: OperationIndex,
        terms: AccountTerms,
        wall_time: Callable[[], float] | None = None,
    ) -> None:
        self.worker = secrets.token_hex(8)
        self._facts: dict[str, Any] = {}  # facts to store again if the server has lost them
        self._prefix = address.prefix
        self.connection: Connection = Connection(address, self._create_or_check)
        self.terms = terms
        self.wall_time = wall_time or self.connection.wall_time
        self.changes = Changes(self.connection, operations, lambda: self.terms, self.wall_time)
        self._version = self.connection.key("version")
        self._seen = self._calls = 0  # at the last check: writes of all processes, and of this one
        self.is_batching = False  # the batched lane sets it while it runs a coroutine
        self.journals: Journals = Journals(self.connection, self.wall_time)
        self.leases: Leases = Leases(self.connection, self.worker, self.wall_time)

    def fact(self, name: str, value: Any = None) -> Any:
        """Return the value that all workers share under this name.

        If no value is stored under this name, `value` is stored and returned.
        """
        key = self.connection.key("facts")
        if value is not None:
            self.connection.call("HSETNX", key, name, json.dumps(value))
        text = self.connection.call("HGET", key, name)
        if text is None:
            return None
        stored = json.loads(text)
        if value is not None:
            self._facts[name] = stored
        return stored

    def set_fact(self, name: str, value: Any) -> None:
        """Set the value that all workers share under this name."""
        self.connection.write("set_fact", name, json.dumps(value))
        if name in self._facts:
            self._facts[name] = value

    def account_now(self, token: str) -> Account:
        """Return the account of a token, and create it if necessary.

        The caller must not modify the account.
        """
        return self.changes.account(token)

    def find_now(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id.

        The task is None if no task has this id. The caller must not modify the account.
        """
        return self.changes.at_once(self.changes.finding(token, task_id))

    def begin_batch(self) -> None:
        """Begin a batch of requests.

        Once per batch, the store checks whether its cached accounts and tasks are out of date.
        """
        self.changes.queries.begin_batch()

    def find_cached(self, token: str, task_id: str) -> tuple[Account, Task | None] | None:
        """Return the token's account and the task with this id from the cache.

        Returns None if the pair is not cached.
        """
        return self.changes.queries.find(token, task_id)

    def change_now(self, token: str, step: Step) -> None:
        """Call `step` to modify the account, and store the result.

        The task and the delivery that `step` returns are stored too. If another process has stored the account in the
        meantime, `step` is called again.
        """
        self.changes.at_once(self.changes.changing(token, step))

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one round trip.

        Returns the reply to each command. If a command is rejected, its reply is a `StoreError`.
        """
        return self.changes.queries.send(commands)

    async def account(self, token: str) -> Account:
        """Return the account of a token, and create it if necessary.

        The caller must not modify the account.
        """
        return self.account_now(token)

    async def change(self, token: str, step: Step) -> None:
        """Call `step` to modify the account, and store the result.

        The task and the delivery that `step` returns are stored too. If another process has stored the account in the
        meantime, `step` is called again.
        """
        if self.is_batching:
            await in_batch(self.changes.changing(token, step))
        else:
            self.change_now(token, step)

    async def accounts(self) -> Sequence[Account]:
        """Return every account."""
        tokens = self.connection.call("ZRANGE", self.connection.key("opened"), 0, -1)
        return [
            decode_account(data) for data in self._values(self.changes.accounts, tokens) if data is not None
        ]

    async def find(self, token: str, task_id: str) -> tuple[Account, Task | None]:
        """Return the token's account, and the task with this id.

        The task is None if no task has this id. The caller must not modify the account.
        """
        if self.is_batching:
            return await in_batch(self.changes.polling(token, task_id))
        return self.find_now(token, task_id)

    async def task(self, task_id: str) -> Task | None:
        """Return the task with this id.

        Returns None if no task has this id.
        """
        data = self.connection.call("HGET", self.changes.tasks, task_id)
        return None if data is None else self.changes.decode_task(task_id, data)

    async def tasks(self, token: str, latest: int | None = None) -> Sequence[Task]:
        """Return the tasks of an account. If `latest` is set, return that many of the newest tasks."""
        first = 0 if latest is None else -latest
        ids = self.connection.call("LRANGE", self.connection.key(f"tasks:{token}"), first, -1)
        values = zip(ids, self._values(self.changes.tasks, ids), strict=True)
        return [
            self.changes.decode_task(task_id.decode(), data) for task_id, data in values if data is not None
        ]

    async def delivery(self, task_id: str) -> Delivery | None:
        """Return the delivery of a task's callback.

        Returns None if the task has no callback.
        """
        return next(iter(self._deliveries([task_id])), None)

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """Return the deliveries of an account."""
        ids = self.connection.call("LRANGE", self.connection.key(f"deliveries:{token}"), 0, -1)
        return self._deliveries([task_id.decode() for task_id in ids])

    async def next_due(self, token: str) -> float | None:
        """Return when the account's next callback is due, on the account's clock.

        Returns None if no callback is planned.
        """
        first = self.connection.call("ZRANGE", self.connection.key(f"due:{token}"), 0, 0, "WITHSCORES")
        return float(first[1]) if first else None

    async def drop(self, token: str) -> None:
        """Remove an account with its tasks, deliveries and journal."""
        self.journals.buffers.forget(token)
        name = name_of(token)
        while self.connection.call("LLEN", self.connection.key(f"tasks:{token}")) > _AT_ONCE:
            self.connection.write("drop_some", name, _AT_ONCE)
            await sleep(0)
        self.connection.write("drop", name)

    async def unused(self, since: float, now: float) -> Sequence[str]:  # noqa: ARG002
        """Return the tokens of the accounts that have sent no request since `since`.

        `since` is a real time in Unix seconds.
        """
        tokens = self.connection.call("ZRANGEBYSCORE", self.connection.key("used"), "-inf", f"({since!r}")
        return [token.decode("utf-8", "surrogatepass") for token in tokens]

    async def restore(self, state: AccountState) -> None:
        """Store an account with its tasks, deliveries and journal."""
        account, token = state.account, state.account.token
        await self.drop(token)
        name, opened = name_of(token), (encode(account), self.wall_time(), clock_of(account))
        count = max(len(state.tasks), len(state.deliveries), 1)
        for first in range(0, count, _AT_ONCE):
            tasks = state.tasks[first : first + _AT_ONCE]
            deliveries = state.deliveries[first : first + _AT_ONCE]
            items = [item for task in tasks for item in (task.id, self.changes.encode_task(task))]
            items += [item for delivery in deliveries for item in delivery_values(delivery)]
            call = ("add", name) if first else ("restore", name, *opened)
            if not self.connection.write(*call, len(tasks), len(deliveries), *items):
                await self.drop(token)
                raise ValueError("a task of another account has the same id")
        self.connection.call(*self.journals.restoring(token, state.journal))

    async def has_changed(self) -> bool:
        """Return whether another process has written to the store since the previous call.

        A worker collects exchanges in memory. If another worker is about to read a journal, this method also writes
        these exchanges to the journals.
        """
        version, wanted = self.connection.pipeline(
            (("GET", self._version), ("HGET", self.connection.key("facts"), WANTED))
        )
        seen, calls = int(version or 0), self.connection.calls
        others = (seen - self._seen) - (calls - self._calls)
        self._seen, self._calls = seen, calls
        self.flush_if_wanted(wanted)
        return others != 0

    def _create_or_check(self, call: Call) -> None:
        facts = {"version": VERSION} | self._facts
        key = f"{self._prefix}facts"
        call([("HSETNX", key, name, json.dumps(value)) for name, value in facts.items()])
        version = int(call([("HGET", key, "version")])[0])
        if version > VERSION:
            raise StoreError(
                f"the store has version {version}, but this evolink-mock supports up to {VERSION}: "
                "use a newer evolink-mock, or another prefix"
            )

    def _values(self, key: bytes, names: Sequence[bytes]) -> Iterable[Any]:
        for first in range(0, len(names), _CHUNK):
            yield from self.connection.call("HMGET", key, *names[first : first + _CHUNK])

    def _deliveries(self, ids: Sequence[str]) -> list[Delivery]:
        key = self.connection.key
        deliveries = []
        for first in range(0, len(ids), _CHUNK):
            rows = self.connection.pipeline(
                [
                    ("HMGET", key(f"delivery:{task_id}"), "data", "due")
                    for task_id in ids[first : first + _CHUNK]
                ]
            )
            deliveries += [decoded(data, due) for data, due in rows if data is not None]
        return deliveries
