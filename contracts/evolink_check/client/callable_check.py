"""Run a Python callable against generated server behaviours."""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evolink_check.client.harness.behaviours import Behaviour, behaviours, reproduction, requests
from evolink_check.client.harness.journal_trace import trace_of
from evolink_check.client.harness.mock_process import TASK_SECONDS, Mock, borrow_account, start_mock
from evolink_check.client.harness.outcome import Outcome
from evolink_check.client.harness.scenario import Scenario, ScenarioRecipe
from evolink_check.client.harness.virtual_time import TimeLimits, virtual_time
from evolink_check.client.verdicts.remedies import ADVICE
from evolink_check.client.verdicts.verdicts import verdicts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.client.harness.outcome import End
    from evolink_check.traffic.trace import Trace

# The errors that a program raises if it relies on something that responses do not guarantee.
_CRASHES = (
    *(ArithmeticError, AttributeError, LookupError, NameError, RecursionError, TypeError),
    *(UnicodeError, json.JSONDecodeError),
)
_PATIENCE = 900.0
_SHRINKING = 120  # maximum number of runs in the search for a smaller example


@dataclass(frozen=True, slots=True)
class CallableRun:
    """One run of a callable."""

    behaviour: Behaviour
    request: dict[str, Any]
    trace: Trace
    outcome: Outcome
    verdicts: tuple[Verdict, ...]
    serve: str = "evolink-mock serve"  # a shell command that starts a mock with the settings of this run


class ClientFaultError(AssertionError):
    """The callable violates at least one clause. The message shows the violations and how to reproduce them."""

    def __init__(self, run: CallableRun, verdicts: tuple[Verdict, ...]) -> None:
        super().__init__(_explain(run, verdicts))
        self.run = run
        self.verdicts = verdicts


def check(  # noqa: PLR0913  (each is an option of the user's, with a default)
    drive: Callable[[str, str, dict[str, Any]], Any],
    *,
    examples: int = 50,
    seed: int | None = None,
    mock: str = "",
    patience: float = _PATIENCE,
    ignore: Collection[str] = (),
    memory: Path | None = None,
) -> None:
    """Test a client with many server behaviours.

    Raises `ClientFaultError` if the client violates a clause. The error shows the simplest server behaviour with which
    this happens.

    `drive(base_url, token, request)` must create a task and follow the task to its end. `request` is the JSON body of
    the create request. If the task completes, `drive` must download the result or return its link. If the task fails,
    `drive` must raise an exception. `drive` may be asynchronous. Sleeps in `drive` take no real time. `drive` must end
    within `patience` seconds of virtual time.

    `examples` is the number of runs. Each run has a different server behaviour and request. The same `seed` generates
    the same behaviours and requests. Failed examples are saved in the folder `memory`. The next check tries them first.
    `mock` is the URL of a running mock that accepts any key. If `mock` is empty, a mock is started. Violations of the
    clauses in `ignore` do not count.

    Raises ValueError if `ignore` contains an unknown clause. Raises `MockError` if the mock cannot be started or
    reached.
    """
    from evolink_spec import load
    from evolink_spec.clauses import load_clauses

    clauses = tuple(clause for clause in load_clauses() if clause.binds == "client")
    unknown = sorted(set(ignore) - {clause.id for clause in clauses})
    if unknown:
        raise ValueError(f"no clause that binds a client: {', '.join(unknown)}")
    spec = load()
    with _open_mocks(mock) as next_mock:
        runner = _CallableRunner(drive, next_mock, spec, clauses, patience)
        _search(_Property(runner, frozenset(ignore)), spec, examples, seed, memory)


def _search(
    fails: Callable[[tuple[Behaviour, dict[str, Any]]], None],
    spec: Spec,
    examples: int,
    seed: int | None,
    memory: Path | None,
) -> None:
    from hypothesis.strategies import tuples

    from evolink_check.generation.hypothesis_home import without_own_constants
    from evolink_check.generation.property_search import Search, run_property

    with without_own_constants():
        run_property(tuples(behaviours(spec), requests(spec)), fails, Search(examples, seed, memory))


def _import_slow_modules() -> None:
    import httpx2  # noqa: F401
    import hypothesis.strategies  # noqa: F401


@contextmanager
def _open_mocks(url: str) -> Iterator[Callable[[], Mock]]:
    if url:
        # Each run gets a new account. A mock that is started here is reset before each run instead.
        yield lambda: borrow_account(url, {})
        return
    with start_mock(meanwhile=_import_slow_modules) as own:
        yield lambda: own


