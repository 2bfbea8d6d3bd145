"""All scenarios, several at a time, each on a mock that nobody else uses meanwhile."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check import clock
from evolink_check.client.harness.journal_trace import has_other_key, trace_of
from evolink_check.client.harness.mock_process import borrowed, started
from evolink_check.client.harness.outcome import Outcome
from evolink_check.client.harness.process import CommandError, run, workspace
from evolink_check.client.verdicts.verdicts import ScenarioRun, verdicts_of
from evolink_check.traffic.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.client.harness.config import Description
    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.harness.scenarios import Scenario

SHORTEST = 25.0  # seconds that a client is given at least
MARGIN = 15.0  # beyond its own deadline
LONGEST = 60.0  # whatever its deadline is
STOPPED = "it was interrupted"
OTHER_KEY = "it also asked with another key than EVOLINK_API_KEY"


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """What to run. `mock` is the URL of one that runs already; empty: start our own. `seed` is that of the mocks.

    `limit` is the longest that a run may take, in seconds, None for what the client's deadline makes of it. `keep` is a
    folder where the output and the archive of each run stay. `environment` is what a command gets on a foreign mock.
    `stop` ends what runs, and lets nothing more begin.
    """

    description: Description
    scenarios: tuple[Scenario, ...]
    spec: Spec
    clauses: tuple[Clause, ...]
    jobs: int = 8
    mock: str = ""
    seed: int | None = None
    limit: float | None = None
    keep: Path | None = None
    environment: Mapping[str, str] | None = None
    stop: Event = field(default_factory=Event, repr=False, compare=False)

    @property
    def seconds(self) -> float:
        """How long one run may take."""
        if self.limit is not None:
            return self.limit
        return min(LONGEST, max(SHORTEST, (self.description.deadline or 0.0) + MARGIN))


def run_suite(
    plan: SuitePlan, progress: Callable[[ScenarioRun], None] = lambda _: None
) -> tuple[ScenarioRun, ...]:
    """Run and judge every scenario, in the order given; those that did not begin before a stop are not among them.

    Raises `MockError` when there is no mock to be had.
    """
    # What takes longest begins first, so that nothing is waited for alone at the end.
    waiting = deque(sorted(plan.scenarios, key=lambda one: not one.endless))
    done: dict[str, ScenarioRun] = {}

    def work() -> None:
        with _mocks(plan) as mocks:
            while waiting and not plan.stop.is_set():
                try:
                    scenario = waiting.popleft()
                except IndexError:  # somebody else took it
                    return
                found = done[scenario.id] = one(plan, mocks(), scenario)
                progress(found)

    count = max(1, min(plan.jobs, len(plan.scenarios)))
    with ThreadPoolExecutor(count) as pool:
        workers = [pool.submit(work) for _ in range(count)]
        try:
            for worker in as_completed(workers):
                worker.result()
        except BaseException:
            plan.stop.set()
            raise
    return tuple(done[scenario.id] for scenario in plan.scenarios if scenario.id in done)


@contextmanager
def _mocks(plan: SuitePlan) -> Iterator[Callable[[], Mock]]:
    """A mock for each scenario of one worker: its own, used one after the other, or accounts on a foreign one."""
    if plan.mock:
        yield lambda: borrowed(plan.mock, plan.environment or {})
        return
    with ExitStack() as stack:
        own = stack.enter_context(started(*(() if plan.seed is None else ("--seed", str(plan.seed)))))
        yield lambda: own


def one(plan: SuitePlan, mock: Mock, scenario: Scenario) -> ScenarioRun:
    """One scenario, run and judged. What prevents that is its `problem`. Raises `MockError`."""
    with _folder(plan.keep, scenario.id) as folder:
        place = workspace(plan.description, folder)
        ahead = mock.prepare(scenario.orders)
        try:
            outcome = run(plan.description, mock, place, plan.seconds, plan.stop)
        except CommandError as error:
            now = clock.now()
            return ScenarioRun(scenario, Trace(()), Outcome("failure", now, now), problem=str(error))
        if plan.stop.is_set():  # perhaps by what was to end it: nobody knows how it would have ended
            return ScenarioRun(scenario, Trace(()), outcome, problem=STOPPED)
        own, strays = mock.journal()
        if plan.keep is not None:
            archive = {"log": {"version": "1.2", "creator": {}, "entries": [*own, *strays]}}
            (folder / "requests.har").write_text(json.dumps(archive), encoding="utf-8")
        prefix = _prefix(place.callback_url)
        trace = trace_of(own, strays, ended=outcome.ended, receiver=prefix, ahead=ahead)
        found = judged(plan, scenario, outcome, trace)
        return replace(found, note=OTHER_KEY) if has_other_key(strays) else found


def judged(plan: SuitePlan, scenario: Scenario, outcome: Outcome, trace: Trace) -> ScenarioRun:
    """The run that a trace and an end tell of."""
    if not trace.entries:
        return ScenarioRun(
            scenario, trace, outcome, problem=f"the client asked nothing: {_last_words(outcome)}"
        )
    verdicts = verdicts_of(trace, outcome, scenario, plan.clauses, plan.spec)
    return ScenarioRun(scenario, trace, outcome, verdicts)


def _prefix(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else ""


def _last_words(outcome: Outcome) -> str:
    lines = [line for line in outcome.told.splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else f"it ended with {outcome.status}"


@contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    """A folder for one run: one that stays, or one that goes."""
    if keep is None:
        with TemporaryDirectory(prefix="evolink-client-") as temporary:
            yield Path(temporary)
    else:
        folder = (keep / name).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def applying(plan: SuitePlan) -> SuitePlan:
    """The plan less the scenarios that need what the client has not."""
    there = [one for one in plan.scenarios if plan.description.is_called_back or not one.calls]
    return replace(plan, scenarios=tuple(there))
