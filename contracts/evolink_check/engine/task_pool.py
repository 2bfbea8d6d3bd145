"""Create the tasks of a run, follow them concurrently, and wait for their callbacks."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import CREDITS
from evolink_check.engine.task_follower import TaskFollower, TrackedTask, from_create
from evolink_check.engine.task_plan import FAILS, PlannedTask, delivery_wait_seconds
from evolink_check.generation.case import Case
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.trace import MAIN
from evolink_check.transport.downloads import fetch
from evolink_check.transport.target import HaltedError, OverBudgetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from evolink_spec import CallbackRules, Spec

    from evolink_check.traffic.trace import Entry
    from evolink_check.transport.callback_receiver import CallbackReceiver
    from evolink_check.transport.target import Target

_LOOK = 0.1  # seconds between two checks for new deliveries
_DAY, _HOUR, _MINUTE = 86_400.0, 3_600.0, 60.0
_LINKS = 3  # how many result links are fetched again until they expire


def query_credits(target: Target, key: str = MAIN) -> None:
    """Query the remaining credits of an account."""
    target.send(Case("credits", ("credits.shape",), "GET", CREDITS, key=key))


def run_parallel(work: Iterable[Callable[[], object]], workers: int, stop: threading.Event) -> None:
    """Call all functions in `work` concurrently.

    If a function raises an exception, `stop` is set, and waiting functions are cancelled. Then the exception is raised
    again. Ctrl-C has the same effect.
    """
    with ThreadPoolExecutor(max(1, workers)) as pool:
        futures = [pool.submit(call) for call in work]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise


def _silent() -> None: ...


class TaskPool:
    """Creates and follows tasks. Several threads may call its methods at the same time."""

    def __init__(
        self, target: Target, spec: Spec, task_seconds: float, seed: int, stop: threading.Event
    ) -> None:
        self._target = target
        self._follower = TaskFollower(target, spec, task_seconds)
        self._seed = seed
        self._stop = stop
        self._scale = target.subject.scale
        self._settled = Tolerances(self._scale).credits_settled + _LOOK
        self._lock = threading.Lock()
        self.tasks: list[TrackedTask] = []
        self.not_created = 0  # how many planned tasks the budget did not allow

    def adopt(self, case: Case, entry: Entry) -> None:
        """Remember the task that a request of another phase created, for `follow_adopted`.

        `entry` is the recorded exchange of the request `case`. A task of a different account is ignored.
        """
        task = from_create(PlannedTask(case), entry, self._target.subject)
        if task is not None and case.key == MAIN and case.authorization is None:
            with self._lock:
                self.tasks.append(task)

    def follow_adopted(self) -> None:
        """Query each unfinished task that another phase created, until it ends, without further checks."""
        left = [task for task in self.tasks if not task.ended]
        work = [partial(self._follower.poll_until_end, task, self._random(task.planned)) for task in left]
        run_parallel(work, len(work), self._stop)

    def follow_alone(self, planned: PlannedTask) -> None:
        """Create and follow a task that must fail. Query the credits before and after it.

        The caller must ensure that nothing else changes the credits at the same time.
        """
        query_credits(self._target)
        task = self._begun(planned)
        if task is not None:
            self._follower.poll_until_end(task, self._random(planned))
            self._target.pause(self._settled)
            query_credits(self._target)
            self._follower.query_as_others(task)

    def query_finished_task(self) -> None:
        """Query a task that has ended, and query the credits before and after.

        The credits must not change, because a query is free.
        """
        if any(task.ended for task in self.tasks):
            self._target.pause(self._settled)
            query_credits(self._target)
            self._follower.poll(next(task for task in self.tasks if task.ended))
            query_credits(self._target)

    def follow_all(self, tasks: Sequence[PlannedTask], count: Callable[[], None]) -> None:
        """Create and follow all `tasks` concurrently. `count` is called after each task."""

        def lived(planned: PlannedTask) -> None:
            task = self._begun(planned)
            if task is not None:
                self._follower.follow(task, self._random(planned))
            count()

        work: list[Callable[[], object]] = [partial(lived, planned) for planned in tasks]
        run_parallel(work, len(work), self._stop)

    @contextmanager
    def follow_meanwhile(self, tasks: Sequence[PlannedTask]) -> Iterator[None]:
        """Create and follow `tasks` while the `with` block runs. The end of the block waits for all tasks."""
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(self.follow_all, tasks, _silent)
            try:
                yield
            except BaseException as error:
                self._stop.set()
                if isinstance(error, HaltedError):
                    work.result()  # raises the exception of a bug that has stopped the run
                raise
            work.result()

    def await_callbacks(self, receiver: CallbackReceiver, rules: CallbackRules) -> float:
        """Wait until no more callbacks of the ended tasks are expected.

        Return the time at which the wait ended, in Unix seconds.
        """
        watched = [task for task in self.tasks if task.planned.address and task.ended]
        while any(self._expected(task, receiver, rules) for task in watched):
            self._target.pause(_LOOK)
        return receiver.now()

    def _expected(self, task: TrackedTask, receiver: CallbackReceiver, rules: CallbackRules) -> bool:
        arrivals = receiver.arrivals(task.planned.address)
        since = max(arrivals.last, task.ended)
        return bool(arrivals.under_way) or receiver.now() < since + delivery_wait_seconds(
            rules, arrivals.count, self._scale
        )

    def check_link_expiry(self, advance_url: str) -> None:
        """Advance the server's clock to shortly before and shortly after result links expire.

        A few results are downloaded again after each step. The server must send the first downloads, and refuse the
        second ones. Call this method in the last phase, because the clock cannot be set back.
        """
        links = [(task, url) for task in self.tasks for url in task.results][-_LINKS:]
        for seconds in (_DAY - _HOUR, _HOUR + _MINUTE) if links else ():
            status = self._target.post_control("POST", advance_url, json.dumps({"seconds": seconds}).encode())
            if not 200 <= status < 300:  # noqa: PLR2004  (success)
                return
            self._target.recorder.advance(seconds / self._scale)
            for task, url in links:
                fetch(self._target, url, f"{task.planned.case.name}: its result after a day")

    def _begun(self, planned: PlannedTask) -> TrackedTask | None:
        try:
            task = self._follower.begin(planned)
        except OverBudgetError:
            self.not_created += 1
            return None
        if task is not None:
            with self._lock:
                self.tasks.append(task)
        return task

    def _random(self, planned: PlannedTask) -> Random:
        return Random(f"{self._seed} {planned.case.name}")  # noqa: S311  (times of queries, not secrets)


def on_delivery(target: Target) -> Callable[[str], None]:
    """Return the function to call whenever a callback arrives."""

    def check_credits(name: str) -> None:
        # the server must return the reserved credits before the callback (`callback.after-billing`)
        if name.startswith(FAILS):
            try:
                query_credits(target)
            except HaltedError:
                return

    return check_credits
