"""What one account owes to its receivers, as data: what is due later, what is due, what is being attempted."""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from evolink_mock.domain.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery


class Entry(NamedTuple):
    """A delivery, when its next attempt is due (Unix seconds of the account's clock), and its number in the queue."""

    due: float
    number: int
    delivery: Delivery

    @property
    def receiver(self) -> str:
        """The host and port that it goes to."""
        return self.delivery.target.authority()


class AccountQueue:
    """The deliveries of one account.

    Those that are due take turns by receiver, so that a receiver that never answers delays no other of the account.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.wakes_at = math.inf  # the instant of the server's clock at which it is looked at next
        self.has_turn = False  # whether it stands in line for attempts
        self.discarded = False
        self._later: list[Entry] = []  # a heap
        self._due: dict[str, deque[Entry]] = {}  # by receiver; the one whose turn it is stands first
        self._attempted: dict[int, Entry] = {}  # by number
        self._attempts: Counter[str] = Counter()  # under way, by receiver

    @property
    def is_frozen(self) -> bool:
        """Whether the account's time stands still."""
        return isinstance(self.account.clock, VirtualClock)

    @property
    def is_waiting(self) -> bool:
        """Whether something is due that is not being attempted yet."""
        return bool(self._due)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is due, nor being attempted."""
        return not self._due and not self._attempted

    @property
    def under_way(self) -> int:
        """How many attempts are under way."""
        return len(self._attempted)

    def under_way_to(self, receiver: str) -> int:
        """How many attempts are under way to one receiver."""
        return self._attempts[receiver]

    @property
    def next_due(self) -> float | None:
        """When the first of what is due later falls due."""
        return self._later[0].due if self._later else None

    def put(self, entry: Entry) -> None:
        """Add a delivery."""
        heapq.heappush(self._later, entry)

    def reschedule(self, task_id: str, due: float) -> None:
        """Let the delivery of a task fall due at another instant, unless it is being attempted."""
        entries = [entry for entry in (*self._later, *self._waiting()) if entry.delivery.task_id == task_id]
        self._remove(entries)
        for entry in entries:
            self.put(entry._replace(due=due))

    def release(self, now: float) -> None:
        """Let what has fallen due by `now` wait for its turn."""
        while self._later and self._later[0].due <= now:
            entry = heapq.heappop(self._later)
            self._due.setdefault(entry.receiver, deque()).append(entry)

    def take(self, may_call: Callable[[str], bool]) -> Entry | None:
        """Take the next delivery whose receiver may be called now."""
        receiver = next(filter(may_call, self._due), None)
        if receiver is None:
            return None
        entries = self._due.pop(receiver)
        entry = entries.popleft()
        if entries:
            self._due[receiver] = entries  # last in turn
        return entry

    def begin(self, entry: Entry) -> None:
        """Count an attempt as under way."""
        self._attempted[entry.number] = entry
        self._attempts[entry.receiver] += 1

    def end(self, entry: Entry) -> None:
        """Count an attempt as over."""
        del self._attempted[entry.number]
        self._attempts[entry.receiver] -= 1
        if not self._attempts[entry.receiver]:
            del self._attempts[entry.receiver]

    def entries(self) -> list[Entry]:
        """All that is owed, in order of time; what is being attempted with the instant at which it was due."""
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
