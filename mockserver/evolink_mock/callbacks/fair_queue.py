"""Choose which callback is attempted next.

No account and no receiver delays the callbacks of others. Accounts take turns. The number of concurrent attempts per
account is limited. A slow receiver occupies a socket for a long time. Some of the concurrent attempts are therefore
reserved for new receivers. Some are reserved for receivers that responded fast to the last attempt.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from evolink_mock.callbacks.account_queue import AccountQueue, Entry
    from evolink_mock.domain.deliveries import Attempt, Delivery

_PROMPT_SECONDS = 1.0  # an attempt that took longer counts as slow
_MOST_RECORDS = 10_000  # maximum number of receivers whose last attempt is recorded


class AttemptLimits(Struct, frozen=True):
    """Maximum numbers of concurrent attempts. Each attempt occupies a socket until the response or the timeout."""

    total: int = 384
    unproven: int = 336  # to all receivers whose last attempt was slow or that have not been called before
    slow: int = 192  # to all receivers whose last attempt was slow
    account: int = 64  # of one account, which also gets at most a quarter of the attempts that are still free
    receiver: int = 128  # to one receiver, which is a host and port
    share: int = 32  # of one account to one receiver


class FairQueue:
    """The accounts that have due callbacks, in the order of their turns."""

    def __init__(self, limits: AttemptLimits) -> None:
        self._limits = limits
        self._queues: deque[AccountQueue] = deque()
        self._by_receiver: Counter[str] = Counter()
        self._is_slow: dict[str, bool] = {}  # by receiver: whether the last attempt to it was slow
        self._standings: dict[int, bool | None] = {}  # by entry number: `_is_slow` when the attempt began
        self._by_standing: Counter[bool | None] = Counter()  # number of attempts in progress, by standing

    def release(self, queue: AccountQueue, now: float) -> None:
        """Make the deliveries in `queue` that are due at `now` available to `take`."""
        queue.release(now)
        if queue.is_waiting and not queue.has_turn:
            queue.has_turn = True
            self._queues.append(queue)

    def take(self) -> tuple[AccountQueue, Entry] | None:
        """Choose the delivery that is attempted next, and record that its attempt has begun.

        Returns None if no delivery is due. Returns None if the limits allow no further attempt.
        """
        free = self._limits.total - len(self._standings)
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
        """Record that an attempt of the delivery in `entry` has begun."""
        queue.begin(entry)
        self._by_receiver[entry.receiver] += 1
        standing = self._standings[entry.number] = self._is_slow.get(entry.receiver)
        self._by_standing[standing] += 1

    def end(self, queue: AccountQueue, entry: Entry) -> None:
        """Record that the attempt of the delivery in `entry` has ended."""
        queue.end(entry)
        self._by_receiver[entry.receiver] -= 1
        if not self._by_receiver[entry.receiver]:
            del self._by_receiver[entry.receiver]
        self._by_standing[self._standings.pop(entry.number)] -= 1

    def record(self, delivery: Delivery, attempt: Attempt) -> None:
        """Remember whether the receiver of an ended attempt was slow."""
        receiver = delivery.target.authority()
        self._is_slow.pop(receiver, None)
        self._is_slow[receiver] = attempt.seconds > _PROMPT_SECONDS
        if len(self._is_slow) > _MOST_RECORDS:
            del self._is_slow[next(iter(self._is_slow))]

    def _take_from(self, queue: AccountQueue, free: int) -> Entry | None:
        limits = self._limits
        if queue.under_way >= self._account_limit(free):
            return None
        return queue.take(
            lambda receiver: (
                self._by_receiver[receiver] < limits.receiver
                and queue.under_way_to(receiver) < limits.share
                and (left := min(free, self._free_attempts_to(receiver))) > 0
                and queue.under_way < self._account_limit(left)
            )
        )

    def _account_limit(self, free: int) -> int:
        return max(1, min(self._limits.account, free // 4))

    def _free_attempts_to(self, receiver: str) -> int:
        limits, is_slow = self._limits, self._is_slow.get(receiver)
        if is_slow is False:
            return limits.total  # neither `slow` nor `unproven` applies
        slow = self._by_standing[True]
        unproven = limits.unproven - slow - self._by_standing[None]
        return min(unproven, limits.slow - slow) if is_slow else unproven
