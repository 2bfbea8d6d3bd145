"""Attempts to deliver are logged one by one; of many failures, the number."""

from __future__ import annotations

import asyncio
import logging

import pytest
from evolink_mock.callbacks.attempt_log import FAILURES, AttemptLog, receivers
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.domain.retry_schedule import conclude
from evolink_spec.models import CallbackRules
from msgspec.structs import replace
from support.records.callbacks import a_delivery

FAILED = Attempt(0.0, 0.0, None, "the name does not resolve")
TAKEN = Attempt(0.0, 0.0, 200, None)
RULES = CallbackRules("callback_url", 2048, 10.0, (1.0, 2.0, 4.0))


def lines_of(attempts: list[tuple[str, Attempt]], caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of these attempts, each at a receiver."""

    async def play() -> None:
        log = AttemptLog(RULES)
        for origin, attempt in attempts:
            log.add(a_delivery("task-1", f"{origin}/hook"), attempt)
        log.close()

    caplog.set_level(logging.INFO, "evolink_mock.callbacks")
    asyncio.run(play())
    return [record.getMessage() for record in caplog.records]


def test_each_of_a_few_failures_has_its_line(caplog: pytest.LogCaptureFixture) -> None:
    lines = lines_of([("https://a.example", FAILED)] * 3, caplog)
    assert lines == ["callback 0 of task-1 to https://a.example: the name does not resolve"] * 3


def test_of_many_failures_the_number_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    many = [(f"https://{number}.example", FAILED) for number in range(3000)]
    lines = lines_of([*many, ("https://0.example", FAILED)], caplog)
    assert len(lines) == FAILURES + 1
    assert lines[-1].startswith(
        f"{3001 - FAILURES} more attempts to deliver a callback failed: 1 to https://"
    )
    assert lines[-1].endswith(", 2946 more receivers")


def test_each_success_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    lines = lines_of([("https://a.example", TAKEN)] * (FAILURES + 5), caplog)
    assert len(lines) == FAILURES + 5


@pytest.mark.parametrize("real_seconds", [0.0, 0.7, 9.0])
def test_the_pause_is_that_of_the_accounts_clock_however_long_the_attempt_took(
    real_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> None:
        log, delivery = AttemptLog(RULES), a_delivery("task-1", "https://a.example/hook")
        for attempt in [replace(FAILED, seconds=real_seconds)] * 4:
            delivery = conclude(delivery, attempt, RULES, ended_at=0.0)  # the clock is frozen
            log.add(delivery, attempt)
        twice = replace(a_delivery("task-2", "https://a.example/hook"), repeats=True)
        taken = replace(TAKEN, seconds=real_seconds)
        log.add(conclude(twice, taken, RULES, ended_at=0.0), taken)
        log.close()

    caplog.set_level(logging.INFO, "evolink_mock.callbacks")
    asyncio.run(play())
    ends = [record.getMessage().rpartition(", again in ")[2] for record in caplog.records]
    assert ends[:3] == ["1 s", "2 s", "4 s"]
    assert ends[3].endswith("the name does not resolve")
    assert ends[4] == "1 s"


def test_the_receivers_with_the_most_callbacks_are_named() -> None:
    assert receivers(["a", "b", "b"]) == "2 to b, 1 to a"
    assert receivers("abcdefgg") == "2 to g, 1 to a, 1 to b, 1 to c, 1 to d, 2 more receivers"
