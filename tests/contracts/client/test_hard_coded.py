"""Programs that know the API's own address only are judged as they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

CLIENTS = ROOT / "examples" / "clients"
CHECK = Path(sys.executable).with_name("evolink-check")
ASKED = ["--prompt", "{prompt}", "--image-url", "{image_url}", "--output", "{output}", "--interval", "1"]
NODE = shutil.which("node") or "node"
# Without the variable that names the mock, they ask https://api.evolink.ai.
BLIND = ["env", "-u", "EVOLINK_BASE_URL"]


@pytest.mark.parametrize(
    "program",
    [[sys.executable, str(CLIENTS / "httpx_sync.py")], [NODE, str(CLIENTS / "fetch.mjs")]],
    ids=["python", "node"],
)
def test_a_program_with_the_apis_own_address_is_judged_unchanged(program: list[str], tmp_path: Path) -> None:
    command = [*BLIND, *program, *ASKED]
    chosen = ["--scenario", "happy", "--scenario", "create-402", "--scenario", "fail-service-error"]
    done = subprocess.run(
        [str(CHECK), "client", *chosen, "--json", "report.json", "--keep", "passed", "--", *command],
        capture_output=True, text=True, cwd=tmp_path, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    requests = [path.read_text(encoding="utf-8") for path in (tmp_path / "passed").rglob("*.har")]
    assert len(requests) == 3
    assert all("https://api.evolink.ai/v1/videos/generations" in one for one in requests)
    runs = json.loads(text)["scenarios"]
    assert len(runs) == 3
    for run in runs:
        assert run["violations"] == [], done.stdout
        assert "passed" in run["clauses"].values()


def test_a_program_with_the_apis_own_address_reaches_a_running_mock_of_run(tmp_path: Path) -> None:
    asked = '"{prompt}" --image-url "{image_url}" --output "{output}" --interval 1'
    client = f"{sys.executable} {CLIENTS / 'httpx_sync.py'} --prompt {asked}"
    check = f"{CHECK} client --scenario create-402 --json report.json --mock $EVOLINK_BASE_URL"
    done = subprocess.run(
        [str(CHECK.with_name("evolink-mock")), "run", "--", "sh", "-c", f"{check} -- env -u EVOLINK_BASE_URL {client}"],
        capture_output=True, text=True, cwd=tmp_path, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [run["requests"] for run in report["scenarios"]] == [1]
    assert "hard-coded" not in done.stdout
