"""Every tolerance of time, in one record: how early, late or slow something may be before a clause is violated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolink_spec import CallbackRules

MINUTE, DAY = 60.0, 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Tolerances:
    """The tolerances of a trace, by `scale`: seconds of the server's time in a real one.

    Fields are real seconds where nothing else is said. A name that ends in `_server` counts the server's time.
    """

    scale: float = 1.0

    # Clocks
    recorded_time: float = 0.001  # recordings round times to milliseconds
    date_header: float = 1.0  # the precision of an HTTP date
    created_by_date: float = MINUTE  # `created` against the server's own `Date`
    created_by_observer: float = DAY  # `created` against an observer, whose clock or time zone may be wrong
    clock_ahead: float = 10 * 365 * DAY  # no clock is that far ahead, nor is moved so far

    # The life of a task
    query_at_once: float = 2.0  # from a create to a query that comes right after it
    task_end_server: float = 600.0  # by then a task usually has ended

    # Links to results
    link_life_server: float = DAY
    link_margin_server: float = MINUTE  # no clock is read more exactly
    video_length: float = 0.5  # seconds of a video

    # Deliveries
    first_delivery_server: float = 15.0  # from the end of a task to its first delivery
    delivery_delay: float = 1.5  # a busy server may send later by so much
    same_instant: float = 3.0  # the speed of a server is much the same that long before and after an instant
    retry_early: float = 0.5  # a retry may come that much before its time
    quiet: float = 0.5  # no delivery for that long, beyond the wait that is due

    # Clients
    request_under_way: float = 0.3  # what is sent within that time was on its way already: no wait at all
    network: float = 0.15  # between the clock of a client and the one of its observer
    poll_interval: float = 1.0  # between two queries, at least
    poll_useful: float = 65.0  # a minute, and how late a minute may be
    repeat: float = MINUTE  # what is sent again later than that is a decision, not a retry
    create_later: float = 1.85  # a create this long after a failure does not follow at once
    long_wait: float = 10.0  # a client that waits that long need not wait longer each time
    receiver_timeout: float = 10.0  # within which a receiver has to answer
    receiver_network: float = 0.5  # of a network between a sender and a receiver

    def real(self, server_seconds: float) -> float:
        """The real seconds of so many seconds of the server's time."""
        return server_seconds / self.scale

    @property
    def credits_settled(self) -> float:
        """By when, after the end of a task was told, its credits have been settled."""
        return max(1.0, self.real(2.0))

    @property
    def query_behind_delivery(self) -> float:
        """How long after a delivery a query may still answer with an earlier status."""
        return max(0.5, self.real(5.0))

    def retry_window(self, wait: float) -> tuple[float, float]:
        """The least and the most between two attempts, for a documented wait in the server's time.

        The clause allows half a second. A busy server may be later; where time is scaled, waits are shorter than that.
        """
        due = self.real(wait)
        return due - min(self.retry_early, max(0.1, due / 2)), due * 1.5 + 2.0

    def wait_for_delivery(self, rules: CallbackRules, count: int) -> float:
        """How long to watch for another delivery: from the end of the task, or of the last of `count` deliveries.

        What has not come by then is taken not to come; what comes before is only late. After the last documented
        retry it is twice the last wait, so that one delivery too many shows as well.
        """
        if not count:
            return self.real(self.first_delivery_server) + self.delivery_delay
        waits = (*rules.retries, 2 * max(rules.retries, default=1.0))
        return self.retry_window(waits[min(count, len(waits)) - 1])[1] + self.delivery_delay

    def quiet_after(self, rules: CallbackRules, place: int) -> float:
        """How long after the attempt at `place` nothing may come for it to count as the last one."""
        waits = (*rules.retries, max(rules.retries, default=1.0))
        return 1.5 * self.real(waits[min(place, len(waits) - 1)]) + self.quiet

    def timeout_window(self, timeout: float) -> tuple[float, float]:
        """The real seconds between which a sender gives up that waits `timeout` real seconds.

        Connecting counts as well, which a receiver does not see; a busy server gives up later.
        """
        return timeout - max(0.2, min(1.0, timeout / 2)), timeout * 1.25 + 0.5
