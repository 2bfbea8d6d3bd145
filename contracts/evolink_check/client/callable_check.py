"""Any Python callable, led through everything that a server may do, until the least that breaks it is found."""

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
from evolink_check.client.harness.scenarios import RecipeAssignment, Scenario
from evolink_check.client.harness.virtual_time import Patience, virtual_time
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

# What a program raises when it read an answer as if it could not be otherwise.
_CRASHES = (
    *(ArithmeticError, AttributeError, LookupError, NameError, RecursionError, TypeError),
    *(UnicodeError, json.JSONDecodeError),
)
_PATIENCE = 900.0
_SHRINKING = 120  # runs


@dataclass(frozen=True, slots=True)
class CallableRun:
    """One run of a callable: what it met, what it sent, how it ended. `serve` starts a mock like the one it met."""

    behaviour: Behaviour
    request: dict[str, Any]
    trace: Trace
    outcome: Outcome
    verdicts: tuple[Verdict, ...]
    serve: str = "evolink-mock serve"


class ClientFaultError(AssertionError):
    """The callable broke at least one clause; the text says which, on what evidence, and how to see it again."""

    def __init__(self, run: CallableRun, verdicts: tuple[Verdict, ...]) -> None:
        super().__init__(_told(run, verdicts))
        self.run = run
        self.verdicts = verdicts


def check(  # noqa: PLR0913  (every one is a choice of the user's, and has a default)
    drive: Callable[[str, str, dict[str, Any]], Any],
    *,
    examples: int = 50,
    seed: int | None = None,
    mock: str = "",
    patience: float = _PATIENCE,
    ignore: Collection[str] = (),
    memory: Path | None = None,
) -> None:
    """Raise `ClientFaultError` with the smallest server behaviour that makes a client break a clause.

    `drive(base_url, token, request)` creates a task with the JSON body `request` and follows it to its end. It
    returns when it succeeded (a link in what it returns counts as handed to its user) and raises when it failed, in
    words of its own; it may be asynchronous. Its sleeps take no time. It must end by itself within `patience` seconds
    of its own time. `examples` are tried; `seed` repeats them; with a directory for `memory` what failed is tried
    first the next time. `mock` is the URL of one in a process of its own that takes any key; else one is started.
    `ignore` are ids of clauses, must and advice alike, that are not to be counted. Raises `MockError` when there is no
    mock.
    """
    from evolink_spec import load
    from evolink_spec.clauses import load_clauses
    from hypothesis.strategies import tuples

    from evolink_check.generation.property_search import Search, run_property

    clauses = [one for one in load_clauses() if one.binds == "client"]
    known = {one.id for one in clauses}
    unknown = sorted(set(ignore) - known)
    if unknown:
        raise ValueError(f"no clause that binds a client: {', '.join(unknown)}")
    spec = load()
    with _server(mock) as server:
        search = Search(examples, seed, memory)
        run_property(
            tuples(behaviours(spec), requests(spec)),
            _client_property(drive, server, spec, clauses, frozenset(ignore), patience),
            search,
        )


@dataclass(slots=True)
class _Memo:
    """Looks for something smaller for so many runs, then takes what there is: a run costs what a client costs."""

    failed: set[str] = field(default_factory=set)
    left: int = _SHRINKING

    def knows(self, told: str) -> bool:
        """Whether the search is over, and this is none of the failures that were found."""
        self.left -= bool(self.failed)
        return self.left < 0 and told not in self.failed


@contextmanager
def _server(url: str) -> Iterator[Callable[[], Mock]]:
    """Gives an account for each run: the one of a mock of our own, or a new one on a mock that runs."""
    if url:
        yield lambda: borrow_account(url, {})
        return
    with start_mock() as own:
        yield lambda: own


