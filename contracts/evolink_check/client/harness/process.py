"""Runs the command of a client under one scenario: its environment, its time, its output without keys, its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.client.harness.config import Receiver
from evolink_check.client.harness.outcome import Outcome, Saved, whole_mp4
from evolink_check.client.harness.output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evolink_check.client.harness.config import Description
    from evolink_check.client.harness.mock_process import Mock

_GRACE = 1.0  # seconds to end in, once it is told to
_LOOK = 0.2  # seconds between two looks whether all is to stop
_LARGEST = 64 * 1024 * 1024  # bytes of a file that is looked into


_RUNNING: set[subprocess.Popen[bytes]] = set()


class CommandError(Exception):
    """The command cannot be run; the text says why."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a run is given: a folder of its own, and an address for its callbacks."""

    folder: Path
    listen: str = ""
    callback_url: str = ""

    @property
    def output(self) -> Path:
        """Where the result is to be saved."""
        return self.folder / "result.mp4"


def workspace(description: Description, folder: Path) -> Workspace:
    """A place for a run; for a client that is called back, with a port that is free."""
    if not description.is_called_back:
        return Workspace(folder)
    receiver = description.callback or Receiver()
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = str(found.getsockname()[1])
    return Workspace(folder, receiver.listen.replace("{port}", port), receiver.url.replace("{port}", port))


def run(
    description: Description, mock: Mock, place: Workspace, limit: float, stop: threading.Event | None = None
) -> Outcome:
    """Run the command to its end, for `limit` seconds, or until `stop`.

    Raises `CommandError` when there is no such command.
    """
    words = words_of(description, place)
    variables = {**mock.environment, **description.environment, **_variables(description, place)}
    began = clock.now()
    process = _begun(words, variables)
    assert process.stdout is not None  # noqa: S101  (both are pipes)
    assert process.stderr is not None  # noqa: S101
    outputs = {"stdout.txt": Output(process.stdout), "stderr.txt": Output(process.stderr)}
    status = _wait(process, limit, stop or threading.Event())
    ended = clock.now()
    texts = {name: one.text(mock.token, _GRACE) for name, one in outputs.items()}
    for name, text in texts.items():
        (place.folder / name).write_text(text, encoding="utf-8")
    said, complained = texts.values()
    saved = _saved(place.output)
    end = (
        "killed"
        if status is None
        else description.end(status, f"{said}\n{complained}", saved=saved is not None)
    )
    return Outcome(end, began, ended, status, said, complained, saved, description.deadline)


def _begun(words: list[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The command in a group of its own, with nothing to read."""
    try:
        process = subprocess.Popen(  # noqa: S603  (what the user asked to have run)
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


def words_of(description: Description, place: Workspace) -> list[str]:
    """The command, its placeholders filled in. Raises `CommandError` when there is none."""
    if not description.command:
        raise CommandError("there is no command to run")
    given = _given(description, place)
    return [_filled(word, given) for word in description.command]


def _filled(word: str, given: Mapping[str, str]) -> str:
    """All at once: what is filled in may look like a placeholder itself."""
    return re.sub(r"\{(\w+)\}", lambda found: given.get(found[1], found[0]), word)


def _given(description: Description, place: Workspace) -> dict[str, str]:
    return {
        "prompt": description.prompt,
        "image_url": description.image_url,
        "output": str(place.output),
        "callback_url": place.callback_url,
        "callback_listen": place.listen,
    }


def _variables(description: Description, place: Workspace) -> dict[str, str]:
    return {f"EVOLINK_{name.upper()}": value for name, value in _given(description, place).items() if value}


def _wait(process: subprocess.Popen[bytes], limit: float, stop: threading.Event) -> int | None:
    """The exit status; None when it had to be killed, and with it whatever it has started."""
    try:
        return _ended(process, limit, stop)
    finally:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        _signal(process, signal.SIGKILL)
        process.wait()
        _RUNNING.discard(process)


def _ended(process: subprocess.Popen[bytes], limit: float, stop: threading.Event) -> int | None:
    until = clock.stopwatch() + limit
    while not stop.is_set() and (left := until - clock.stopwatch()) > 0:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(min(left, _LOOK))
    return None


def kill_all() -> None:
    """Kill every command that runs: for whoever has no time left to end them one by one."""
    for process in tuple(_RUNNING):
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # the group that the command leads
        os.killpg(process.pid, number)


def _saved(path: Path) -> Saved | None:
    if not path.is_file():
        return None
    size = path.stat().st_size
    return Saved(size, size > _LARGEST or whole_mp4(path.read_bytes()))
