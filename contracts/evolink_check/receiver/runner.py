"""Run the scenarios one after another, and judge the receiver."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from random import Random
from threading import Event
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.receiver.activity_monitor import ActivityMonitor
from evolink_check.receiver.mock_api import MockApi
from evolink_check.receiver.records import ScenarioRecord, Terms, Timing
from evolink_check.receiver.scenario_driver import ScenarioDriver
from evolink_check.receiver.scenarios import (
    ALONE,
    FIRST,
    NEEDS_REGISTER,
    NEEDS_SECRET,
    scenario_functions,
)
from evolink_check.receiver.verdicts.judging import judge_scenarios
from evolink_check.receiver.verdicts.output_rules import shows_secret_in_access_log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.harness.scenario import Scenario
    from evolink_check.client.verdicts.verdicts import ScenarioRun
    from evolink_check.receiver.delivery.callback_sender import CallbackSender
    from evolink_check.receiver.ledger import Ledger
    from evolink_check.receiver.registration import Register

DEFAULT_TIMING = Timing()
BURST = 100  # the number of callbacks that are sent at once
_STOP_CHECK = 0.1  # seconds between two checks of whether to stop
ACCESS_LOG = "the access log shows the secret of the callback URL: whoever reads it can forge callbacks"
GAVE_UP = (
    "the first callback was not accepted, so no other scenario was run; a receiver that accepts only tasks that it "
    "created itself needs --register"
)


@dataclass(frozen=True, slots=True)
class ReceiverPlan:
    """The scenarios, the receiver, the mock and the settings of a check."""

    scenarios: tuple[Scenario, ...]
    terms: Terms
    # Starts the receiver, if it is a program, and returns the sender of callbacks.
    open_sender: Callable[[], Awaitable[CallbackSender]]
    mock: Mock
    other_key: str  # the API key of an account that is not the receiver's
    spec: Spec
    clauses: tuple[Clause, ...]
    timing: Timing = DEFAULT_TIMING
    ledger: Ledger | None = None
    burst: int = BURST
    seed: int | None = None
    # Returns the output of the receiver so far; None if the output is not available.
    read_output: Callable[[], str] | None = None
    after_each: Callable[[], Awaitable[None]] | None = None  # called after each scenario
    # Tells the receiver about a task before its callback; None if the receiver accepts callbacks about any task.
    register: Register | None = None
    stop: Event = field(default_factory=Event, repr=False, compare=False)  # if set, the check ends early


@dataclass(frozen=True, slots=True)
class ReceiverResult:
    """The run of each scenario with its verdicts, and notes about the check."""

    runs: tuple[ScenarioRun, ...]
    notes: tuple[str, ...] = ()


def without_inapplicable(
    scenarios: tuple[Scenario, ...], terms: Terms, *, registers: bool = False
) -> tuple[Scenario, ...]:
    """Return the scenarios that apply to a receiver.

    Scenarios about the secret need a callback URL with a secret. Set `registers` if the check tells the receiver about
    each task. The scenario `before-create` applies if `registers` is set.
    """
    # In `before-create`, the callback arrives before the checker tells the receiver about the task.
    needless = (frozenset() if terms.secret else NEEDS_SECRET) | (
        frozenset() if registers else NEEDS_REGISTER
    )
    return tuple(scenario for scenario in scenarios if scenario.id not in needless)


async def run_plan(
    plan: ReceiverPlan, progress: Callable[[str, int, int], None] = lambda *_: None
) -> ReceiverResult:
    """Run the scenarios and judge the receiver.

    Raises `MockError` if the mock fails. Raises `LedgerError` if the ledger cannot be read. `progress` is called at
    each step with a description and two numbers. The numbers count the finished scenarios and all scenarios.
    """
    api = MockApi(plan.mock, plan.other_key, plan.spec)
    monitor = ActivityMonitor(api, plan.ledger)
    try:
        await api.start()
        sender = await _open_sender(plan)
        if sender is None:
            return ReceiverResult(())
        try:
            return await _CheckRun(plan, api, monitor, sender, progress).perform()
        finally:
            await sender.close()
    finally:
        await api.close()


async def _open_sender(plan: ReceiverPlan) -> CallbackSender | None:
    opening = asyncio.ensure_future(plan.open_sender())
    stopping = asyncio.create_task(_stopped(plan))
    try:
        await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        # The check may be stopped before the receiver's program listens.
        return await opening if opening.done() else None
    finally:
        opening.cancel()
        stopping.cancel()
        await asyncio.gather(opening, stopping, return_exceptions=True)


async def _stopped(plan: ReceiverPlan) -> None:
    while not plan.stop.is_set():  # noqa: ASYNC110  (a signal handler of another thread may set it)
        await asyncio.sleep(_STOP_CHECK)


class _CheckRun:
    def __init__(
        self, plan: ReceiverPlan, api: MockApi, monitor: ActivityMonitor, sender: CallbackSender,
        progress: Callable[[str, int, int], None],
    ) -> None:  # fmt: skip
        self._plan, self._api, self._monitor, self._sender = plan, api, monitor, sender
        self._progress = progress
        self._random = Random(plan.seed)  # noqa: S311  (for variety, not for secrets)
        self._started: list[tuple[ScenarioRecord, list[asyncio.Task[None]]]] = []
        self._notes: tuple[str, ...] = ()

    async def perform(self) -> ReceiverResult:
        running = asyncio.create_task(self._run_all())
        stopping = asyncio.create_task(_stopped(self._plan))
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        everything = [running, stopping, *(task for _, later in self._started for task in later)]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        if not running.cancelled() and (error := running.exception()) is not None:
            raise error
        return await self._judged()

    def _is_complete(self, record: ScenarioRecord, later: list[asyncio.Task[None]]) -> bool:
        # The deferred parts run during the next scenarios. After an interruption, the receiver may have had no time
        # to react.
        return bool(record.ended) and all(task.done() and not task.cancelled() for task in later)

    async def _run_all(self) -> None:
        for number, scenario in enumerate(self._plan.scenarios):
            if scenario.id in ALONE:
                await self._await_deferred_parts()
            self._progress(scenario.id, number, len(self._plan.scenarios))
            record = await self._run_scenario(scenario)
            if self._plan.after_each is not None:
                await self._plan.after_each()
            if scenario.id == FIRST and not all(case.accepted for case in record.cases):
                self._notes = (GAVE_UP,) if len(self._plan.scenarios) > 1 else ()
                break
        self._progress("waiting for what follows", len(self._plan.scenarios), len(self._plan.scenarios))
        await self._await_deferred_parts()
        await asyncio.sleep(self._plan.timing.quiet)

    async def _await_deferred_parts(self) -> None:
        await asyncio.gather(*(task for _, later in self._started for task in later))

    async def _run_scenario(self, scenario: Scenario) -> ScenarioRecord:
        plan = self._plan
        record, later = ScenarioRecord(scenario, began=clock.now()), list[asyncio.Task[None]]()
        self._started.append((record, later))
        failures = tuple(failure.code for failure in plan.spec.failures)
        driver = ScenarioDriver(
            self._api, self._sender, self._monitor, plan.terms, plan.timing, self._random, failures, plan.burst,
            record, plan.register, later,
        )  # fmt: skip
        await scenario_functions()[scenario.id](driver)
        record.ended = clock.now()
        return record

    async def _judged(self) -> ReceiverResult:
        plan = self._plan
        activity = await self._monitor.look()
        output = plan.read_output() if plan.read_output is not None else None
        activity = replace(activity, output=output)
        complete = [
            record
            for record, later in self._started
            if self._is_complete(record, later) and _has_calls(record)
        ]
        for record in complete:
            ends = [call.reply.ended for case in record.cases for call in case.calls]
            record.ended = max([record.ended, *ends])
            record.cases = [case for case in record.cases if case.calls]
        runs = judge_scenarios(complete, activity, plan.terms, plan.timing, plan.clauses, plan.spec)
        leaks = (ACCESS_LOG,) if shows_secret_in_access_log(output, plan.terms) else ()
        return ReceiverResult(runs, (*self._notes, *leaks))


def _has_calls(record: ScenarioRecord) -> bool:
    return any(case.calls for case in record.cases)


def run(plan: ReceiverPlan, progress: Callable[[str, int, int], None] = lambda *_: None) -> ReceiverResult:
    """Call `run_plan` in a new event loop.

    If this thread already runs an event loop, a new thread is used.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run_plan(plan, progress))
    return _run_in_thread(plan, progress)


def _run_in_thread(plan: ReceiverPlan, progress: Callable[[str, int, int], None]) -> ReceiverResult:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(run_plan(plan, progress))).result()
