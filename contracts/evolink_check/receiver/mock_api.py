"""Create and end tasks on a mock, and read the receiver's requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from evolink_check import clock
from evolink_check.client.harness.journal_trace import Journals, trace_of
from evolink_check.client.harness.mock_process import MockError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from evolink_spec import Spec

    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.receiver.records import TaskBody
    from evolink_check.traffic.trace import Entry

_AGENT = "evolink-check receiver"  # the User-Agent of the checker's own requests in the journal of the mock
_RUNNING = "stuck=processing"  # the task is processing until the checker ends it
_SECONDS = 20.0
_COMPARISONS = 10
_ROUNDING = 0.001  # seconds: the journal contains whole milliseconds


@dataclass(frozen=True, slots=True)
class Task:
    """A task on the mock."""

    id: str
    body: TaskBody  # the response to the create request or, after the end of the task, to a status query

    @property
    def results(self) -> tuple[str, ...]:
        """The result links of the task."""
        return tuple(self.body.get("results") or ())


def clock_difference(comparisons: Iterable[tuple[float, float]]) -> float:
    """Return how many seconds the checker's clock is at most ahead of the mock's clock.

    A comparison is its duration and the greatest difference that is possible.
    """
    # The clocks of two processes of one machine differ, too: after some minutes, by tens of milliseconds.
    # With the greatest difference, no request seems to precede the callback that has caused the request.
    _, ahead = min(comparisons)  # the fastest comparison is the most accurate
    return ahead + _ROUNDING


class MockApi:
    """Creates and ends tasks on a mock.

    The tasks belong to the receiver's account or to another account. Every method may raise `MockError`.
    """

    def __init__(self, mock: Mock, other_key: str, spec: Spec) -> None:
        self.url = mock.url
        self._mock, self._ahead = mock, 0.0
        self._other = {"Authorization": f"Bearer {other_key}"}
        self._path, self._request = _smallest_create_request(spec)
        self._entries: dict[tuple[Any, ...], Entry] = {}
        self._outage = _SharedLock()
        headers = {"Authorization": f"Bearer {mock.token}", "User-Agent": _AGENT}
        self._http = httpx2.AsyncClient(
            base_url=mock.url, headers=headers, timeout=_SECONDS, trust_env=False,
            verify=mock.url.startswith("https:"),
        )  # fmt: skip
        self.complete = True  # False once the mock has dropped an exchange that was not read before
        self._recorded = 0  # exchanges that the mock had recorded when its journal was last read

    async def start(self) -> None:
        """Reset the receiver's account, and compare the clocks of the checker and the mock."""
        await asyncio.to_thread(self._mock.prepare, ())
        self._ahead = clock_difference([await self._compare_clocks() for _ in range(_COMPARISONS)])

    async def _compare_clocks(self) -> tuple[float, float]:
        # Returns the duration of the comparison, and how far the checker's clock is at most ahead, in seconds.
        before = clock.now()
        there = float((await self._call("GET", "/__mock__/clock"))["now"])
        after = clock.now()
        return after - before, after - there

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def make(self, *, foreign: bool = False) -> Task:
        """Create a task that is processing until `finish` ends it.

        If `foreign` is set, the task does not belong to the receiver's account.
        """
        headers = {"Prefer": f'mock="{_RUNNING}"', **(self._other if foreign else {})}
        answer = await self._call("POST", self._path, self._request, headers)
        return Task(answer["id"], answer)

    async def finish(self, task: Task, failure: str = "", *, foreign: bool = False) -> Task:
        """End a task and return it.

        The task fails with the code `failure`. If `failure` is empty, the task is completed.
        """
        outcome = {"outcome": "failed", "failure": failure} if failure else {"outcome": "completed"}
        path = f"/__mock__/tasks/{task.id}/outcome"
        answer = await self._call("POST", path, outcome, self._other if foreign else {})
        return Task(task.id, answer["body"])

    @asynccontextmanager
    async def queries_answered_by(self, recipe: str) -> AsyncIterator[None]:
        """Apply a recipe to all status queries during the `with` block.

        This method first waits until all running blocks of `queries_answered_by` and `working` have ended.
        """
        # The recipe would also change the responses to status queries in blocks that run at the same time.
        async with self._outage.alone():
            body = {"recipe": recipe, "operation": "query", "times": None}
            await self._call("POST", "/__mock__/recipes", body)
            try:
                yield
            finally:
                await self._call("DELETE", "/__mock__/recipes")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Prevent `queries_answered_by` from changing responses during the `with` block.

        This method first waits until a running block of `queries_answered_by` has ended. New blocks of
        `queries_answered_by` start after this block.
        """
        async with self._outage.shared():
            yield

    async def requests(self) -> tuple[Entry, ...]:
        """Return the receiver's requests to the mock so far, in order of time."""
        journal = (await self._call("GET", "/__mock__/journal.har"))["log"]
        self.complete = self.complete and journal["_dropped"] <= self._recorded
        self._recorded = journal["_dropped"] + sum(not item["_callback"] for item in journal["entries"])
        unmatched: dict[str, Any] = {"entries": ()}
        if self._mock.alone:
            unmatched = (await self._call("GET", "/__mock__/unmatched.har"))["log"]
        for log, is_own in ((journal, True), (unmatched, False)):
            for key, item in _numbered(log["entries"]):
                if key not in self._entries:
                    pair = Journals([item], []) if is_own else Journals([], [item])
                    (self._entries[key],) = trace_of(pair, ended=0.0, ahead=self._ahead).entries
        return tuple(sorted(self._entries.values(), key=lambda entry: (entry.began, entry.ended)))

    async def _call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        try:
            answer = await self._http.request(method, path, json=body, headers=headers)
            answer.raise_for_status()
        except httpx2.HTTPStatusError as error:
            refused = f"{error.response.status_code}: {error.response.text[:200]}"
            raise MockError(f"the mock refused {method} {path} ({refused})") from error
        except httpx2.HTTPError as error:
            raise MockError(f"the mock at {self.url} does not answer: {error}") from error
        return answer.json() if answer.content else None


def _numbered(items: list[dict[str, Any]]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    # Yield the receiver's requests in a journal, each with a unique key.
    equal: Counter[tuple[Any, ...]] = Counter()
    for item in items:
        request = item["request"]
        agent = next((h["value"] for h in request["headers"] if h["name"].lower() == "user-agent"), "")
        if agent == _AGENT or item["_callback"]:
            continue
        # A request has the same key whenever the journal is read. A number distinguishes requests that are equal in
        # the rest of the key.
        place = item["startedDateTime"], item["time"], request["method"], request["url"]
        yield (*place, equal[place]), item
        equal[place] += 1


def _smallest_create_request(spec: Spec) -> tuple[str, dict[str, Any]]:
    (_, path), by_model = next(iter(spec.creates.items()))
    operation = next(iter(by_model.values()))
    body = {
        "model": operation.models[0],
        "prompt": "A dance",
        "image_urls": ["https://example.com/image.jpg"],
    }
    return path, body


class _SharedLock:
    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._holders, self._alone = 0, False

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._alone and not self._holders)
            self._alone = True
        try:
            yield
        finally:
            async with self._changed:
                self._alone = False
                self._changed.notify_all()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._alone)
            self._holders += 1
        try:
            yield
        finally:
            async with self._changed:
                self._holders -= 1
                self._changed.notify_all()
