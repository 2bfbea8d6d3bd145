"""Workers and the whole mock are killed under load, and nothing that was confirmed is lost: a short run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs the processes of Linux")
def test_nothing_is_lost_or_doubled_when_processes_are_killed() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "crash.py", "4"],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
