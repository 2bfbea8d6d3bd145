"""A command is run to its end and no further: its time, its output, what it started, and signals in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from evolink_check.cli.signals import interrupting
from evolink_check.client.harness.config import Description
from evolink_check.client.harness.mock_process import Mock
from evolink_check.client.harness.process import kill_all, make_workspace, run_command
from evolink_check.command_output import KEPT
from evolink_check.traffic.known_keys import KEY
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_check.client.harness.outcome import Outcome

TOKEN = "client-0123456789abcdef"
MOCK = Mock("http://127.0.0.1:9", TOKEN, dict(os.environ))
PATIENT = 60.0
# Ends for nobody, and neither does what it starts. Both tell who they are.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "a") as file:
    print(os.getpid(), file=file)
if len(sys.argv) == 3:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]])
time.sleep(999)
"""


def ran(code: str, folder: Path, *words: str, limit: float = PATIENT, **more: threading.Event) -> Outcome:
    client = Description((sys.executable, "-c", code, *words))
    return run_command(client, MOCK, make_workspace(client, folder), limit, **more)


def is_there(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENT
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def when(true: Callable[[], object], do: Callable[[], None]) -> threading.Thread:
    """Does this once that is so; meanwhile the test runs something."""

    def wait() -> None:
        until(true, "it was not started")
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def pids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def test_of_much_output_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    found = ran("print('begins'); print('x' * 50_000_000); print('ends')", tmp_path)
    assert (found.end, found.status) == ("success", 0)
    assert found.output.startswith("begins\n")
    assert found.output.endswith("x\nends\n")
    assert len(found.output) < 2 * KEPT + 100
    assert (tmp_path / "stdout.txt").stat().st_size < 2 * KEPT + 100


@pytest.mark.parametrize("size", [KEPT - 5, KEPT, 2 * KEPT - 5])
def test_no_part_of_a_key_is_left_at_a_cut(tmp_path: Path, size: int) -> None:
    key = f"'x' * {size} + '{TOKEN}' + 'y' * {KEPT - 10}"
    for code in (f"print({key} * 2)", f"print({key} + 'z' * 9)"):
        text = ran(code, tmp_path).output
        assert "[...]" in text
        assert not any(TOKEN[:place] + "\n[...]" in text for place in range(4, len(TOKEN)))
        assert not any("[...]\n" + TOKEN[place:] in text for place in range(1, len(TOKEN) - 4))
        assert TOKEN not in text


def test_the_key_is_taken_out_of_what_is_kept(tmp_path: Path) -> None:
    found = ran(f"import sys; print('{TOKEN}'); print('{TOKEN}', file=sys.stderr)", tmp_path)
    assert (found.output, found.errors) == (f"{KEY}\n", f"{KEY}\n")


def test_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert ran("import sys; print(repr(sys.stdin.read()))", tmp_path).output == "''\n"


def test_who_leaves_its_output_to_another_is_not_waited_for(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.Popen(sys.argv[1:], start_new_session=True); print('done')"
    file = tmp_path / "pids"
    found = ran(code, tmp_path, sys.executable, "-c", STUBBORN, str(file))
    assert (found.end, found.output) == ("success", "done\n")
    until(lambda: pids(file), "it was not started")
    os.kill(pids(file)[0], signal.SIGKILL)


def test_what_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    file, stop = tmp_path / "pids", threading.Event()
    ending = when(lambda: len(pids(file)) == 2, stop.set)
    found = ran(STUBBORN, tmp_path, str(file), STUBBORN, stop=stop)
    ending.join()
    assert (found.end, found.status) == ("killed", None)
    until(lambda: not any(map(is_there, pids(file))), "something was left behind")


def test_all_that_run_can_be_killed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    ending = when(lambda: pids(file), kill_all)
    assert ran(STUBBORN, tmp_path, str(file)).status == -signal.SIGKILL
    ending.join()


def test_a_command_starts_with_default_signals_where_our_parent_ignores_them(tmp_path: Path) -> None:
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    before = {name: signal.signal(getattr(signal, name), signal.SIG_IGN) for name in names}
    shown = "; ".join(f"print(signal.getsignal(signal.{name}) is signal.SIG_IGN)" for name in names)
    try:
        with interrupting(threading.Event(), "stopping"):
            outcome = ran(f"import signal; {shown}", tmp_path)
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
    assert outcome.output.split() == ["False"] * 3


@pytest.mark.parametrize(
    ("number", "times"),
    [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2), (signal.SIGTERM, 2), (signal.SIGHUP, 1)],
)
def test_a_signal_ends_a_suite_and_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals, times: int
) -> None:
    file, temporary = tmp_path / "pids", tmp_path / "temporary"
    temporary.mkdir()
    words = ["client", "--scenario", "happy", "--jobs", "1", "--", sys.executable, "-c", STUBBORN, str(file)]
    command = [sys.executable, "-m", "evolink_check", *words]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as suite:
        assert suite.stderr is not None
        until(lambda: pids(file), "it was not started")
        assert any(temporary.glob("evolink-client-*"))
        suite.send_signal(number)
        assert "stopping" in "".join(suite.stderr.readline() for _ in range(3))
        if times > 1:
            suite.send_signal(number)
        output, _ = suite.communicate(timeout=PATIENT)
    assert suite.returncode == 128 + number
    assert ("the run was interrupted" in output) == (times == 1)
    until(lambda: not any(map(is_there, pids(file))), "the client was left behind")
    until(lambda: not any(temporary.iterdir()), "temporary folders were left behind")
