"""Metrics in the text format of Prometheus: requests, violations, callbacks, tasks, journals.

Counters count the events in this process. If `PROMETHEUS_MULTIPROC_DIR` names a shared folder, counters count the
events in all workers. Gauges are computed from the store at each request for the metrics.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from evolink_mock.domain.accounts import instant_of
from evolink_mock.domain.deliveries import Attempt, succeeded
from evolink_mock.domain.exchange import violation_texts
from evolink_mock.domain.tasks import Phase, view
from evolink_mock.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.store import Store

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # in which prometheus_client finds the folder of the workers
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"  # replaces undocumented methods and paths, of which there may be any number
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_TASKS_AT_ONCE = 1000  # maximum number of tasks that are counted before other requests are served


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        # Returns the documented route for a path, or None.
        self.route_of: Callable[[str], str | None] = lambda _: None
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "evolink_mock_requests",
            "Requests to the simulated API; status 0 is a request without a response.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "evolink_mock_request_duration_seconds",
            "Time from the head of a request to the end of its response.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._violations = Counter(
            "evolink_mock_violations", "Requests that violated the contract.", ("route",), registry=registry
        )
        self._attempts = Counter(
            "evolink_mock_callback_attempts",
            "Attempts to deliver a callback, by outcome: accepted (2xx), refused (another status) or unanswered.",
            ("outcome",),
            registry=registry,
        )
        self._is_shared = SHARED_FOLDER in environment()
        if not self._is_shared:
            ProcessCollector(registry=registry)
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}  # labels() is slow

    def observe(self, exchange: Exchange) -> None:
        """Count a completed exchange. Only requests to the simulated API are counted."""
        route = self.route_of(exchange.path) or OTHER
        key = (exchange.method, route, exchange.status)
        children = self._children.get(key) or self._create(*key)
        children[0].inc()
        children[1].observe(exchange.seconds)
        if (exchange.notes or exchange.is_unmatched) and violation_texts(exchange):
            self._violations.labels(route).inc()

    def observe_attempt(self, attempt: Attempt) -> None:
        """Count an attempt to deliver a callback."""
        refused = "unanswered" if attempt.status is None else "refused"
        self._attempts.labels("accepted" if succeeded(attempt) else refused).inc()

    async def exposition(self, store: Store, clock: Clock) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        gauges = await _gauges(store, clock)
        registry = CollectorRegistry()
        registry.register(_ComputedMetrics(gauges))
        if self._is_shared:
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(self._registry) + generate_latest(registry)

    def _create(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        shown = method if method in _METHODS else OTHER
        children = self._requests.labels(shown, route, status), self._seconds.labels(shown, route)
        if shown == method:
            self._children[method, route, status] = children
        return children


class _ComputedMetrics:
    def __init__(self, families: Iterable[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self._families


async def _gauges(store: Store, clock: Clock) -> list[GaugeMetricFamily]:
    accounts, tasks = await store.accounts(), Tally[Phase]()
    for account in accounts:
        now = instant_of(account, clock.now())
        stored = await store.tasks(account.token)
        for start in range(0, len(stored), _TASKS_AT_ONCE):
            tasks.update(view(task.timetable, now).phase for task in stored[start : start + _TASKS_AT_ONCE])
            await asyncio.sleep(0)
    by_status = GaugeMetricFamily("evolink_mock_tasks", "Stored tasks by status.", labels=["status"])
    for phase in Phase:
        by_status.add_metric([phase.name.lower()], tasks[phase])
    info = GaugeMetricFamily("evolink_mock_build_info", "The version of the mock.", labels=["version"])
    info.add_metric([version("evolink-mock")], 1)
    dropped = await store.dropped_exchanges()
    return [
        info,
        by_status,
        GaugeMetricFamily("evolink_mock_accounts", "Open accounts.", value=len(accounts)),
        GaugeMetricFamily(
            "evolink_mock_journal_dropped_exchanges",
            "Exchanges that the journals of the open accounts have dropped, because they are limited.",
            value=dropped,
        ),
    ]
