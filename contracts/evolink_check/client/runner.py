"""Run all scenarios, several at a time, each on a mock that no other scenario uses at the same time."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check.client.harness.journal_trace import has_other_key, trace_of
from evolink_check.client.harness.mock_process import borrow_account, start_mock
from evolink_check.client.harness.process import CommandError, check_command, make_workspace, run_command
from evolink_check.client.verdicts.verdicts import ScenarioRun, verdicts_of
from evolink_check.files import temporary_folder
from evolink_check.traffic.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.client.harness.config import Description
    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.harness.outcome import Outcome
    from evolink_check.client.harness.scenarios import Scenario

SHORTEST = 25.0  # minimum time limit of a run, in seconds
MARGIN = 15.0  # seconds from the client's own deadline to the time limit
LONGEST = 60.0  # maximum time limit of a run, in seconds, whatever the deadline
STOPPED = "the run was interrupted"
OTHER_KEY = "the client also sent a key other than EVOLINK_API_KEY"
_SILENT_RUNS = 2  # without a request, after which the other scenarios are not tried
_OUTPUT_LINES = 12


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """What to run. `mock` is the URL of a mock that is already running; empty: start our own, with `seed`.

    `limit` is the time limit of a run in seconds; None: it follows from the client's deadline. `keep` is a folder
    for the output and the requests of each run. `environment` is passed to the command when the mock is not our own.
    Setting `stop` ends the running commands; no others are started.
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
        """The time limit of a run."""
        if self.limit is not None:
            return self.limit
        return min(LONGEST, max(SHORTEST, (self.description.deadline or 0.0) + MARGIN))


def run_suite(
    plan: SuitePlan, progress: Callable[[ScenarioRun], None] = lambda _: None
) -> tuple[ScenarioRun, ...]:
    """Run and judge every scenario. The results are in the order of the plan, without scenarios that were not started.

    Raises `MockError` when no mock can be used, and `CommandError` when the client cannot be started or makes no
    request in any of the first scenarios.
    """
    check_command(plan.description)
    # The longest scenarios start first, so that no single one is still running at the end.
    waiting = deque(sorted(plan.scenarios, key=lambda scenario: not scenario.endless))
    done: dict[str, ScenarioRun] = {}

    def work() -> None:
        with _open_mocks(plan) as next_mock:
            while waiting and not plan.stop.is_set():
                try:
                    scenario = waiting.popleft()
                except IndexError:  # another worker took it
                    return
                run = done[scenario.id] = run_scenario(plan, next_mock(), scenario)
                _check_requests(list(done.values()))
                progress(run)

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
def _open_mocks(plan: SuitePlan) -> Iterator[Callable[[], Mock]]:
    """The mocks of one worker: its own, reused for each scenario, or a new account on the mock at `plan.mock`."""
    if plan.mock:
        yield lambda: borrow_account(plan.mock, plan.environment or {})
        return
    with ExitStack() as stack:
        own = stack.enter_context(start_mock(*(() if plan.seed is None else ("--seed", str(plan.seed)))))
        yield lambda: own


def run_scenario(plan: SuitePlan, mock: Mock, scenario: Scenario) -> ScenarioRun:
    """Run and judge one scenario. Raises `MockError` and `CommandError`."""
    with _folder(plan.keep, scenario.id) as folder:
        place = make_workspace(plan.description, folder)
        ahead = mock.prepare(scenario.orders)
        outcome = run_command(plan.description, mock, place, plan.seconds, plan.stop)
        if plan.stop.is_set():  # the stop may have killed it, so its own end is unknown
            return ScenarioRun(scenario, Trace(()), outcome, problem=STOPPED)
        journal, unmatched = mock.journal()
        if plan.keep is not None:
            archive = {"log": {"version": "1.2", "creator": {}, "entries": [*journal, *unmatched]}}
            (folder / "requests.har").write_text(json.dumps(archive), encoding="utf-8")
        prefix = _prefix(place.callback_url)
        trace = trace_of(journal, unmatched, ended=outcome.ended, receiver=prefix, ahead=ahead)
        run = judge_run(plan, scenario, outcome, trace)
        return replace(run, note=OTHER_KEY) if has_other_key(trace) else run


def judge_run(plan: SuitePlan, scenario: Scenario, outcome: Outcome, trace: Trace) -> ScenarioRun:
    """Judge a run by its trace and its end."""
    if not trace.entries:
        problem = f"the client made no request: {_last_line(outcome)}"
        return ScenarioRun(scenario, trace, outcome, problem=problem)
    verdicts = verdicts_of(trace, outcome, scenario, plan.clauses, plan.spec)
    return ScenarioRun(scenario, trace, outcome, verdicts)


def _check_requests(runs: list[ScenarioRun]) -> None:
    """Raise `CommandError` when all runs so far ended without a request."""
    silent = all(not run.trace.entries and run.outcome.end != "killed" for run in runs)
    if silent and len(runs) >= _SILENT_RUNS:
        outcome = runs[0].outcome
        lines = [line for line in outcome.text.splitlines() if line.strip()]
        shown = "\n".join(f"  {line}" for line in lines[:_OUTPUT_LINES])
        more = f"\n  … and {len(lines) - _OUTPUT_LINES} more lines" if len(lines) > _OUTPUT_LINES else ""
        raise CommandError(
            f"the client makes no request: it ended with status {outcome.status}"
            + (f" and printed\n{shown}{more}" if lines else " and printed nothing")
        )


def _prefix(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/" if parts.netloc else ""


def _last_line(outcome: Outcome) -> str:
    lines = [line for line in outcome.text.splitlines() if line.strip()]
    if lines:
        return lines[-1].strip()[:200]
    return "it was killed" if outcome.end == "killed" else f"it ended with exit status {outcome.status}"


@contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    """The folder of one run: below `keep`, or a temporary one."""
    if keep is None:
        with temporary_folder("evolink-client-") as folder:
            yield folder
    else:
        folder = (keep / name).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def without_inapplicable(plan: SuitePlan) -> SuitePlan:
    """The plan; for a client without a callback receiver, without the scenarios that need one."""
    applicable = (
        scenario for scenario in plan.scenarios if plan.description.is_called_back or not scenario.calls
    )
    return replace(plan, scenarios=tuple(applicable))
