"""All time tolerances: how early or late an event may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolink_spec import CallbackRules

MINUTE, DAY = 60.0, 86_400.0  # seconds
MOST = 1e9  # seconds; no plausible duration is longer


@dataclass(frozen=True, slots=True)
class Tolerances:
    """The tolerances of a trace.

    Fields with the suffix `_server` are in seconds of the server's clock. All other times are in real
    seconds.
    """

    scale: float = 1.0  # seconds of the server's clock per real second

    # Clocks
    recorded_time: float = 0.001  # recordings round times to milliseconds
    date_header: float = 1.0  # the precision of an HTTP date
    created_by_date: float = MINUTE  # maximum difference between `created` and the server's `Date`
    # Maximum difference between `created` and the observer's clock, whose time zone may be wrong.
    created_by_observer: float = DAY
    clock_ahead: float = 10 * 365 * DAY  # how far a server's clock may be ahead of real time

    # The life of a task
    query_at_once: float = 2.0  # a query counts as immediate until this time after the create response
    task_end_server: float = 600.0  # a task of unknown duration has usually ended after this time
    task_end_least_server: float = 10.0  # minimum time limit of a task, however short its estimated time is
    estimate_factor: float = 10.0  # the time limit of a task is its estimated time multiplied by this

    # Links to results
    link_life_server: float = DAY  # how long a result link is valid, unless the documents state a time
    link_margin_server: float = MINUTE  # a link may expire this much too early or too late
    video_length: float = 0.5  # maximum difference between the requested and the actual length of a video

    # Deliveries
    first_delivery_server: float = 15.0  # maximum time from the end of a task to the first delivery
    delivery_delay: float = 1.5  # how late a busy server may send a delivery
    same_instant: float = 3.0  # the response times of a server hardly change within this time
    retry_early: float = 0.5  # a retry may come this much too early
    quiet: float = 0.5  # a margin in the result of `quiet_after`

    # Clients
    request_under_way: float = 0.3  # a request that follows this soon was sent before the response arrived
    network: float = 0.15  # maximum delay between a client and the observer of its requests
    poll_interval: float = 1.0  # the minimum time between two queries
    poll_useful: float = 65.0  # the maximum time between two queries: a minute and a margin
    repeat: float = MINUTE  # a request that is repeated later than this is a new decision, not a retry
    create_later: float = 1.85  # a create request this long after a failure is not an immediate retry
    long_wait: float = 10.0  # a client that waits this long need not increase its wait with each retry
    receiver_timeout: float = 10.0  # the time within which a receiver must answer
    receiver_network: float = 0.5  # maximum delay between a sender and a receiver

    def real(self, server_seconds: float) -> float:
        """Convert seconds of the server's clock to real seconds."""
        return server_seconds / self.scale

    def task_limit(self, estimated: object, stated: float = 0.0) -> float:
        """Return the real seconds within which a task must end; 0 if unknown.

        `stated` is the configured limit; 0 if there is none. `estimated` is the estimated time of the task.
        """
        if stated:
            return stated
        if isinstance(estimated, bool) or not isinstance(estimated, int | float) or not 0 < estimated < MOST:
            return 0.0
        # Ten times the estimated time, but at least ten seconds of the server's clock.
        return self.real(max(self.task_end_least_server, self.estimate_factor * estimated))

    @property
    def credits_settled(self) -> float:
        """The maximum real seconds from the response that reports the end of a task to the refund of its price."""
        return max(1.0, self.real(2.0))

    @property
    def query_behind_delivery(self) -> float:
        """The maximum real seconds until a status query agrees with an earlier callback."""
        return max(0.5, self.real(5.0))

    def retry_window(self, wait: float) -> tuple[float, float]:
        """Return the minimum and maximum real seconds between two attempts.

        `wait` is the documented wait in seconds of the server's clock.
        """
        due = self.real(wait)
        # A retry may be half a second early. If the wait is shorter than one real second, a retry may be
        # early by half of the wait, or by 0.1 s if that is more. A busy server may be late.
        return due - min(self.retry_early, max(0.1, due / 2)), due * 1.5 + 2.0

    def wait_for_delivery(self, rules: CallbackRules, count: int) -> float:
        """Return how many real seconds to wait for the next delivery.

        `count` deliveries have arrived so far. The wait begins at the last of these deliveries. The first
        wait begins at the end of the task. A delivery that does not arrive within this time counts as not
        sent.
        """
        if not count:
            return self.real(self.first_delivery_server) + self.delivery_delay
        # After the last retry, wait twice the longest documented wait, so that a surplus delivery is noticed.
        waits = (*rules.retries, 2 * max(rules.retries, default=1.0))
        return self.retry_window(waits[min(count, len(waits)) - 1])[1] + self.delivery_delay

    def quiet_after(self, rules: CallbackRules, place: int) -> float:
        """Return how long to wait for a further delivery after an attempt, in real seconds.

        If no delivery arrives in this time, the attempt counts as the last one. `place` is the index of the
        attempt.
        """
        waits = (*rules.retries, max(rules.retries, default=1.0))
        return 1.5 * self.real(waits[min(place, len(waits) - 1)]) + self.quiet

    def timeout_window(self, timeout: float) -> tuple[float, float]:
        """Return the minimum and maximum real seconds until a sender gives up.

        `timeout` is the timeout of the sender in real seconds.
        """
        # The minimum is shorter than the timeout, because the timeout includes the time to connect, which the
        # receiver cannot see. The maximum is longer, because a busy sender may give up late.
        return timeout - max(0.2, min(1.0, timeout / 2)), timeout * 1.25 + 0.5
