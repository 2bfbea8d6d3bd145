"""Run the command of a client in one scenario, and collect its output."""

from __future__ import annotations

import os
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
from evolink_check.client.harness.command import (
    fill_in,
    needs_current_folder,
    with_absolute_paths,
    with_absolute_search_paths,
)
from evolink_check.client.harness.config import Receiver
from evolink_check.client.harness.leaks import printed_secrets, secrets_of, written_secrets
from evolink_check.client.harness.outcome import Outcome, SavedFile, is_media, is_whole_mp4
from evolink_check.client.harness.time_limit import TimeLimit
from evolink_check.command_output import Output
from evolink_check.errors import CannotRunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_check.client.harness.config import Description
    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.client.harness.outcome import End

_GRACE = 1.0  # seconds between SIGTERM and SIGKILL
_CHECK_INTERVAL = 0.2  # seconds between two checks of whether the suite is to stop
_LARGEST = 64 * 1024 * 1024  # maximum size in bytes of a result file that is examined
_OURS = ("stdout.txt", "stderr.txt", "requests.har")  # our own files in the folder of a run
_RUNNING: set[subprocess.Popen[bytes]] = set()


class CommandError(CannotRunError):
    """The command cannot be run. The message says why."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of one run, and the callback addresses of the client."""

    folder: Path
    listen: str = ""  # where the client listens for callbacks; empty if the client accepts no callbacks
    callback_url: str = ""  # empty if the client accepts no callbacks

    @property
    def output(self) -> Path:
        """The path at which the client must save its result."""
        return self.folder / "result.mp4"

    @property
    def work(self) -> Path:
        """The default working directory of the client."""
        return self.folder / "files"

    def wrote_files(self) -> bool:
        """Whether the client wrote any file to the folder of the run."""
        ours = {self.work.name, *_OURS}
        return any(self.work.iterdir()) or any(path.name not in ours for path in self.folder.iterdir())


def make_workspace(description: Description, folder: Path) -> Workspace:
    """Prepare the folder of a run. A client that accepts callbacks also gets a free port."""
    place = Workspace(folder)
    shutil.rmtree(place.work, ignore_errors=True)  # the files of an earlier run
    if place.output.is_file():
        place.output.unlink()
    place.work.mkdir()
    if not description.is_called_back:
        return place
    receiver = description.callback or Receiver()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return Workspace(folder, receiver.listen.replace("{port}", port), receiver.url.replace("{port}", port))


def check_command(description: Description) -> None:
    """Raise `CommandError` if the command cannot be started.

    Such a command is empty, or its program is missing or not executable.
    """
    if not description.command:
        raise CommandError("there is no command to run")
    program = description.command[0]
    if shutil.which(program, path=description.environment.get("PATH")) is None:
        problem = "is not executable" if Path(program).is_file() else "no such program"
        raise CommandError(f"{program}: {problem}")


def run_command(
    description: Description, mock: Mock, place: Workspace, limit: float, stop: threading.Event | None = None
) -> Outcome:
    """Run the command until it ends, `limit` seconds have passed, or `stop` is set.

    If the client's description has a deadline, `limit` is extended on a busy machine. Raises `CommandError` if the
    command cannot be started.
    """
    values = placeholders(description, place, mock)
    variables = {**mock.environment, **_variables(values), **filled_in_environment(description, values)}
    began = clock.now()
    variables = with_absolute_search_paths(variables, Path.cwd())
    folder = working_folder(description, place)
    process = start_process(command_words(description, values), variables, folder)
    assert process.stdout is not None  # noqa: S101  (both are pipes)
    assert process.stderr is not None  # noqa: S101
    outputs = {"stdout.txt": Output(process.stdout), "stderr.txt": Output(process.stderr)}
    # On a busy machine, other programs delay the client.
    time_limit = TimeLimit(limit, is_fixed=description.deadline is None)
    status = _wait_and_kill(process, time_limit, stop or threading.Event())
    ended = clock.now()
    texts = {name: stream.text(mock.token, _GRACE) for name, stream in outputs.items()}
    result, secrets = _examine(place.output), secrets_of(place.callback_url)
    leaks = (*printed_secrets(texts, secrets), *written_secrets(place.folder, mock.token, secrets))
    for name, text in texts.items():
        (place.folder / name).write_text(text, encoding="utf-8")
    output, errors = texts.values()
    end: End = "killed"
    if status is not None:
        end = description.end(status, f"{output}\n{errors}", saved=result is not None)
    return Outcome(
        end, began, ended, status, output, errors, result, description.deadline,
        wrote=folder != place.work or place.wrote_files(),
        asked_to_save=any("{output}" in word for word in description.command), leaks=leaks,
        delay=time_limit.delay,
    )  # fmt: skip


