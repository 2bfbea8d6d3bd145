"""Generators that read and change accounts and tasks on the Redis server.

A generator yields commands and receives the replies. The batched lane can send the commands of several requests in one
round trip.
"""

from __future__ import annotations

from functools import lru_cache
from types import coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from evolink_mock.domain.accounts import open_account
from evolink_mock.domain.store import NO_CHANGE
from evolink_mock.stores.records import decode_account, encode
from evolink_mock.stores.redis.query_cache import QueryCache
from evolink_mock.stores.redis.values import change_values, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from evolink_mock.domain.accounts import Account, AccountTerms
    from evolink_mock.domain.store import Step
    from evolink_mock.domain.tasks import Task
    from evolink_mock.stores.records import OperationIndex
    from evolink_mock.stores.redis.connection import Command, Connection

    Work = Generator[Sequence[Command], list[Any], "R"]  # a call that yields commands and gets the replies

R = TypeVar("R")
_CACHED_ACCOUNTS = 1024


class Changes:
    """Reads accounts, and changes them by optimistic concurrency."""

    def __init__(
        self,
        connection: Connection,
        operations: OperationIndex,
        terms: Callable[[], AccountTerms],
        wall_time: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._operations = operations
        self._terms = terms
        self._wall_time = wall_time
        self.accounts, self.tasks = connection.key("accounts"), connection.key("tasks")
        self._decode = lru_cache(_CACHED_ACCOUNTS)(decode_account)  # only for accounts that are not modified
        self.queries = QueryCache(connection)
        self._latest: dict[str, bytes] = {}  # by token: the account as this process stored it last

    def account(self, token: str) -> Account:
        """Return the account of a token, and create it if necessary.

        The caller must not modify the account.
        """
        data = self._read(token)
        return self._open(token) if data is None else decode_account(data)

    def at_once(self, work: Work[R]) -> R:
        """Run a generator, send its commands immediately, and return its result."""
        try:
            commands = next(work)
            while True:
                commands = work.send(self._connection.pipeline(commands))
        except StopIteration as end:
            result: R = end.value
            return result

    def finding(self, token: str, task_id: str) -> Work[tuple[Account, Task | None]]:
        """Read the token's account, and the task with this id.

        The task is None if no task has this id. The caller must not modify the account.
        """
        account, task = yield (("HGET", self.accounts, name_of(token)), ("HGET", self.tasks, task_id))
        return (
            self._open(token) if account is None else self._decode(account),
            None if task is None else self.decode_task(task_id, task),
        )

    def polling(self, token: str, task_id: str) -> Work[tuple[Account, Task | None]]:
        """Read an account and a task as `finding` does, and cache them.

        The commands must be sent with `QueryCache.send`.
        """
        self.queries.is_reading = True
        result = yield from self.finding(token, task_id)
        self.queries.add(token, task_id, result)
        return result

    def changing(self, token: str, step: Step) -> Work[None]:
        """Call `step` to modify the account, and store the result.

        If another process has stored the account in the meantime, `step` is called again.
        """
        # Start from the account as this process last stored it. If it is out of date, the Redis server rejects the
        # change, and the change is repeated with the present account.
        taken: set[str] = set()
        data = self._latest.get(token)
        is_current = data is None
        if data is None:
            (data,) = yield (("HGET", self.accounts, name_of(token)),)
        is_first = True
        while True:
            account = open_account(token, self._terms()) if data is None else decode_account(data)
            clock = account.frozen_at, account.shift
            try:
                change = step(account, taken.__contains__)
            except Exception:
                if is_current:
                    raise
                data, is_current = self._read(token), True
                continue
            after = encode(account)
            if is_current and after == data and change.task is None:
                return
            is_clock_new = clock != (account.frozen_at, account.shift)
            values = change_values(account, change, self.encode_task, is_clock_new=is_clock_new)
            # Before the reply, so that the next request in the same round trip starts from this state.
            self._remember(token, after)
            commands = (
                self._connection.writing(
                    "change", name_of(token), data or b"", after, self._wall_time(), *values
                ),
            )
            (reply,) = (yield commands) if is_first else self._connection.pipeline(commands)
            if reply == 1:
                return
            is_first, is_current = False, True
            if reply == 0:
                taken.add(change.task.id if change.task else "")
            else:
                data = reply or None

    def decode_task(self, task_id: str, data: bytes) -> Task:
        """Decode a task from its value on the Redis server.

        Raises ValueError or `DecodeError` for an invalid value.
        """
        owner, _, record = data.partition(b"\n")  # no token contains a newline
        return self._operations.decode(task_id, owner.decode("utf-8", "surrogatepass"), record)

    def encode_task(self, task: Task) -> bytes:
        """Encode a task as its value on the Redis server.

        The value contains the token of the account, and the record of the task.
        """
        return name_of(task.account) + b"\n" + self._operations.encode(task)

    def _remember(self, token: str, data: bytes) -> None:
        if len(self._latest) >= _CACHED_ACCOUNTS:
            self._latest.clear()
        self._latest[token] = data

    def _read(self, token: str) -> bytes | None:
        data: bytes | None = self._connection.call("HGET", self.accounts, name_of(token))
        return data

    def _open(self, token: str) -> Account:
        self.at_once(self.changing(token, lambda *_: NO_CHANGE))
        return self.account(token)


@coroutine
def in_batch(work: Work[R]) -> Work[R]:
    """Return an awaitable that runs the generator `work`.

    The batched lane sends the commands of `work`, and passes the replies back.
    """
    return (yield from work)
