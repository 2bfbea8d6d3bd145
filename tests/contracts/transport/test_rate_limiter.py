from __future__ import annotations

from itertools import pairwise

from evolink_check.transport.rate_limiter import RateLimiter
from hypothesis import given
from hypothesis import strategies as st


@given(st.floats(0.1, 100), st.lists(st.floats(0, 0.5), min_size=2, max_size=30))
def test_no_two_requests_are_closer_than_the_rate_allows(rate: float, steps: list[float]) -> None:
    limiter, now, sent = RateLimiter(rate), 1000.0, []
    for step in steps:
        now += step
        sent.append(now + limiter.reserve("main", now))
    assert all(after - before >= 1 / rate - 1e-6 for before, after in pairwise(sent))


def test_without_a_rate_nobody_waits() -> None:
    assert [RateLimiter(None).reserve("main", 7.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_time_that_was_not_used_is_gone() -> None:
    limiter = RateLimiter(1.0)
    limiter.reserve("main", 0.0)
    assert [limiter.reserve("main", 100.0), limiter.reserve("main", 100.0)] == [0.0, 1.0]


def test_a_key_that_is_held_waits_and_no_other() -> None:
    limiter = RateLimiter(None)
    limiter.back_off("main", 30.0)
    limiter.back_off("main", 20.0)
    assert [limiter.reserve("main", 10.0), limiter.reserve("other", 10.0), limiter.reserve("main", 31.0)] == [
        20.0,
        0.0,
        0.0,
    ]


def test_a_held_key_does_not_take_the_slots_of_others() -> None:
    limiter = RateLimiter(1.0)
    limiter.back_off("main", 30.0)
    assert [limiter.reserve("main", 0.0), limiter.reserve("other", 0.0)] == [30.0, 1.0]
