"""Log the attempts to deliver callbacks."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

from evolink_mock.domain.deliveries import succeeded
from evolink_mock.domain.retry_schedule import retry_pause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.models import CallbackRules

    from evolink_mock.domain.deliveries import Attempt, Delivery

FAILURES = 50  # maximum number of failures of a period that are logged one by one
_PERIOD_SECONDS = 10.0  # of real time
_NAMED = 5  # maximum number of receivers that `receivers` names
_log = logging.getLogger("evolink_mock.callbacks")


class AttemptLog:
    """Logs each successful attempt, and the first `FAILURES` failed attempts of each period.

    A period begins with a failed attempt, and lasts 10 real seconds. At the end of the period, the number of further
    failures is logged.
    """

    def __init__(self, rules: CallbackRules) -> None:
        self._rules = rules
        self._logged = 0  # number of failures in this period
        self._others: Counter[str] = Counter()  # failures that were not logged, by receiver
        self._timer: asyncio.TimerHandle | None = None

    def add(self, delivery: Delivery, attempt: Attempt) -> None:
        """Log an attempt, or count it if too many have failed. An event loop must be running."""
        if succeeded(attempt):
            self._log(delivery, attempt)
            return
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PERIOD_SECONDS, self.close)
        self._logged += 1
        if self._logged <= FAILURES:
            self._log(delivery, attempt)
        else:
            self._others[delivery.target.origin()] += 1

    def close(self) -> None:
        """End this period, and log how many failed attempts were not logged."""
        if self._timer is not None:
            self._timer.cancel()
        if self._others:
            _log.info(
                "%d more attempts to deliver a callback failed: %s",
                self._others.total(),
                receivers(self._others.elements()),
            )
        self._logged, self._timer = 0, None
        self._others.clear()

    def _log(self, delivery: Delivery, attempt: Attempt) -> None:
        result = attempt.problem if attempt.status is None else str(attempt.status)
        retry = ""
        if delivery.due is not None:
            pause = retry_pause(delivery, self._rules)
            # Seconds of the account's clock.
            retry = f", again in {delivery.due - attempt.at if pause is None else pause:.0f} s"
        number, origin = len(delivery.attempts), delivery.target.origin()
        _log.info("callback %d of %s to %s: %s%s", number, delivery.task_id, origin, result, retry)


def receivers(origins: Iterable[str]) -> str:
    """Count the most frequent URL origins.

    Returns text such as "3 to https://a.example, 1 to https://b.example". `origins` contains the origin of each
    callback's receiver.
    """
    counts = Counter(origins)
    named = [f"{count} to {origin}" for origin, count in counts.most_common(_NAMED)]
    more = [f"{len(counts) - _NAMED} more receivers"] if len(counts) > _NAMED else []
    return ", ".join([*named, *more])
