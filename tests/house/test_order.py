"""The order of the tests, which is decided before they are dealt out to workers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support.test_order import LONG, TESTS, put_long_ones_first

FIRST, SECOND, THIRD = list(LONG)[:3]


def test_every_file_that_is_long_is_there() -> None:
    assert [file for file in LONG if not (TESTS / file).is_file()] == []


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_each_worker_begins_with_a_long_file_and_no_test_is_lost(workers: int) -> None:
    files = [*["spec/test_a.py"] * 50, *[FIRST] * 4, *[SECOND] * 9, "spec/test_b.py", *[THIRD] * 2]
    items: list[Any] = [
        SimpleNamespace(path=TESTS / file, number=number) for number, file in enumerate(files)
    ]
    ordered = list(items)
    put_long_ones_first(ordered, workers)
    assert sorted(item.number for item in ordered) == list(range(len(files)))
    size = len(files) // workers
    begins = [ordered[place * size].path for place in range(min(workers, 2))]
    assert begins == [TESTS / FIRST, TESTS / SECOND][: min(workers, 2)]


def test_outside_of_the_tests_nothing_is_long() -> None:
    items: list[Any] = [SimpleNamespace(path=TESTS.parent / "elsewhere.py")]
    put_long_ones_first(items, 2)
    assert len(items) == 1
