"""Both commands, as a user starts them: the check finds nothing against the mock, and costs what it was granted."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from support.mocks.mock_process import BIN, free_port, served
from support.real_time import NEEDS_A_QUIET_MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEY, OTHER = "key-of-the-first-0123456789", "key-of-the-other-0123456789"
KEYS = {"EVOLINK_API_KEY": KEY, "EVOLINK_OTHER_API_KEY": OTHER}
MODEL = "grok-imagine-image-to-video-beta"
TERMS: dict[str, dict[str, Any]] = {
    "poor": {"credits": 0},
    "barred": {"denied_models": [MODEL]},
    "hasty": {"rate": "1/day"},
}
KNOWN = """
[target]
url = "{url}"
scale = 4
[[keys]]
label = "poor"
token_env = "POOR"
credits = false
access = true
[[keys]]
label = "barred"
token_env = "BARRED"
access = false
[[keys]]
label = "hasty"
token_env = "HASTY"
limited = true
[[failing]]
code = "content_policy_violation"
fields = {{prompt = "[[fail=content_policy_violation@40]] A dance"}}
[callbacks]
url = "http://127.0.0.1:{port}"
listen = "127.0.0.1:{port}"
[clock]
advance_url = "{url}/__mock__/clock/advance"
[effort]
max_credits = 150
"""
# What stays out of sight even where everything is known.
UNSEEN = {
    "callback.cancelled": "there is no documented call that cancels",
    "callback.no-internal": "the receiver on loopback is called by permission",
    "callback.no-internal-at-delivery": "it takes a name that changes its address in between",
    "create.error-500": "nothing provokes it",
    "failure.cancelled": "there is no documented call that cancels",
    "failure.policy-kind": "the kind stands in free text",
    "query.error-402": "nothing provokes it",
    "query.error-500": "nothing provokes it",
    "rate.recovers": "the hasty key waits a day",
}
# Where time is scaled, a machine that is busy with other tests may be too slow to be sure of these.
TIMED = {
    *("callback.2xx-success", "callback.any-failure", "callback.at-most-three", "callback.no-redirects"),
    *("callback.only-when-asked", "callback.retries", "callback.timeout"),
}


@pytest.fixture
def url() -> Iterator[str]:
    """A mock that knows two keys."""
    with served("--duration", "500ms", "--token", KEY, "--token", OTHER) as found:
        yield found


def check(
    url: str, folder: Path, *more: str, keys: Mapping[str, str] = KEYS
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    command = [str(BIN / "evolink-check"), "api", url, "--json", "report.json", "--har", "run.har", *more]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **KEYS, **keys},
        check=False,
        timeout=150,
    )
    return done, json.loads((folder / "report.json").read_text(encoding="utf-8"))


def tasks(url: str) -> int:
    """How many tasks the accounts have."""
    asked = [
        httpx2.get(f"{url}/__mock__/tasks", headers={"Authorization": f"Bearer {key}"})
        for key in KEYS.values()
    ]
    return sum(len(one.json()["tasks"]) for one in asked)


def test_without_a_budget_nothing_is_broken_and_nothing_is_made(url: str, tmp_path: Path) -> None:
    done, report = check(url, tmp_path)
    assert (done.returncode, tasks(url)) == (0, 0), done.stdout
    assert "0 failed" in done.stdout
    statuses = [one["status"] for one in report["verdicts"]]
    assert statuses.count("passed") > 30
    assert "not observed" in statuses
    left = sorted(one.name for one in tmp_path.iterdir())
    assert left == ["report.json", "run.har"]
    assert KEY not in (tmp_path / "run.har").read_text(encoding="utf-8") + done.stdout + done.stderr


def test_with_a_budget_of_twenty_no_more_than_twenty_is_spent(url: str, tmp_path: Path) -> None:
    done, _ = check(url, tmp_path, "--max-credits", "20", "--seed", "3")
    assert done.returncode == 0, done.stdout
    assert 1 <= tasks(url) <= 4
    assert "of 20 credits spent" in done.stdout


@NEEDS_A_QUIET_MACHINE
def test_with_all_that_can_be_known_every_clause_that_shows_is_kept(tmp_path: Path) -> None:
    port = free_port()
    keys = {label.upper(): f"key-of-the-{label}-0123456789" for label in TERMS}
    tokens = [part for key in (*KEYS.values(), *keys.values()) for part in ("--token", key)]
    calls = ("--allow-callbacks-to", f"127.0.0.1:{port}")
    with served("--duration", "4s", "--clock-scale", "4", *tokens, *calls) as url:
        for label, terms in TERMS.items():
            headers = {"Authorization": f"Bearer {keys[label.upper()]}"}
            httpx2.patch(f"{url}/__mock__/account", headers=headers, json=terms).raise_for_status()
        (tmp_path / "known.toml").write_text(KNOWN.format(url=url, port=port))
        done, report = check(url, tmp_path, "--config", "known.toml", keys=keys)
    words = {one["clause"]: one["status"] for one in report["verdicts"]}
    assert "failed" not in words.values(), done.stdout
    assert {clause for clause, word in words.items() if word != "passed"} - TIMED == UNSEEN.keys()
    assert (done.returncode, report["notes"]) == (0, [])
