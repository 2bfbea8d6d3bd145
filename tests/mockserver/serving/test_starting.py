"""Workers that are stopped, or die, before all of them serve."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = """
import os, signal, sys
from pathlib import Path
from evolink_mock.serving.workers import Workers, report_ready

def never_ready(pipes):
    os.write(1, b"started" + os.linesep.encode())  # in one piece: both workers write to one pipe
    signal.pause()

def fails_at_its_first_start(pipes):
    if not Path(sys.argv[2]).exists():
        Path(sys.argv[2]).touch()
        raise OSError("no more files")
    report_ready(pipes)
    signal.pause()

def ready_at_the_second_start(pipes):
    marker = Path(sys.argv[2])
    if not marker.exists():
        marker.touch()
        os._exit(3)
    report_ready(pipes)
    signal.pause()

Workers(
    int(sys.argv[3]),
    globals()[sys.argv[1]],
    lambda: print("ready", flush=True),
    lambda pid, reason: print(reason, flush=True),
    lambda error: print(repr(error), flush=True),
).run()
print("ended")
"""


@contextmanager
def workers(work: str, marker: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", PROGRAM, work, str(marker), str(count)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        yield process
        deadline.cancel()
        process.kill()


def test_a_signal_before_all_workers_serve_ends_them(tmp_path: Path) -> None:
    with workers("never_ready", tmp_path / "marker", 2) as process:
        assert process.stdout
        assert [process.stdout.readline(), process.stdout.readline()] == ["started\n", "started\n"]
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate()
    assert (out, process.returncode) == ("ended\n", 0)


def test_a_worker_that_dies_before_it_serves_is_replaced(tmp_path: Path) -> None:
    with workers("ready_at_the_second_start", tmp_path / "marker", 1) as process:
        assert process.stdout
        assert [process.stdout.readline(), process.stdout.readline()] == ["ended with status 3\n", "ready\n"]
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate()
    assert (out, process.returncode) == ("ended\n", 0)


def test_a_worker_that_fails_reports_its_error_and_is_replaced(tmp_path: Path) -> None:
    with workers("fails_at_its_first_start", tmp_path / "marker", 1) as process:
        assert process.stdout
        shown = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert shown == ["OSError('no more files')\n", "ended with status 1\n", "ready\n"]
