"""All time tolerances in one record: how early or late an event may be before a clause is violated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolink_spec import CallbackRules

MINUTE, DAY = 60.0, 86_400.0  # seconds
MOST = 1e9  # of a plausible duration in seconds


@dataclass(frozen=True, slots=True)
class Tolerances:
    """The tolerances of a trace. `scale`: seconds of the server's time per real second.

    Fields are in real seconds unless stated otherwise; those that end in `_server` are in seconds of the server's time.
    """

    scale: float = 1.0

    # Clocks
    recorded_time: float = 0.001  # recordings round times to milliseconds
    date_header: float = 1.0  # the precision of an HTTP date
    created_by_date: float = MINUTE  # between `created` and the server's own `Date`
    created_by_observer: float = (
        DAY  # between `created` and an observer's clock, which or whose time zone may be wrong
    )
    clock_ahead: float = 10 * 365 * DAY  # no clock is this far ahead, nor is it ever advanced so far

    # The life of a task
    query_at_once: float = 2.0  # a query this soon after a create counts as immediate
    task_end_server: float = 600.0  # a task has usually ended by then
    task_end_least_server: float = 10.0  # no task is late before this, however short it was estimated
    estimate_factor: float = 10.0  # times its estimated time, after which a task should be over

    # Links to results
    link_life_server: float = DAY
    link_margin_server: float = MINUTE  # the precision to which clocks are trusted
    video_length: float = 0.5  # seconds of a video

    # Deliveries
    first_delivery_server: float = 15.0  # from the end of a task to its first delivery
    delivery_delay: float = 1.5  # how much later a busy server may send
    same_instant: float = 3.0  # a server's speed hardly changes this long before and after an instant
    retry_early: float = 0.5  # how much too early a retry may come
    quiet: float = (
        0.5  # how long after the next wait no delivery may come for an attempt to count as the last
    )

    # Clients
    request_under_way: float = 0.3  # a request sent this soon was already on its way: the client did not wait
    network: float = 0.15  # delay between a client and its observer
    poll_interval: float = 1.0  # the least time between two queries
    poll_useful: float = 65.0  # the longest time between two queries: a minute and a margin
    repeat: float = MINUTE  # a request that is repeated later than this is a new decision, not a retry
    create_later: float = 1.85  # a create this long after a failure is not an immediate one
    long_wait: float = 10.0  # a client that waits this long need not wait longer each time
    receiver_timeout: float = 10.0  # the time that a receiver has to answer
    receiver_network: float = 0.5  # delay between a sender and a receiver

    def real(self, server_seconds: float) -> float:
        """Convert seconds of the server's time to real seconds."""
        return server_seconds / self.scale

    def task_limit(self, estimated: object, stated: float = 0.0) -> float:
        """Real seconds within which a task must end: as stated, or derived from its `estimated_time`; 0: unknown."""
        if stated:
            return stated
        if isinstance(estimated, bool) or not isinstance(estimated, int | float) or not 0 < estimated < MOST:
            return 0.0
        return self.real(max(self.task_end_least_server, self.estimate_factor * estimated))

    @property
    def credits_settled(self) -> float:
        """Real seconds after which the credits of a task are settled, counted from the first report of its end."""
        return max(1.0, self.real(2.0))

    @property
    def query_behind_delivery(self) -> float:
        """Real seconds after a delivery during which a query may still return an earlier status."""
        return max(0.5, self.real(5.0))

    def retry_window(self, wait: float) -> tuple[float, float]:
        """The least and the most real seconds between two attempts, for a documented `wait` in the server's time.

        The clause allows half a second. A busy server may be later than that. With scaled time a wait can be shorter
        than half a second, so the margin shrinks with it.
        """
        due = self.real(wait)
        return due - min(self.retry_early, max(0.1, due / 2)), due * 1.5 + 2.0

    def wait_for_delivery(self, rules: CallbackRules, count: int) -> float:
        """Real seconds to watch for another delivery, from the end of the task or of the last of `count` deliveries.

        A delivery that has not arrived by then counts as not sent. After the last documented retry the time is twice
        the last wait, so that a surplus delivery is seen as well.
        """
        if not count:
            return self.real(self.first_delivery_server) + self.delivery_delay
        waits = (*rules.retries, 2 * max(rules.retries, default=1.0))
        return self.retry_window(waits[min(count, len(waits)) - 1])[1] + self.delivery_delay

    def quiet_after(self, rules: CallbackRules, place: int) -> float:
        """Real seconds without a delivery after which the attempt with index `place` counts as the last one."""
        waits = (*rules.retries, max(rules.retries, default=1.0))
        return 1.5 * self.real(waits[min(place, len(waits) - 1)]) + self.quiet

    def timeout_window(self, timeout: float) -> tuple[float, float]:
        """The least and the most real seconds after which a sender with this `timeout` (real seconds) gives up.

        The timeout includes the time to connect, which a receiver does not see; a busy server gives up later.
        """
        return timeout - max(0.2, min(1.0, timeout / 2)), timeout * 1.25 + 0.5
