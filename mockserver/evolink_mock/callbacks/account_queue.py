"""The unfinished callback deliveries of one account."""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery


class Entry(NamedTuple):
    """A delivery in an `AccountQueue`."""

    due: float  # the time of the next attempt, in Unix seconds of the account's clock
    number: int  # unique; orders the deliveries that have the same `due`
    delivery: Delivery

    @property
    def receiver(self) -> str:
        """The receiver: the host and port in the callback URL."""
        return self.delivery.target.authority()


class AccountQueue:
    """The unfinished callback deliveries of one account.

    The receivers take turns. A receiver that never responds does not delay the callbacks to others.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        # The time, on the server's clock, at which the scheduler next examines this queue.
        self.wakes_at = math.inf
        self.has_turn = False  # whether this queue is in the fair queue
        self.discarded = False
        self._later: list[Entry] = []  # deliveries that are not yet due, as a heap
        self._due: dict[str, deque[Entry]] = {}  # due deliveries by receiver; receivers in turn
        self._attempted: dict[int, Entry] = {}  # deliveries that are being attempted, by `number`
        self._attempts: Counter[str] = Counter()  # number of attempts in progress, by receiver

    @property
    def is_frozen(self) -> bool:
        """True while the account's clock is frozen."""
        return self.account.frozen_at is not None

    @property
    def is_waiting(self) -> bool:
        """True if a delivery is due and its attempt has not begun."""
        return bool(self._due)

    @property
    def is_quiet(self) -> bool:
        """True if no delivery is due and no attempt is in progress."""
        return not self._due and not self._attempted

    @property
    def under_way(self) -> int:
        """The number of attempts in progress."""
        return len(self._attempted)

    def under_way_to(self, receiver: str) -> int:
        """Return the number of attempts in progress to one receiver."""
        return self._attempts[receiver]

    @property
    def next_due(self) -> float | None:
        """The earliest due time of the deliveries that are not yet due.

        The value is None if there are no such deliveries.
        """
        return self._later[0].due if self._later else None

    def put(self, entry: Entry) -> None:
        """Add a delivery. Before the next `release`, `take` does not return the delivery."""
        heapq.heappush(self._later, entry)

    def reschedule(self, task_id: str, due: float) -> None:
        """Change the time of the next attempt of a task's delivery to `due`.

        Does nothing if an attempt of the delivery is in progress.
        """
        entries = [entry for entry in (*self._later, *self._waiting()) if entry.delivery.task_id == task_id]
        self._remove(entries)
        for entry in entries:
            self.put(entry._replace(due=due))

    def release(self, now: float) -> None:
        """Move the deliveries that are due at `now` to the list of due deliveries."""
        while self._later and self._later[0].due <= now:
            entry = heapq.heappop(self._later)
            self._due.setdefault(entry.receiver, deque()).append(entry)

    def take(self, may_call: Callable[[str], bool]) -> Entry | None:
        """Remove and return a due delivery to a receiver for which `may_call` returns True.

        Returns None if there is no such delivery.
        """
        receiver = next(filter(may_call, self._due), None)
        if receiver is None:
            return None
        entries = self._due.pop(receiver)
        entry = entries.popleft()
        if entries:
            self._due[receiver] = entries  # last in turn
        return entry

    def begin(self, entry: Entry) -> None:
        """Record that an attempt of the delivery in `entry` has begun."""
        self._attempted[entry.number] = entry
        self._attempts[entry.receiver] += 1

    def end(self, entry: Entry) -> None:
        """Record that the attempt of the delivery in `entry` has ended."""
        del self._attempted[entry.number]
        self._attempts[entry.receiver] -= 1
        if not self._attempts[entry.receiver]:
            del self._attempts[entry.receiver]

    def entries(self) -> list[Entry]:
        """Return all unfinished deliveries, in the order of their due times."""
        return sorted((*self._later, *self._waiting(), *self._attempted.values()))

    def _waiting(self) -> Iterator[Entry]:
        return (entry for entries in self._due.values() for entry in entries)

    def _remove(self, entries: list[Entry]) -> None:
        numbers = {entry.number for entry in entries}
        self._later = [entry for entry in self._later if entry.number not in numbers]
        heapq.heapify(self._later)
        for receiver, waiting in tuple(self._due.items()):
            self._due[receiver] = deque(entry for entry in waiting if entry.number not in numbers)
            if not self._due[receiver]:
                del self._due[receiver]