def working_folder(description: Description, place: Workspace) -> Path | None:
    """Return the working directory of the client.

    Returns None if the command needs the current folder.
    """
    if description.cwd:
        return Path(description.cwd)
    return None if needs_current_folder(description.command) else place.work


def start_process(
    words: list[str], variables: Mapping[str, str], folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a command in a new process group, with an empty stdin.

    Raises `CommandError` if the command cannot be started.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  (the user's own command)
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(f"{words[0]}: {error.strerror}") from error
    _RUNNING.add(process)
    return process


def command_words(description: Description, values: Mapping[str, str]) -> list[str]:
    """Return the command with values in place of its placeholders.

    Relative paths become absolute. If the command needs the current folder, relative paths are kept.
    """
    command: Sequence[str] = description.command
    if description.cwd or not needs_current_folder(command):
        command = with_absolute_paths(command, Path.cwd())
    return [fill_in(word, values) for word in command]


def placeholders(description: Description, place: Workspace, mock: Mock) -> dict[str, str]:
    """Return the value of each placeholder by name."""
    return {
        "prompt": description.prompt,
        "image_url": description.image_url,
        "output": str(place.output),
        "callback_url": place.callback_url,
        "callback_listen": place.listen,
        "key": mock.token,
        "base_url": mock.environment.get("EVOLINK_BASE_URL", mock.url),
    }


def _variables(values: Mapping[str, str]) -> dict[str, str]:
    named = {f"EVOLINK_{name.upper()}": value for name, value in values.items() if value}
    return {name: value for name, value in named.items() if name not in {"EVOLINK_KEY", "EVOLINK_BASE_URL"}}


def filled_in_environment(description: Description, values: Mapping[str, str]) -> dict[str, str]:
    """Return the additional environment variables of a client, with values in place of placeholders."""
    return {name: fill_in(value, values) for name, value in description.environment.items()}


def _wait_and_kill(process: subprocess.Popen[bytes], limit: TimeLimit, stop: threading.Event) -> int | None:
    try:
        return _wait(process, limit, stop)
    finally:
        stop_process(process)


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a command and its child processes with SIGTERM, and then with SIGKILL."""
    _send_signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    _send_signal(process, signal.SIGKILL)
    process.wait()
    _RUNNING.discard(process)


def _wait(process: subprocess.Popen[bytes], limit: TimeLimit, stop: threading.Event) -> int | None:
    began = now = clock.stopwatch()
    while not stop.is_set() and (left := limit.left(now - began)) > 0:
        interval = min(left, _CHECK_INTERVAL)
        with suppress(subprocess.TimeoutExpired):
            return process.wait(interval)
        before, now = now, clock.stopwatch()
        limit.record(interval, now - before)
    return None


def kill_all() -> None:
    """Kill every running command. A signal handler calls this before the process ends."""
    for process in tuple(_RUNNING):
        _send_signal(process, signal.SIGKILL)


def _send_signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # the process group of the command
        os.killpg(process.pid, number)


def _examine(path: Path) -> SavedFile | None:
    if not path.is_file():
        return None
    size = path.stat().st_size
    if size > _LARGEST:
        return SavedFile(size, whole=True)
    content = path.read_bytes()
    return SavedFile(size, is_whole_mp4(content), is_media(content))
