"""The queues of scenarios that have yet to be run."""

from __future__ import annotations

import re
from collections import deque
from threading import Condition
from typing import TYPE_CHECKING

from evolink_check.client.plan import mostly_waits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.client.harness.scenario import Scenario

_CHECK_INTERVAL = 0.2  # seconds between two checks for the end of the suite
_SLOW = re.compile(r"\b429\b|trickle|late|slow=[2-9]")  # recipes that make a client wait for some seconds


class Pending:
    """The scenarios that have yet to be run, in two queues.

    In the scenarios of the first queue, a client mostly waits. The longest scenarios come first. The second queue has
    the remaining scenarios. Slow and quick scenarios alternate there.
    """

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        listed = tuple(scenarios)
        waiting = filter(mostly_waits, listed)
        self._long = deque(sorted(waiting, key=lambda scenario: not scenario.hangs))
        self._short = deque(_mixed(scenario for scenario in listed if not mostly_waits(scenario)))
        self._running = 0
        self._is_over = False
        self._changed = Condition()

    def take(self, *, long: bool) -> Scenario | None:
        """Remove the next scenario from a queue and return it.

        Returns None after the last scenario or after `end`. `long` prefers the first queue. Without `long`, the second
        queue is preferred. If the preferred queue is empty, the scenario comes from the remaining queue. If both queues
        are empty, `take` waits for the running scenarios.
        """
        preferred, other = (self._long, self._short) if long else (self._short, self._long)
        with self._changed:
            while not self._is_over:
                if preferred or other:
                    self._running += 1
                    return (preferred or other).popleft()
                if not self._running:
                    return None
                # A running scenario may be put back.
                self._changed.wait(_CHECK_INTERVAL)
        return None

    def finish(self) -> None:
        """Record that a scenario that `take` returned has ended."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def put_back(self, scenario: Scenario) -> None:
        """Put a scenario at the front of its queue, to repeat it at once."""
        with self._changed:
            (self._long if mostly_waits(scenario) else self._short).appendleft(scenario)
            self._running -= 1
            self._changed.notify_all()

    def end(self) -> None:
        """From now on, let `take` return None."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


def _mixed(scenarios: Iterable[Scenario]) -> Iterator[Scenario]:
    slow: deque[Scenario] = deque()
    quick: deque[Scenario] = deque()
    for scenario in scenarios:
        (slow if any(_SLOW.search(order.recipe) for order in scenario.orders) else quick).append(scenario)
    while slow:
        # A failure in a quick scenario is found early, and no slow scenario is left for the end.
        yield slow.popleft()
        yield from (quick.popleft() for _ in range(min(2, len(quick))))
    yield from quick
