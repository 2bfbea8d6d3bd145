"""A callable's sleeps take no time, and whoever is asked to move on is told how far."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest
from evolink_check.client.harness.virtual_time import TimeLimitExceededError, TimeLimits, virtual_time

LONG = 3600.0


def test_a_sleep_takes_no_time_and_moves_the_clocks() -> None:
    moved: list[float] = []
    real = time.perf_counter()
    with virtual_time(TimeLimits(moved.append, 10 * LONG)):
        before = time.time(), time.monotonic(), time.perf_counter()
        time.sleep(LONG)
        after = time.time(), time.monotonic(), time.perf_counter()
    assert moved == [LONG]
    assert all(LONG <= late - early < LONG + 5 for early, late in zip(before, after, strict=True))
    assert time.perf_counter() - real < 5


def test_an_asynchronous_sleep_too() -> None:
    moved: list[float] = []

    async def napping() -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(-1)
        return str(await asyncio.sleep(LONG, "rested"))

    with virtual_time(TimeLimits(moved.append, 10 * LONG)):
        assert asyncio.run(napping()) == "rested"
    assert moved == [LONG]


def test_whoever_sleeps_too_long_is_stopped_even_where_all_errors_are_caught() -> None:
    def stubborn() -> None:
        while True:
            try:
                time.sleep(LONG)
            except Exception:  # noqa: BLE001  (as careless programs do)
                continue

    with (
        virtual_time(TimeLimits(lambda _: None, 3 * LONG)),
        pytest.raises(TimeLimitExceededError, match="after 10800 s"),
    ):
        stubborn()


def test_whoever_never_sleeps_is_stopped_wherever_it_is() -> None:
    def busy() -> None:
        while True:
            sum(range(1000))

    limits = TimeLimits(lambda _: None, LONG, busy=0.1)
    with virtual_time(limits), pytest.raises(TimeLimitExceededError):
        busy()
    assert limits.exceeded == "busy"


def test_it_is_known_that_patience_was_spent_even_where_that_was_caught() -> None:
    limits = TimeLimits(lambda _: None, LONG)
    with virtual_time(limits), suppress(BaseException):
        time.sleep(2 * LONG)
    assert limits.exceeded == "slept"


def test_a_negative_sleep_is_refused_as_the_real_one_refuses_it() -> None:
    with virtual_time(TimeLimits(lambda _: None, LONG)), pytest.raises(ValueError, match="non-negative"):
        time.sleep(-1)


def test_time_is_real_again_afterwards() -> None:
    functions = time.sleep, time.time, time.monotonic, time.perf_counter, asyncio.sleep
    with pytest.raises(KeyError), virtual_time(TimeLimits(lambda _: None, LONG)):
        raise KeyError
    assert (time.sleep, time.time, time.monotonic, time.perf_counter, asyncio.sleep) == functions
