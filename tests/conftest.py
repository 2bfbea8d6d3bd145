"""Fixtures: the mock in process, on a clock that the test moves."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

pytest.register_assert_rewrite("driver")

from driver import playing  # noqa: E402  (its assertions are rewritten first)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driver import Mock


@pytest.fixture
def start() -> Iterator[Callable[..., Mock]]:
    """Start a mock with these settings; it ends with the test."""
    with ExitStack() as stack:
        yield lambda **choices: stack.enter_context(playing(**choices))


@pytest.fixture
def mock(start: Callable[..., Mock]) -> Mock:
    return start()


@pytest.fixture(scope="module")
def lasting() -> Iterator[Mock]:
    """One mock for all examples of a property."""
    with playing(credits=10**12) as mock:
        yield mock