def _client_property(  # noqa: PLR0913, PLR0917  (put together once, above)
    drive: Callable[..., Any],
    server: Callable[[], Mock],
    spec: Spec,
    clauses: list[Clause],
    ignore: frozenset[str],
    patience: float,
) -> Callable[[tuple[Behaviour, dict[str, Any]]], None]:
    memo = _Memo()

    def behaves(example: tuple[Behaviour, dict[str, Any]]) -> None:
        behaviour, request = example
        description = f"{behaviour}{json.dumps(request)}"
        if memo.knows(description):
            return
        run = driven(drive, server(), behaviour, request, spec, clauses, patience)
        against = tuple(
            verdict for verdict in run.verdicts if verdict.violations and verdict.clause.id not in ignore
        )
        if against:
            memo.failed.add(description)
            raise ClientFaultError(run, against)

    return behaves


def driven(  # noqa: PLR0913, PLR0917  (a run is made of these)
    drive: Callable[..., Any],
    mock: Mock,
    behaviour: Behaviour,
    request: dict[str, Any],
    spec: Spec,
    clauses: list[Clause],
    patience: float = _PATIENCE,
) -> CallableRun:
    """One run of a callable on an account of its own, on virtual time, judged."""
    mock.prepare([RecipeAssignment(recipe, operation) for operation, recipe in behaviour.orders])
    began = mock.freeze()
    outcome = _driven(drive, mock, request, patience, began)
    journal, strays = mock.journal()
    trace = trace_of(journal, strays, ended=outcome.ended, frozen=True)
    if outcome.end == "killed" and outcome.patience is None and trace.complete:
        outcome = replace(
            outcome, patience=patience
        )  # busy, and not with asking: which is told as another clause
    scenario = Scenario(
        "drawn", str(behaviour), expected="either", endless=behaviour.task.startswith("stuck")
    )
    verdicts = verdicts_of(trace, outcome, scenario, clauses, spec)
    run = CallableRun(behaviour, request, trace, outcome, verdicts)
    return replace(run, serve=f"{run.serve} --duration {TASK_SECONDS:g}s") if mock.alone else run


def _driven(
    drive: Callable[..., Any], mock: Mock, request: dict[str, Any], patience: float, began: float
) -> Outcome:
    now = began

    def advance(seconds: float) -> None:
        nonlocal now
        now = mock.advance(seconds)

    def call() -> Any:
        result = drive(mock.url, mock.token, json.loads(json.dumps(request)))
        return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result

    left = Patience(advance, patience)
    end, *texts = _ended(call, left)
    output, errors = (text.replace(mock.token, "[key]") for text in texts)
    # Who was busy with asking is told so as another clause, which `driven` knows.
    waited = patience if left.spent == "slept" else None
    return Outcome("killed" if left.spent else end, began, now, output=output, errors=errors, patience=waited)


def _ended(call: Callable[[], Any], patience: Patience) -> tuple[End, str, str]:
    """How a call ended on virtual time: what it gave, or what it said of its failure."""
    try:
        with virtual_time(patience):
            return "success", str(call()), ""
    except _CRASHES as error:
        return "failure", "", "".join(traceback.format_exception(error))
    except SystemExit as error:  # a program's way to end, well or not
        return ("failure", "", str(error.code)) if error.code else ("success", "", "")
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  (however a client says that it failed)
        return "failure", "", f"{type(error).__name__}: {error}"
    except BaseException:
        if not patience.spent:
            raise
        return "killed", "", ""


async def _awaited(result: Any) -> Any:
    return await result


def _told(run: CallableRun, verdicts: tuple[Verdict, ...]) -> str:
    lines = []
    for verdict in verdicts:
        violation = verdict.violations[0]
        lines += [
            f"{verdict.clause.id}: {verdict.clause.rule}",
            f"  expected  {violation.expected}",
            f"  seen      {violation.seen}",
            f"  change    {ADVICE.get(verdict.clause.id, '')}",
        ]
    lines += [
        "the least that provokes it",
        f"  server    {run.behaviour}",
        f"  request   {json.dumps(run.request)}",
    ]
    lines += [
        "to see it again, in a shell",
        *(f"  {line}" for line in reproduction(run.behaviour, run.serve).splitlines()),
    ]
    lines += ["  and the client with http://127.0.0.1:8080 and the key any-token"]
    return "\n".join(lines)
