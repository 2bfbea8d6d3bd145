"""Send the requests of a run, and record the exchanges.

The budget and the rate of the run limit the requests.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from evolink_check import clock
from evolink_check.generation.case import Case
from evolink_check.traffic.formats import decode_json
from evolink_check.traffic.retry_after import seconds_to_wait
from evolink_check.traffic.trace import NOBODY, WRONG, Entry
from evolink_check.transport.budget import Budget, documented_price, estimated_time_in, price_in
from evolink_check.transport.http import HttpClient
from evolink_check.transport.rate_limiter import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2
    from evolink_spec import Spec

    from evolink_check.settings import Effort, Subject
    from evolink_check.transport.recorder import RunRecorder

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_TRIES = 4  # maximum number of times that a request is sent as long as it gets a 429
_RETRY_SECONDS = (0.5, 1.0, 2.0)  # seconds before the next attempts after a refused connection
_SLICE = 0.25  # seconds of a wait between two checks of whether the run is over
_MOST_UNEXPECTED = 5  # in a run without credits, tasks after which no more invalid requests are sent
_LOST = frozenset({0, 502, 504})  # statuses that do not show whether a task was created
_TOO_MANY, _SERVER_ERROR = 429, 500
_SAME, _REPEAT_SECONDS = 3, 0.4  # maximum number of attempts of a create request that gets a 500; the wait


class HaltedError(Exception):
    """A request was not sent: the budget is spent, or the run is over."""


class OverBudgetError(HaltedError):
    """A request was not sent, because it might cost more than the remaining credits.

    Requests that create no tasks, such as status queries, may still be sent.
    """


class OutOfTimeError(HaltedError):
    """No more requests are sent, because the run is over.

    Reasons are the time limit, a stop by the user, or an unreachable server.
    """


@dataclass(frozen=True, slots=True)
class Tally:
    """The cost of a run so far."""

    created: int  # the number of tasks that the run has created
    spent: float  # the cost of these tasks in credits
    # How many tasks the server created for requests that it must refuse, for each kind of request. The kind is the id
    # of the first clause that the request tests, or the name of a request that tests no clause.
    unexpected_tasks: tuple[tuple[str, int], ...] = ()
    estimated: float = 0.0  # the server's latest estimate of a task's duration in seconds; 0 if none


class Target:
    """Sends requests (cases) to the server under test, from any thread.

    At most `effort.jobs` requests are in flight. The end of the `with` block closes the connections. Prices of requests
    that may create tasks are reserved first (see `Budget`).

    Requests that the server must refuse are grouped by the tested clause. The first request of a group is answered
    before the next ones are sent. If the server creates a task for a request in a group, the group ends. In a run
    without credits, all groups end after the server has created five tasks.
    """

    def __init__(  # noqa: PLR0913  (the keyword arguments are replaced by tests)
        self,
        subject: Subject,
        effort: Effort,
        recorder: RunRecorder,
        spec: Spec,
        *,
        stop: threading.Event | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        wait: Callable[[float], None] = clock.wait,
    ) -> None:
        self.subject = subject
        self.recorder = recorder
        self._http = HttpClient(subject.url, recorder.now, ca=subject.ca, transport=transport)
        self._wait = wait
        self._stop = stop or threading.Event()
        self._rate_limiter = RateLimiter(effort.rate)
        self._slots = threading.BoundedSemaphore(effort.jobs)
        self._ends = clock.stopwatch() + effort.seconds
        self._wrong = f"sk-{secrets.token_hex(24)}"
        self._landed = threading.Condition()
        self._budget = Budget(effort.max_credits, effort.tasks, documented_price(spec))
        # For each kind of request that the server must refuse: whether the first request has been answered.
        self._kinds: dict[str, bool] = {}
        self._unexpected_tasks: Counter[str] = Counter()
        self._estimated = 0.0
        self.gone = ""  # why the server no longer responds

    def send(self, case: Case) -> Entry:
        """Send a request (`case`), record the exchange and return its entry.

        If there is no response, the entry has the status 0 and a `problem`. After a 429, the request is sent again
        after a wait. If the API key has `limited = true` in the configuration file, a 429 is final. After a 500, a
        request that may create a task is sent again. Raises `OverBudgetError` if the request might cost too much.
        Raises `OutOfTimeError` if the run is over.
        """
        for tries in range(1, _TRIES + 1):
            entry = self._send_once(case)
            if _is_unexpected_500(case, entry) and tries < _SAME:
                self.pause(_REPEAT_SECONDS)
                continue
            pause = self._pause(case, entry)
            if pause is None or tries == _TRIES:
                break
            self._rate_limiter.back_off(case.key, clock.stopwatch() + pause)
        return entry

    def fetch_external(self, url: str, name: str = "") -> Entry:
        """Fetch a URL outside the API, without an API key.

        Redirects are followed. The exchange is not recorded.
        """
        self._admit(NOBODY)
        with self._slots:
            return self._http.exchange(Case(name, (), "GET", url), (), self.left, follow=True)

    def post_control(self, method: str, url: str, body: bytes) -> int:
        """Send a request to the control API, and return the status of the response.

        The request contains the main API key. The exchange is not recorded.
        """
        self._admit("")
        head = (*self._key(Case("", (), method, url)), ("Content-Type", "application/json"))
        return self._http.exchange(Case("", (), method, url, body=body), head, self.left).exchange.status

    def left(self) -> float:
        """Return the remaining seconds of the run.

        The result is 0 after a stop, or without a responding server.
        """
        if self._stop.is_set() or self.gone:
            return 0.0
        return max(0.0, self._ends - clock.stopwatch())

    @property
    def stopped(self) -> bool:
        """Whether the user has stopped the run."""
        return self._stop.is_set()

    def pause(self, seconds: float) -> None:
        """Wait for `seconds`.

        Raises `OutOfTimeError` as soon as the run is over.
        """
        while seconds > 0:
            self.in_time()
            self._wait(min(seconds, _SLICE))
            seconds -= _SLICE
        self.in_time()

    @property
    def tally(self) -> Tally:
        """The cost of the run so far."""
        with self._landed:
            budget, unexpected = self._budget, tuple(self._unexpected_tasks.items())
            return Tally(budget.created, budget.spent, unexpected, self._estimated)

    @property
    def affords(self) -> int:
        """The number of tasks that the remaining credits cover.

        The number is 0 if the user allowed no credits.
        """
        with self._landed:
            return self._budget.affords

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _send_once(self, case: Case) -> Entry:
        self._admit(case.key)
        price = None if case.method.upper() in READ_METHODS else self._reserve_price(case)
        cost: float | None = None  # a request that was not sent is free
        try:
            with self._slots:
                entry = self._with_connect_retries(case)
            if price is not None:
                cost = self._cost(case, entry, price)
        finally:
            if price is not None:
                self._settle(case, price, cost)
        return entry

    def _with_connect_retries(self, case: Case) -> Entry:
        # A refused connection has sent nothing, so another attempt costs nothing.
        for seconds in (*_RETRY_SECONDS, None):
            entry = self.recorder.add(self._http.exchange(case, self._key(case), self.left))
            if not entry.problem.startswith(HttpClient.UNREACHED):
                return entry
            if seconds is not None:
                self.pause(seconds)
        self.gone = entry.problem
        raise OutOfTimeError(f"the server no longer responds: {entry.problem}")

    def _admit(self, key: str) -> None:
        self.in_time()
        self.pause(self._rate_limiter.reserve(key, clock.stopwatch()))

    def in_time(self) -> None:
        """Raise `OutOfTimeError` if the run is over."""
        if self.left() <= 0:
            raise OutOfTimeError(
                self.gone or ("stopped" if self._stop.is_set() else "the time of the run is over")
            )

    def _reserve_price(self, case: Case) -> float:
        with self._landed:
            while True:
                budget = self._budget
                self._check_budget(case, budget)
                if budget.decide() == "granted" and (case.creates or self._kinds.get(_kind(case), True)):
                    self._budget = budget.with_request()
                    self._kinds.setdefault(_kind(case), case.creates)
                    return budget.price
                # A request in flight may turn out to cost nothing.
                self._landed.wait(_SLICE)
                self.in_time()

    def _check_budget(self, case: Case, budget: Budget) -> None:
        if case.creates and budget.granted is None:
            raise OverBudgetError("no credits were granted")
        if budget.decide() == "refused":
            raise OverBudgetError(f"{budget.spent:g} of {budget.granted:g} credits are spent")
        if not case.creates and self._unexpected_tasks[_kind(case)]:
            raise OverBudgetError(f"the server created a task for a request of this kind: {_kind(case)}")
        if not case.creates and budget.granted is None and self._unexpected_tasks.total() >= _MOST_UNEXPECTED:
            raise OverBudgetError("the server creates tasks for requests that it must refuse")

    def _settle(self, case: Case, price: float, cost: float | None) -> None:
        with self._landed:
            self._budget = self._budget.with_result(price, cost)
            self._kinds[_kind(case)] = True
            if cost is not None and not case.creates:
                self._unexpected_tasks[_kind(case)] += 1
            self._landed.notify_all()

    def _cost(self, case: Case, entry: Entry, price: float) -> float | None:
        status = entry.exchange.status
        if case.creates and status in _LOST:
            return price
        if not 200 <= status < 300:  # noqa: PLR2004  (success)
            return None
        answer = decode_json(entry.exchange.response_body)
        cost = price_in(answer)
        self._estimated = estimated_time_in(answer) or self._estimated
        unread = entry.size is not None  # the content of a body that was too long to be kept is unknown
        made = case.creates or unread or cost is not None or (isinstance(answer, dict) and "id" in answer)
        return (price if cost is None else cost) if made else None

    def _pause(self, case: Case, entry: Entry) -> float | None:
        key = self.subject.keys.get(case.key)
        if entry.exchange.status != _TOO_MANY or (key is not None and key.limited):
            return None
        headers = {name.lower(): value for name, value in entry.exchange.response_headers}
        wait = seconds_to_wait(headers.get("retry-after", ""), clock.now())
        pause = 1.0 if wait is None else wait
        return pause if pause < self.left() else None

    def _key(self, case: Case) -> tuple[tuple[str, str], ...]:
        if case.authorization is not None:
            return (("Authorization", case.authorization),)
        if case.key == NOBODY:
            return ()
        token = self._wrong if case.key == WRONG else self.subject.keys[case.key].token
        return (("Authorization", f"Bearer {token}"),)


def _is_unexpected_500(case: Case, entry: Entry) -> bool:
    return case.creates and entry.exchange.status == _SERVER_ERROR


def _kind(case: Case) -> str:
    return case.clauses[0] if case.clauses else case.name
