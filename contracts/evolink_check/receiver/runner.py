"""Play the scenarios to a receiver, one after another, and judge what it did."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from random import Random
from threading import Event
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.receiver.activity_monitor import Watch
from evolink_check.receiver.mock_api import PlayedApi
from evolink_check.receiver.records import Play, Terms, Timing
from evolink_check.receiver.scenario_driver import Stage
from evolink_check.receiver.scenarios import ALONE, FIRST, NEEDS_SECRET, plays
from evolink_check.receiver.verdicts.judging import judge_plays
from evolink_check.receiver.verdicts.output_rules import shows_secret_in_access_log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.harness.scenario import Scenario
    from evolink_check.client.verdicts.verdicts import ScenarioRun
    from evolink_check.receiver.delivery.callback_sender import Door
    from evolink_check.receiver.ledger import Ledger

DEFAULT_TIMING = Timing()
BURST = 100  # callbacks at once
_STOP_CHECK = 0.1  # seconds between two looks at whether to stop
ACCESS_LOG = "the access log shows the secret of the callback URL: whoever reads it can forge callbacks"
GAVE_UP = "the first callback was not accepted, so no other scenario was played"


@dataclass(frozen=True, slots=True)
class ReceiverPlan:
    """What to play, and to whom. `open_door` opens the way to the receiver.

    `after_each` is called after each scenario. `read_output` returns everything that the receiver printed so far; None:
    it is not seen. Setting `stop` ends the check; what was played until then is judged.
    """

    scenarios: tuple[Scenario, ...]
    terms: Terms
    open_door: Callable[[], Awaitable[Door]]
    mock: Mock
    other_key: str
    spec: Spec
    clauses: tuple[Clause, ...]
    timing: Timing = DEFAULT_TIMING
    ledger: Ledger | None = None
    burst: int = BURST
    seed: int | None = None
    read_output: Callable[[], str] | None = None
    after_each: Callable[[], Awaitable[None]] | None = None
    stop: Event = field(default_factory=Event, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ReceiverResult:
    """The runs of the scenarios that were played, and why others were not."""

    runs: tuple[ScenarioRun, ...]
    notes: tuple[str, ...] = ()


def without_inapplicable(scenarios: tuple[Scenario, ...], terms: Terms) -> tuple[Scenario, ...]:
    """The scenarios; without a secret, without those about it."""
    return tuple(scenario for scenario in scenarios if terms.secret or scenario.id not in NEEDS_SECRET)


async def run_plan(
    plan: ReceiverPlan, progress: Callable[[str, int, int], None] = lambda *_: None
) -> ReceiverResult:
    """Play and judge. Raises `MockError` when the mock fails, and `LedgerError` when the ledger cannot be read."""
    api = PlayedApi(plan.mock, plan.other_key, plan.spec)
    watch = Watch(api, plan.ledger)
    try:
        await api.start()
        door = await plan.open_door()
        try:
            return await _Company(plan, api, watch, door, progress).perform()
        finally:
            await door.close()
    finally:
        await api.close()


class _Company:
    """Plays the scenarios of one plan."""

    def __init__(
        self, plan: ReceiverPlan, api: PlayedApi, watch: Watch, door: Door,
        progress: Callable[[str, int, int], None],
    ) -> None:  # fmt: skip
        self._plan, self._api, self._watch, self._door = plan, api, watch, door
        self._progress = progress
        self._random = Random(plan.seed)  # noqa: S311  (variety, no secret)
        self._played: list[tuple[Play, list[asyncio.Task[None]]]] = []
        self._notes: tuple[str, ...] = ()

    async def perform(self) -> ReceiverResult:
        """Play everything, wait for what follows, and judge."""
        playing = asyncio.create_task(self._play_all())
        stopping = asyncio.create_task(self._stopped())
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        everything = [playing, stopping, *(task for _, later in self._played for task in later)]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        if not playing.cancelled() and (error := playing.exception()) is not None:
            raise error
        return await self._judged()

    def _is_complete(self, play: Play, later: list[asyncio.Task[None]]) -> bool:
        """Whether a scenario was played to its end: an interrupted one proves nothing by what is missing."""
        return bool(play.ended) and all(task.done() and not task.cancelled() for task in later)

    async def _stopped(self) -> None:
        while not self._plan.stop.is_set():  # noqa: ASYNC110  (a signal handler of another thread may set it)
            await asyncio.sleep(_STOP_CHECK)

    async def _play_all(self) -> None:
        for number, scenario in enumerate(self._plan.scenarios):
            if scenario.id in ALONE:
                await self._settle()
            self._progress(scenario.id, number, len(self._plan.scenarios))
            play = await self._play(scenario)
            if self._plan.after_each is not None:
                await self._plan.after_each()
            if scenario.id == FIRST and not all(case.accepted for case in play.cases):
                self._notes = (GAVE_UP,) if len(self._plan.scenarios) > 1 else ()
                break
        self._progress("waiting for what follows", len(self._plan.scenarios), len(self._plan.scenarios))
        await self._settle()
        await asyncio.sleep(self._plan.timing.quiet)

    async def _settle(self) -> None:
        """Wait for everything that follows the scenarios so far."""
        await asyncio.gather(*(task for _, later in self._played for task in later))

    async def _play(self, scenario: Scenario) -> Play:
        plan = self._plan
        play, later = Play(scenario, began=clock.now()), list[asyncio.Task[None]]()
        self._played.append((play, later))
        failures = tuple(failure.code for failure in plan.spec.failures)
        stage = Stage(
            self._api, self._door, self._watch, plan.terms, plan.timing, self._random, failures, plan.burst,
            play, later,
        )  # fmt: skip
        await plays()[scenario.id](stage)
        play.ended = clock.now()
        return play

    async def _judged(self) -> ReceiverResult:
        plan = self._plan
        conduct = await self._watch.look()
        output = plan.read_output() if plan.read_output is not None else None
        conduct = replace(conduct, output=output)
        played = [play for play, later in self._played if self._is_complete(play, later) and _has_calls(play)]
        for play in played:
            ends = [call.reply.ended for case in play.cases for call in case.calls]
            play.ended = max([play.ended, *ends])
            play.cases = [case for case in play.cases if case.calls]
        runs = judge_plays(played, conduct, plan.terms, plan.timing, plan.clauses, plan.spec)
        leaks = (ACCESS_LOG,) if shows_secret_in_access_log(output, plan.terms) else ()
        return ReceiverResult(runs, (*self._notes, *leaks))


def _has_calls(play: Play) -> bool:
    return any(case.calls for case in play.cases)


def run(plan: ReceiverPlan, progress: Callable[[str, int, int], None] = lambda *_: None) -> ReceiverResult:
    """As `run_plan`, in an event loop of its own; within another one, in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run_plan(plan, progress))
    return _run_in_thread(plan, progress)


def _run_in_thread(plan: ReceiverPlan, progress: Callable[[str, int, int], None]) -> ReceiverResult:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(run_plan(plan, progress))).result()
