"""Both commands, as a user starts them: the check finds nothing against the mock, and costs what it was granted."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from serving import BIN, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY, OTHER = "key-of-the-first-0123456789", "key-of-the-other-0123456789"
KEYS = {"EVOLINK_API_KEY": KEY, "EVOLINK_OTHER_API_KEY": OTHER}


@pytest.fixture
def url() -> Iterator[str]:
    """A mock that knows two keys."""
    with served("--duration", "500ms", "--token", KEY, "--token", OTHER) as found:
        yield found


def check(url: str, folder: Path, *more: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    command = [str(BIN / "evolink-check"), "api", url, "--json", "report.json", "--har", "run.har", *more]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **KEYS},
        check=False,
        timeout=150,
    )
    return done, json.loads((folder / "report.json").read_text(encoding="utf-8"))


def tasks(url: str) -> int:
    """How many tasks the accounts have."""
    asked = [
        httpx.get(f"{url}/__mock__/tasks", headers={"Authorization": f"Bearer {key}"})
        for key in KEYS.values()
    ]
    return sum(len(one.json()["tasks"]) for one in asked)


def test_without_a_budget_nothing_is_broken_and_nothing_is_made(url: str, tmp_path: Path) -> None:
    done, report = check(url, tmp_path)
    assert (done.returncode, tasks(url)) == (0, 0), done.stdout
    assert "0 broken" in done.stdout
    words = [one["word"] for one in report["verdicts"]]
    assert words.count("kept") > 30
    assert "not observed" in words
    left = sorted(one.name for one in tmp_path.iterdir())
    assert left == ["report.json", "run.har"]
    assert KEY not in (tmp_path / "run.har").read_text(encoding="utf-8") + done.stdout + done.stderr


def test_with_a_budget_of_twenty_no_more_than_twenty_is_spent(url: str, tmp_path: Path) -> None:
    done, _ = check(url, tmp_path, "--max-credits", "20", "--seed", "3")
    assert done.returncode == 0, done.stdout
    assert 1 <= tasks(url) <= 4
    assert "of 20 credits spent" in done.stdout
