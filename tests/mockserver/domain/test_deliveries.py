"""Which attempts succeed, and which parts of a callback URL a log may show."""

from __future__ import annotations

import pytest
from evolink_mock.domain.deliveries import Attempt, Delivery, succeeded, with_attempt
from hypothesis import given
from hypothesis import strategies as st
from support.records.callbacks import a_delivery

OWED = a_delivery("task-unified-1757169743-7cvnl5zw", "https://hooks.example/done?secret=s")
STATUSES = st.none() | st.integers(100, 599)


def attempt(status: int | None, at: float = 0.0) -> Attempt:
    return Attempt(at, 0.5, status, None if status else "connection refused")


def tried(*statuses: int | None) -> Delivery:
    return Delivery(OWED.task_id, OWED.target, tuple(attempt(status) for status in statuses))


@given(STATUSES)
def test_only_a_2xx_is_a_success(status: int | None) -> None:
    assert succeeded(attempt(status)) is (status in range(200, 300))


def test_an_attempt_is_added_at_the_end() -> None:
    assert with_attempt(tried(500), attempt(204)) == tried(500, 204)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://hooks.example/done?secret=s", "https://hooks.example"),
        ("https://HOOKS.example.?secret=s", "https://hooks.example"),
        ("https://hooks.example/a/b#secret", "https://hooks.example"),
        ("https://hooks.example:8443/T0KEN/secret", "https://hooks.example:8443"),
        ("http://[::1]:9000/x", "http://[::1]:9000"),
    ],
)
def test_a_log_shows_neither_the_path_nor_the_query_of_a_callback_url(url: str, origin: str) -> None:
    assert a_delivery("task", url).target.origin() == origin