@dataclass(slots=True)
class _Property:
    runner: _CallableRunner
    ignore: frozenset[str]
    failed: set[str] = field(default_factory=set)
    left: int = _SHRINKING  # how many more runs search for a smaller example; each run can take long

    def __call__(self, example: tuple[Behaviour, dict[str, Any]]) -> None:
        behaviour, request = example
        description = f"{behaviour}{json.dumps(request)}"
        self.left -= bool(self.failed)
        if self.left < 0 and description not in self.failed:
            return
        run = self.runner.run(behaviour, request)
        against = tuple(
            verdict for verdict in run.verdicts if verdict.violations and verdict.clause.id not in self.ignore
        )
        if against:
            self.failed.add(description)
            raise ClientFaultError(run, against)


@dataclass(frozen=True, slots=True)
class _CallableRunner:
    drive: Callable[..., Any]
    next_mock: Callable[[], Mock]
    spec: Spec
    clauses: tuple[Clause, ...]
    patience: float

    def run(self, behaviour: Behaviour, request: dict[str, Any]) -> CallableRun:
        """Run the callable once and judge the run. Raises `MockError` if the mock cannot be started or reached."""
        mock = self.next_mock()
        mock.prepare([ScenarioRecipe(recipe, operation) for operation, recipe in behaviour.orders])
        outcome = self._call(mock, request, mock.freeze())
        trace = trace_of(mock.journal(), ended=outcome.ended, frozen=True)
        if outcome.end == "killed" and outcome.patience is None and trace.complete:
            # The client was busy, but sent no requests. A client that is busy with requests violates another clause.
            outcome = replace(outcome, patience=self.patience, overslept=True)
        endless = behaviour.task.startswith("stuck")
        scenario = Scenario("generated", str(behaviour), expected="either", endless=endless)
        verdicts = verdicts_of(trace, outcome, scenario, self.clauses, self.spec)
        run = CallableRun(behaviour, request, trace, outcome, verdicts)
        return replace(run, serve=f"{run.serve} --duration {TASK_SECONDS:g}s") if mock.alone else run

    def _call(self, mock: Mock, request: dict[str, Any], began: float) -> Outcome:
        now = began

        def advance(seconds: float) -> None:
            nonlocal now
            now = mock.advance(seconds)

        def call() -> Any:
            result = self.drive(mock.url, mock.token, json.loads(json.dumps(request)))
            return asyncio.run(_await(result)) if inspect.isawaitable(result) else result

        limits = TimeLimits(advance, self.patience)
        end, *texts = _run_in_virtual_time(call, limits)
        output, errors = (text.replace(mock.token, "[key]") for text in texts)
        overslept = limits.exceeded == "slept"
        waited = self.patience if overslept else None
        return Outcome(
            "killed" if limits.exceeded else end, began, now, output=output, errors=errors, patience=waited,
            overslept=overslept,
        )  # fmt: skip


def _run_in_virtual_time(call: Callable[[], Any], limits: TimeLimits) -> tuple[End, str, str]:
    try:
        with virtual_time(limits):
            return "success", str(call()), ""
    except _CRASHES as error:
        return "failure", "", "".join(traceback.format_exception(error))
    except SystemExit as error:  # its exit status says whether the client succeeded
        return ("failure", "", str(error.code)) if error.code else ("success", "", "")
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  (clients report a failure by any exception)
        return "failure", "", f"{type(error).__name__}: {error}"
    except BaseException:
        if not limits.exceeded:
            raise
        return "killed", "", ""


async def _await(result: Any) -> Any:
    return await result


def _explain(run: CallableRun, verdicts: tuple[Verdict, ...]) -> str:
    lines = []
    for verdict in verdicts:
        violation = verdict.violations[0]
        lines += [
            f"{verdict.clause.id}: {verdict.clause.rule}",
            f"  expected  {violation.expected}",
            f"  seen      {violation.seen}",
            f"  change    {ADVICE.get(verdict.clause.id, '')}",
        ]
    return "\n".join(
        [
            *lines,
            "the smallest case",
            f"  server    {run.behaviour}",
            f"  request   {json.dumps(run.request)}",
            "to reproduce it, in a shell",
            *(f"  {line}" for line in reproduction(run.behaviour, run.serve).splitlines()),
            "  then run the client with http://127.0.0.1:8080 and the key any-token",
        ]
    )
