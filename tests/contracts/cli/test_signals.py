"""A signal handler takes no lock that the interrupted thread may hold, and its message is not lost."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from evolink_check.cli.signals import ending_at_signals, interrupting

if TYPE_CHECKING:
    from typing import TextIO

SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


class Locked:
    """Holds a lock as an interrupted thread does. `enter` fails where it would wait for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def enter(self) -> None:
        assert self._lock.acquire(timeout=5), "the handler waits for the thread that it has interrupted"
        self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class LockedEvent(threading.Event):
    """An event whose lock is held by the thread that is about to wait for it."""

    def __init__(self, locked: Locked) -> None:
        super().__init__()
        self.locked = locked

    def set(self) -> None:
        self.locked.enter()
        super().set()


class LockedStream:
    """A stream that is being written to by the thread that a signal interrupts."""

    def __init__(self, locked: Locked, stream: TextIO) -> None:
        self._locked = locked
        self._stream = stream

    def write(self, text: str) -> int:
        self._locked.enter()
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()


@SIGNALS
def test_a_signal_stops_a_run_that_is_about_to_wait(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = Locked()
    stop = LockedEvent(locked)
    with interrupting(stop, "stopping") as interrupts:
        with locked:
            signal.raise_signal(number)
        assert stop.wait(5)
    assert interrupts.status == 128 + number
    assert capsys.readouterr().err == "\nstopping\n"


@SIGNALS
def test_a_signal_stops_a_run_that_is_writing_to_stderr(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locked, stop = Locked(), threading.Event()
    monkeypatch.setattr("sys.stderr", LockedStream(locked, sys.stderr))
    with interrupting(stop, "stopping"), locked:
        signal.raise_signal(number)
        assert stop.wait(5)
    assert capsys.readouterr().err == "\nstopping\n"


@SIGNALS
def test_a_signal_ends_a_command_that_is_writing_to_stderr(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = Locked()
    monkeypatch.setattr("sys.stderr", LockedStream(locked, sys.stderr))
    with pytest.raises(SystemExit) as ended, ending_at_signals(), locked:
        signal.raise_signal(number)
    assert ended.value.code == 128 + number
    assert capsys.readouterr().err == "\nstopped\n"
