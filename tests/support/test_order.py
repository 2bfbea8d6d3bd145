"""The order of the tests: the longest ones first, so that no worker waits for another one's at the end."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

TESTS = Path(__file__).parents[1]
# Seconds that a file takes by itself, where that is more than ten.
LONG = {
    "contracts/rules/test_faulty_servers.py": 150,
    "end_to_end/test_check.py": 60,
    "contracts/client/test_faulty_clients.py": 45,
    "examples/test_clients.py": 40,
    "contracts/client/test_callable_check.py": 40,
    "contracts/engine/test_runner.py": 30,
    "contracts/engine/test_paid_phases.py": 25,
    "contracts/client/test_good_clients.py": 25,
    "mockserver/testing/test_pytest_plugin.py": 20,
    "docs/test_shell_blocks.py": 20,
    "contracts/client/harness/test_process.py": 20,
    "end_to_end/test_unchanged_clients.py": 15,
    "contracts/client/test_hard_coded.py": 15,
    "contracts/engine/test_hostile_servers.py": 15,
    "contracts/cli/test_process.py": 15,
    "mockserver/media/test_cache.py": 15,
    "contracts/client/test_runner.py": 15,
    "contracts/traffic/test_linear_time.py": 15,
    "house/test_wheel.py": 10,
}


def put_long_ones_first(items: list[pytest.Item], workers: int) -> None:
    """Sort in place, for the way in which pytest-xdist deals out the tests: a part of the list to each worker.

    The files in `LONG` stay whole, since their tests share servers. Each part begins with some of them.
    """
    by_file: dict[str, list[pytest.Item]] = {}
    others: list[pytest.Item] = []
    for item in items:
        file = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else ""
        (by_file.setdefault(file, []) if file in LONG else others).append(item)
    rest, left = iter(others), len(items)
    ordered: list[pytest.Item] = []
    for place, files in enumerate(_shares(by_file, workers)):
        part = [item for file in files for item in by_file[file]]
        size = left // (workers - place)
        part += islice(rest, max(0, size - len(part)))
        ordered += part
        left -= len(part)
    items[:] = [*ordered, *rest]


def _shares(files: Iterable[str], workers: int) -> list[list[str]]:
    """The files of each worker, so that all take about as long; the longest first."""
    shares: list[list[str]] = [[] for _ in range(workers)]
    for file in sorted(files, key=lambda file: (-LONG[file], file)):
        min(shares, key=lambda share: sum(LONG[file] for file in share)).append(file)
    return shares
