"""Clients led through scenarios, a few at a time: they sleep for most of their lives."""

from __future__ import annotations

import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from evolink_check.client.harness.config import Description
from evolink_check.client.harness.mock_process import borrow_account, start_mock
from evolink_check.client.harness.scenarios import scenarios
from evolink_check.client.plan import SuitePlan
from evolink_check.client.runner import run_scenario
from evolink_mock import MockServer
from evolink_spec.clauses import load_clauses

from support.records.trace_builders import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.verdicts.verdicts import ScenarioRun

HONEST_PROGRAM = Path(__file__).with_name("program.py")
CLAUSES = tuple(clause for clause in load_clauses() if clause.binds == "client")
SCENARIOS = {one.id: one for one in scenarios(SPEC)}
SIDE_BY_SIDE = 10
ASKED = ("--prompt", "{prompt}", "--image-url", "{image_url}", "--output", "{output}", "--interval", "1")
CALLED = ("--callback-url", "{callback_url}", "--listen", "{callback_listen}")


def program(
    scenario: str, more: Iterable[str] = (), path: Path = HONEST_PROGRAM, deadline: float = 12
) -> Description:
    """A Python client; it is called back where a scenario is about that."""
    called = CALLED if SCENARIOS[scenario].calls else ()
    words = (sys.executable, str(path), *ASKED, *called, "--deadline", f"{deadline:g}", *more)
    return Description(words, deadline=deadline)


class Leader:
    """Runs that were begun, by name; each has an account of its own on a mock with this seed."""

    def __init__(self, seed: int | None = None) -> None:
        self._mock = (
            MockServer(duration="1500ms") if seed is None else MockServer(duration="1500ms", seed=seed)
        )
        self._pool, self._lone = ThreadPoolExecutor(SIDE_BY_SIDE), ThreadPoolExecutor(1)
        self._runs: dict[str, Future[ScenarioRun]] = {}
        self._ending = ExitStack()
        self._own: Mock | None = None

    def __enter__(self) -> Self:
        self._ending.enter_context(self._mock)
        return self

    def __exit__(self, *_: object) -> None:
        for pool in (self._pool, self._lone):
            pool.shutdown(cancel_futures=True)
        self._ending.close()

    def begin(
        self, name: str, description: Description, scenario: str, *, limit: float = 30, alone: bool = False
    ) -> None:
        """Begin a run, if none of this name was begun. `alone`: on a mock that nobody else uses meanwhile."""
        if name not in self._runs:
            plan = SuitePlan(description, (), SPEC, CLAUSES, limit=limit)
            pool = self._lone if alone else self._pool
            mock = self._alone if alone else self._account
            self._runs[name] = pool.submit(lambda: run_scenario(plan, mock(), SCENARIOS[scenario]))

    def found(self, name: str) -> dict[str, str]:
        """Every clause that a run does not keep, with the first violation."""
        run = self._runs[name].result()
        assert not run.problem, run.problem
        return {
            one.clause.id: f"{one.violations[0].expected} | {one.violations[0].seen}"
            for one in run.violations
        }

    def _account(self) -> Mock:
        direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        return borrow_account(self._mock.base_url, direct)

    def _alone(self) -> Mock:
        if self._own is None:
            self._own = self._ending.enter_context(start_mock())
        return self._own
