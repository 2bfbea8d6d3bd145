"""The part of a run that costs credits: tasks are made, followed all at once, and their callbacks waited for."""

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
from evolink_check.engine.task_plan import FAILS, PlannedTask, patience
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

_LOOK = 0.1  # seconds between two looks at what has arrived
_DAY, _HOUR, _MINUTE = 86_400.0, 3_600.0, 60.0
_LINKS = 3  # results whose links are followed until they die


def balance(target: Target, key: str = MAIN) -> None:
    """Ask how many credits an account has left."""
    target.send(Case("credits", ("credits.shape",), "GET", CREDITS, key=key))


def refusal(target: Target, case: Case) -> None:
    """Have a create refused, with nothing else going on: it takes no credits."""
    balance(target)
    target.send(case)
    balance(target)


def together(work: Iterable[Callable[[], object]], workers: int, stop: threading.Event) -> None:
    """Do it all at the same time. What one raises, Ctrl-C too, stops the run and is raised here."""
    with ThreadPoolExecutor(max(1, workers)) as pool:
        futures = [pool.submit(one) for one in work]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise


def _silent() -> None:
    """Tell nobody."""


class TaskPool:
    """Makes tasks and follows them. `tell` hears of each task that is done with."""

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
        self.lives: list[TrackedTask] = []
        self.unmade = 0  # errands for which there was no budget

    def adopt(self, case: Case, entry: Entry) -> None:
        """A task that may have been made elsewhere: it is one of ours."""
        life = from_create(PlannedTask(case), entry)
        if life is not None and case.key == MAIN and case.authorization is None:
            with self._lock:
                self.lives.append(life)

    def finish(self) -> None:
        """Follow those that were adopted to their end, and do no more."""
        left = [life for life in self.lives if not life.ended]
        work = [partial(self._follower.until_end, life, self._random(life.errand)) for life in left]
        together(work, len(work), self._stop)

    def alone(self, errand: PlannedTask) -> None:
        """One task that fails, with nothing else going on: what it took comes back, and nobody else moves it."""
        balance(self._target)
        life = self._begun(errand)
        if life is not None:
            self._follower.until_end(life, self._random(errand))
            self._target.pause(self._settled)
            balance(self._target)
            self._follower.strangers(life)

    def last_look(self) -> None:
        """When all tasks have ended: credits are the same before and after a query."""
        if any(life.ended for life in self.lives):
            self._target.pause(self._settled)
            balance(self._target)
            self._follower.poll(next(life for life in self.lives if life.ended))
            balance(self._target)

    def all(self, errands: Sequence[PlannedTask], tell: Callable[[], None]) -> None:
        """Every errand at once."""

        def lived(errand: PlannedTask) -> None:
            life = self._begun(errand)
            if life is not None:
                self._follower.follow(life, self._random(errand))
            tell()

        work: list[Callable[[], object]] = [partial(lived, errand) for errand in errands]
        together(work, len(work), self._stop)

    @contextmanager
    def beside(self, errands: Sequence[PlannedTask]) -> Iterator[None]:
        """Every errand at once while the block runs; at its end all are done with."""
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(self.all, errands, _silent)
            try:
                yield
            except BaseException as error:
                self._stop.set()
                if isinstance(error, HaltedError):
                    work.result()  # a bug of ours may be why the run was stopped: it must be seen
                raise
            work.result()

    def await_callbacks(self, receiver: CallbackReceiver, rules: CallbackRules) -> float:
        """Wait until nothing more is to be expected from the tasks that have ended; when that was."""
        watched = [life for life in self.lives if life.errand.address and life.ended]
        while any(self._expected(life, receiver, rules) for life in watched):
            self._target.pause(_LOOK)
        return receiver.now()

    def _expected(self, life: TrackedTask, receiver: CallbackReceiver, rules: CallbackRules) -> bool:
        found = receiver.arrivals(life.errand.address)
        since = max(found.last, life.ended)
        return bool(found.under_way) or receiver.now() < since + patience(rules, found.count, self._scale)

    def outlive(self, advance_url: str) -> None:
        """Move the server's clock, and see that links live for a day and no longer. Nothing can follow this."""
        links = [(life, url) for life in self.lives for url in life.results][-_LINKS:]
        for seconds in (_DAY - _HOUR, _HOUR + _MINUTE) if links else ():
            status = self._target.ask("POST", advance_url, json.dumps({"seconds": seconds}).encode())
            if not 200 <= status < 300:  # noqa: PLR2004  (success)
                return
            self._target.recorder.moved(seconds / self._scale)
            for life, url in links:
                fetch(self._target, url, f"{life.errand.case.name}: its result later")

    def _begun(self, errand: PlannedTask) -> TrackedTask | None:
        try:
            life = self._follower.begin(errand)
        except OverBudgetError:
            self.unmade += 1
            return None
        if life is not None:
            with self._lock:
                self.lives.append(life)
        return life

    def _random(self, errand: PlannedTask) -> Random:
        return Random(f"{self._seed} {errand.case.name}")  # noqa: S311  (polls at odd times, not secrets)


def on_delivery(target: Target) -> Callable[[str], None]:
    """What the receiver does when a failed task calls: it asks for the credits, which must be back by then."""

    def heard(name: str) -> None:
        if name.startswith(FAILS):
            try:
                balance(target)
            except HaltedError:
                return

    return heard
