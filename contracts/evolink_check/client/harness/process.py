"""Run the command of a client in one scenario: its environment, time limit, output without keys, and end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.client.harness.config import Receiver
from evolink_check.client.harness.outcome import Outcome, SavedFile, is_whole_mp4
from evolink_check.client.harness.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.client.harness.config import Description
    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.harness.outcome import End

_GRACE = 1.0  # seconds between SIGTERM and SIGKILL
_CHECK_INTERVAL = 0.2  # seconds between two checks of whether the suite is to stop
_LARGEST = 64 * 1024 * 1024  # bytes of a result file that is examined
_RUNNING: set[subprocess.Popen[bytes]] = set()


class CommandError(Exception):
    """The command cannot be run; the text says why."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of one run, and the address for its callbacks."""

    folder: Path
    listen: str = ""
    callback_url: str = ""

    @property
    def output(self) -> Path:
        """The path at which the client is to save its result."""
        return self.folder / "result.mp4"


def make_workspace(description: Description, folder: Path) -> Workspace:
    """The workspace of a run; a client that accepts callbacks gets a free port."""
    if not description.is_called_back:
        return Workspace(folder)
    receiver = description.callback or Receiver()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return Workspace(folder, receiver.listen.replace("{port}", port), receiver.url.replace("{port}", port))


def check_command(description: Description) -> None:
    """Raise `CommandError` when there is no command, or its program does not exist or is not executable."""
    if not description.command:
        raise CommandError("there is no command to run")
    program = description.command[0]
    if shutil.which(program, path=description.environment.get("PATH")) is None:
        problem = "is not executable" if Path(program).is_file() else "no such program"
        raise CommandError(f"{program}: {problem}")


def run_command(
    description: Description, mock: Mock, place: Workspace, limit: float, stop: threading.Event | None = None
) -> Outcome:
    """Run the command until it ends, for at most `limit` seconds, or until `stop`.

    Raises `CommandError` when it cannot be started.
    """
    words = command_words(description, place)
    variables = {**mock.environment, **description.environment, **_variables(description, place)}
    began = clock.now()
    process = start_process(words, variables)
    assert process.stdout is not None  # noqa: S101  (both are pipes)
    assert process.stderr is not None  # noqa: S101
    outputs = {"stdout.txt": Output(process.stdout), "stderr.txt": Output(process.stderr)}
    status = _wait_and_kill(process, limit, stop or threading.Event())
    ended = clock.now()
    texts = {name: stream.text(mock.token, _GRACE) for name, stream in outputs.items()}
    for name, text in texts.items():
        (place.folder / name).write_text(text, encoding="utf-8")
    output, errors = texts.values()
    result = _examine(place.output)
    end: End = "killed"
    if status is not None:
        end = description.end(status, f"{output}\n{errors}", saved=result is not None)
    return Outcome(end, began, ended, status, output, errors, result, description.deadline)


def start_process(words: list[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, with an empty stdin. Raises `CommandError`."""
    try:
        process = subprocess.Popen(  # noqa: S603  (the user's own command)
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(f"{words[0]}: {error.strerror}") from error
    _RUNNING.add(process)
    return process


def command_words(description: Description, place: Workspace) -> list[str]:
    """The command with its placeholders filled in."""
    values = _placeholders(description, place)
    return [fill_in(word, values) for word in description.command]


def fill_in(word: str, values: Mapping[str, str]) -> str:
    """A word with all its placeholders filled in, in one pass: a value may itself look like a placeholder."""
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), word)


def _placeholders(description: Description, place: Workspace) -> dict[str, str]:
    return {
        "prompt": description.prompt,
        "image_url": description.image_url,
        "output": str(place.output),
        "callback_url": place.callback_url,
        "callback_listen": place.listen,
    }


def _variables(description: Description, place: Workspace) -> dict[str, str]:
    values = _placeholders(description, place)
    return {f"EVOLINK_{name.upper()}": value for name, value in values.items() if value}


def _wait_and_kill(process: subprocess.Popen[bytes], limit: float, stop: threading.Event) -> int | None:
    """The exit status, or None when the command had to be killed. In either case its child processes are killed."""
    try:
        return _wait(process, limit, stop)
    finally:
        stop_process(process)


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a command and its child processes: politely at first."""
    _send_signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    _send_signal(process, signal.SIGKILL)
    process.wait()
    _RUNNING.discard(process)


def _wait(process: subprocess.Popen[bytes], limit: float, stop: threading.Event) -> int | None:
    until = clock.stopwatch() + limit
    while not stop.is_set() and (left := until - clock.stopwatch()) > 0:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(min(left, _CHECK_INTERVAL))
    return None


def kill_all() -> None:
    """Kill every command that is running, for a process that must end at once."""
    for process in tuple(_RUNNING):
        _send_signal(process, signal.SIGKILL)


def _send_signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # the process group of the command
        os.killpg(process.pid, number)


def _examine(path: Path) -> SavedFile | None:
    """The result file that a client saved; None when there is none."""
    if not path.is_file():
        return None
    size = path.stat().st_size
    return SavedFile(size, size > _LARGEST or is_whole_mp4(path.read_bytes()))
