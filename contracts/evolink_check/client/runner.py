"""Run all scenarios, several at a time. No two scenarios that run at the same time share an account."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check.client.harness.journal_trace import has_other_key, trace_of
from evolink_check.client.harness.mock_process import borrow_account, start_mock, start_shared_mock
from evolink_check.client.harness.outcome import SAMPLES
from evolink_check.client.harness.process import CommandError, check_command, make_workspace, run_command
from evolink_check.client.harness.refusing_port import CLOSED, Refusal, refusing
from evolink_check.client.journal_reading import read_journal
from evolink_check.client.pending import Pending
from evolink_check.client.verdicts.verdicts import ScenarioRun, verdicts_of
from evolink_check.files import temporary_folder
from evolink_check.traffic.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.harness.outcome import Outcome
    from evolink_check.client.harness.process import Workspace
    from evolink_check.client.harness.scenario import Scenario
    from evolink_check.client.plan import SuitePlan

_HEAD_START = 1.0  # seconds that a client gets to begin to connect, before the port is opened
STOPPED = "the run was interrupted"
OTHER_KEY = "the client also sent a key other than EVOLINK_API_KEY"
TOO_BUSY = "whether the client has a deadline was not observed: the machine was too busy"
_SILENT_RUNS = 2  # after this many runs without a request, the other scenarios are not run
_OUTPUT_LINES = 12


def run_suite(
    plan: SuitePlan, progress: Callable[[ScenarioRun], None] = lambda _: None
) -> tuple[ScenarioRun, ...]:
    """Run and judge every scenario.

    Return the results in the order of the plan. Scenarios that were not started are left out.

    Raises `MockError` if the mock cannot be started or reached. Raises `CommandError` if the client cannot be started.
    Raises `CommandError` if the first scenarios end without a request.
    """
    check_command(plan.description)
    suite = _Suite(plan, progress)
    with ThreadPoolExecutor(max(1, suite.workers)) as pool, ExitStack() as stack:
        try:
            for worker in as_completed(suite.start(pool, stack)):
                worker.result()
        except BaseException:
            plan.stop.set()
            suite.end()
            raise
    return tuple(suite.done[scenario.id] for scenario in plan.scenarios if scenario.id in suite.done)


class _Suite:
    def __init__(self, plan: SuitePlan, progress: Callable[[ScenarioRun], None]) -> None:
        self.done: dict[str, ScenarioRun] = {}
        self._plan = plan
        self._progress = progress
        self._pending = Pending(plan.scenarios)
        # At first, all threads share one mock, with an account for each thread. If a request belongs to no
        # account, any client may have sent it. Each thread then starts its own mock and repeats its scenario.
        self._needs_own_mocks = Event()
        self._count = max(1, min(plan.jobs, len(plan.scenarios)))
        self.workers = self._count + plan.additional_workers

    def end(self) -> None:
        """Start no more scenarios."""
        self._pending.end()

    def start(self, pool: ThreadPoolExecutor, stack: ExitStack) -> list[Future[None]]:
        """Start all threads, and the mock that they share. Closing `stack` stops the mock."""
        if self._plan.mock:
            environment = self._plan.environment or {}
            return [
                pool.submit(self._work_on, lambda: borrow_account(self._plan.mock, environment))
                for _ in range(self._count)
            ]
        shared = stack.enter_context(start_shared_mock(self.workers, *_mock_options(self._plan)))
        return [
            pool.submit(self._work, mock, is_additional=index >= self._count)
            for index, mock in enumerate(shared)
        ]

    def _work(self, shared: Mock, *, is_additional: bool) -> None:
        while not self._needs_own_mocks.is_set():
            scenario = self._pending.take(long=is_additional)
            if scenario is None:
                return
            run = run_scenario(self._plan, shared, scenario)
            if shared.has_unmatched():
                self._needs_own_mocks.set()
                self._pending.put_back(scenario)
            else:
                self._finish(run)
        # Additional threads have no mock of their own and end here.
        if not is_additional:
            with start_mock(*_mock_options(self._plan)) as own:
                self._work_on(lambda: own)

    def _work_on(self, next_mock: Callable[[], Mock]) -> None:
        while (scenario := self._pending.take(long=False)) is not None:
            self._finish(run_scenario(self._plan, next_mock(), scenario))

    def _finish(self, run: ScenarioRun) -> None:
        self.done[run.scenario.id] = run
        _check_requests(list(self.done.values()))
        self._progress(run)
        if self._plan.stop.is_set() or self._plan.fails_fast(run):
            self._pending.end()
        self._pending.finish()


def _mock_options(plan: SuitePlan) -> Iterator[str]:
    if plan.seed is not None:
        yield from ("--seed", str(plan.seed))
    for option, paths in (("--spec", plan.documents), ("--only-spec", plan.only_documents)):
        for path in paths:
            yield from (option, str(path.absolute()))


def run_scenario(plan: SuitePlan, mock: Mock, scenario: Scenario) -> ScenarioRun:
    """Run and judge one scenario.

    A client may send too few queries to get the unusual response of a scenario, such as an error. The scenario is then
    repeated. From then on, the first query gets the unusual response in all scenarios.

    Raises `MockError` if the mock cannot be reached. Raises `CommandError` if the client cannot be started.
    """
    chosen = scenario.at_once if plan.rare_queries.is_set() else scenario
    run = _run_once(plan, mock, chosen)
    if scenario.refuses:
        return _repeat_refusals(plan, mock, run)
    if not run.problem and chosen.comes_too_late(run.count_queries(plan.spec.query.path)):
        plan.rare_queries.set()
        return _run_once(plan, mock, scenario.at_once)
    return run


def _repeat_refusals(plan: SuitePlan, mock: Mock, run: ScenarioRun) -> ScenarioRun:
    for _ in range(2 * SAMPLES):
        came_through = bool(run.trace.entries)
        # Repeat until it is clear whether the client waits between attempts.
        is_late = came_through and not any(run.outcome.attempts)
        is_unclear = is_late or (not came_through and run.outcome.is_suspicious)
        if run.problem or run.outcome.has_flooded or not is_unclear:
            break
        start = run.trace.entries[0].began - run.outcome.began if is_late else _HEAD_START
        again = _run_once(plan, mock, run.scenario, Refusal(run.outcome.delays, closed=CLOSED + start))
        if len(again.outcome.delays) == len(run.outcome.delays):
            break  # the client gave up before the port was opened, so this run shows nothing new
        run = again
    return run


def _run_once(plan: SuitePlan, mock: Mock, scenario: Scenario, refusal: Refusal | None = None) -> ScenarioRun:
    refusal = refusal or Refusal()
    with _folder(plan.keep, scenario.id) as folder:
        place = make_workspace(plan.description, folder)
        ahead = mock.prepare(scenario.orders)
        outcome = _run_against(plan, mock, scenario, place, refusal)
        if plan.stop.is_set():  # the stop may have killed the client, so how it would have ended is unknown
            return ScenarioRun(scenario, Trace(()), outcome, problem=STOPPED)
        journals = read_journal(mock, scenario, saved=outcome.saved is not None)
        if plan.keep is not None:
            archive = {
                "log": {"version": "1.2", "creator": {}, "entries": [*journals.own, *journals.unmatched]}
            }
            (folder / "requests.har").write_text(json.dumps(archive), encoding="utf-8")
        prefix = _prefix(place.callback_url)
        trace = trace_of(journals, ended=outcome.ended, receiver=prefix, ahead=ahead)
        run = judge_run(plan, scenario, outcome, trace)
        notes = {OTHER_KEY: has_other_key(trace), TOO_BUSY: outcome.is_undecided}
        return replace(run, note="; ".join(note for note, holds in notes.items() if holds))


def _run_against(
    plan: SuitePlan, mock: Mock, scenario: Scenario, place: Workspace, refusal: Refusal
) -> Outcome:
    limit = plan.limit_of(scenario)
    if not scenario.refuses:
        return run_command(plan.description, mock, place, limit, plan.stop)
    with refusing(mock.url, refusal.closed) as port:
        environment = {**mock.environment, "EVOLINK_BASE_URL": port.url + urlsplit(mock.url).path}
        refused = replace(mock, environment=environment)
        outcome = run_command(plan.description, refused, place, limit, plan.stop)
        return replace(outcome, attempts=tuple(port.attempts), delays=(*refusal.delays, *port.delays))


def judge_run(plan: SuitePlan, scenario: Scenario, outcome: Outcome, trace: Trace) -> ScenarioRun:
    """Judge a run by its trace and its outcome.

    In a scenario with refused connections, every run is judged. In other scenarios, a run without requests has
    `problem` instead of `verdicts`.
    """
    if not trace.entries and not scenario.refuses:
        problem = f"the client made no request: {_last_line(outcome)}"
        return ScenarioRun(scenario, trace, outcome, problem=problem)
    verdicts = verdicts_of(trace, outcome, scenario, plan.clauses, plan.spec)
    return ScenarioRun(scenario, trace, outcome, verdicts)


def _check_requests(runs: list[ScenarioRun]) -> None:
    runs = [run for run in runs if not run.scenario.refuses]
    silent = not any(run.trace.entries or run.problem == STOPPED for run in runs)
    if silent and len(runs) >= _SILENT_RUNS:
        outcome = runs[0].outcome
        end = f"ended with status {outcome.status}"
        if outcome.end == "killed":
            end = f"was killed after {outcome.ended - outcome.began:.0f} s"
        lines = [line for line in outcome.text.splitlines() if line.strip()]
        shown = "\n".join(f"  {line}" for line in lines[:_OUTPUT_LINES])
        more = f"\n  … and {len(lines) - _OUTPUT_LINES} more lines" if len(lines) > _OUTPUT_LINES else ""
        raise CommandError(
            f"the client makes no request: it {end}"
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
    if keep is None:
        with temporary_folder("evolink-client-") as folder:
            yield folder
    else:
        folder = (keep / name).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
