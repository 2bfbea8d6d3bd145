"""A callback is attempted at the end of its task, and at most three times more."""

from __future__ import annotations

from evolink_mock.domain.deliveries import Attempt, Delivery, succeeded, with_attempt
from evolink_mock.domain.retry_schedule import next_due
from evolink_spec.models import CallbackRules
from hypothesis import given
from hypothesis import strategies as st
from support.records.callbacks import a_delivery

RULES = CallbackRules("callback_url", 2048, 10.0, (1.0, 2.0, 4.0))
OWED = a_delivery("task-unified-1757169743-7cvnl5zw", "https://hooks.example/done?secret=s")
STATUSES = st.none() | st.integers(100, 599)


def attempt(status: int | None, at: float = 0.0) -> Attempt:
    return Attempt(at, 0.5, status, None if status else "connection refused")


def tried(*statuses: int | None) -> Delivery:
    return Delivery(OWED.task_id, OWED.target, tuple(attempt(status) for status in statuses))


def test_the_first_attempt_is_due_at_the_end_of_the_task() -> None:
    assert next_due(OWED, RULES, 1000.0) == 1000.0


def test_retries_fall_one_two_and_four_seconds_after_the_end_of_a_failure() -> None:
    assert next_due(tried(500), RULES, 1000.0) == 1001.0
    assert next_due(tried(500, None), RULES, 1000.0) == 1002.0
    assert next_due(tried(500, None, 302), RULES, 1000.0) == 1004.0


def test_after_three_retries_it_is_given_up() -> None:
    assert next_due(tried(500, 500, 500, 500), RULES, 1000.0) is None


@given(st.lists(STATUSES, max_size=3))
def test_nothing_is_due_after_a_success(failures: list[int | None]) -> None:
    assert next_due(tried(*failures, 204), RULES, 1000.0) is None


@given(st.lists(STATUSES, min_size=9, max_size=9), st.floats(0, 2e9))
def test_there_are_at_most_four_attempts_whatever_the_answers(
    answers: list[int | None], start: float
) -> None:
    delivery, due = OWED, next_due(OWED, RULES, start)
    for status in answers:
        if due is None:
            break
        delivery = with_attempt(delivery, attempt(status, due))
        due = next_due(delivery, RULES, due)
    assert due is None
    assert len(delivery.attempts) <= 4
    assert succeeded(delivery.attempts[-1]) or len(delivery.attempts) == 4
