"""The choice of the next callback: accounts take turns, and none has more than its share of the attempts."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from evolink_mock.callbacks.account_queue import AccountQueue, Entry


class AttemptLimits(Struct, frozen=True):
    """The numbers of concurrent attempts. Each attempt holds a socket, for long if its receiver never answers."""

    total: int = 256
    account: int = (
        64  # of one account; a quarter of what is free if that is less, so that there is room for others
    )
    receiver: int = 128  # to one host and port
    share: int = 32  # of one account to one host and port


class FairQueue:
    """A round-robin of the queues with due deliveries, with the numbers of attempts in progress."""

    def __init__(self, limits: AttemptLimits) -> None:
        self._limits = limits
        self._queues: deque[AccountQueue] = deque()
        self._by_receiver: Counter[str] = Counter()

    def release(self, queue: AccountQueue, now: float) -> None:
        """Add a queue at the end if one of its deliveries has fallen due by `now`."""
        queue.release(now)
        if queue.is_waiting and not queue.has_turn:
            queue.has_turn = True
            self._queues.append(queue)

    def take(self) -> tuple[AccountQueue, Entry] | None:
        """The next attempt to start, which counts as in progress from now on; None if none may start now."""
        free = self._limits.total - self._by_receiver.total()
        for _ in range(len(self._queues) if free > 0 else 0):
            queue = self._queues.popleft()
            entry = None if queue.discarded else self._take_from(queue, free)
            queue.has_turn = queue.is_waiting and not queue.discarded
            if queue.has_turn:
                self._queues.append(queue)
            if entry is not None:
                self.begin(queue, entry)
                return queue, entry
        return None

    def begin(self, queue: AccountQueue, entry: Entry) -> None:
        """Count an attempt as in progress."""
        queue.begin(entry)
        self._by_receiver[entry.receiver] += 1

    def end(self, queue: AccountQueue, entry: Entry) -> None:
        """Count an attempt as over."""
        queue.end(entry)
        self._by_receiver[entry.receiver] -= 1
        if not self._by_receiver[entry.receiver]:
            del self._by_receiver[entry.receiver]

    def _take_from(self, queue: AccountQueue, free: int) -> Entry | None:
        limits = self._limits
        if queue.under_way >= max(1, min(limits.account, free // 4)):
            return None
        return queue.take(
            lambda receiver: (
                self._by_receiver[receiver] < limits.receiver and queue.under_way_to(receiver) < limits.share
            )
        )
