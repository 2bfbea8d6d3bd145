"""Handle Ctrl-C. The first Ctrl-C stops a run. The second Ctrl-C ends the process at once.

A stopped run reports the results so far. SIGTERM and SIGHUP have the same effect as Ctrl-C.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evolink_check.files import remove_temporary_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    _Handler = Callable[[int, FrameType | None], None]

_SIGNALLED = 128  # as in a shell, the exit status is 128 plus the number of the signal
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """A signal handler. The first Ctrl-C, SIGTERM or SIGHUP stops the run; the second ends the process."""

    def __init__(self, stop: threading.Event, message: str, clean_up: Callable[[], None]) -> None:
        self._stop = stop
        self._message = message
        self._clean_up = clean_up
        self._is_stopping = threading.Lock()  # held until `stop` is set and `message` is printed
        self.status = 0  # the exit status that the first signal requires

    def handle(self, number: int, _: FrameType | None) -> None:
        """Stop the run and print a message at the first signal.

        At the second signal, end the process at once.
        """
        if self.status:
            self._clean_up()
            remove_temporary_folders()
            os._exit(_SIGNALLED + number)
        self.status = _SIGNALLED + number
        self._is_stopping.acquire()
        # Not in this thread, because the signal may have interrupted it while it held the lock of `stop` or of stderr.
        # threading.Thread would also take a lock that this thread may hold.
        _thread.start_new_thread(self._stop_run, ())

    def _stop_run(self) -> None:
        try:
            self._stop.set()
            sys.stderr.write(f"\n{self._message}\n")
            sys.stderr.flush()
        finally:
            self._is_stopping.release()

    def await_message(self) -> None:
        """Wait until the message about the first signal is printed.

        The wait lasts at most a second.
        """
        # stderr may be blocked.
        if self._is_stopping.acquire(timeout=1):
            self._is_stopping.release()


@contextmanager
def interrupting(
    stop: threading.Event, message: str, clean_up: Callable[[], None] = lambda: None
) -> Iterator[Interrupts]:
    """In the `with` block, the first signal sets `stop` and prints `message`.

    The second signal calls `clean_up` and ends the process. The main thread must enter the block. If another thread
    enters the block, signals are handled as before.
    """
    interrupts = Interrupts(stop, message, clean_up)
    # Python delivers signals to the main thread.
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    handlers: dict[signal.Signals, _Handler] = dict.fromkeys(_SIGNALS, interrupts.handle)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # Under nohup, SIGHUP must have no effect here. An empty handler is used, because child processes do not inherit
        # handlers.
        handlers[signal.SIGHUP] = lambda *_: None
    with _handling(handlers):
        try:
            yield interrupts
        finally:
            interrupts.await_message()


@contextmanager
def ending_at_signals() -> Iterator[None]:
    """In the `with` block, SIGINT, SIGTERM or SIGHUP raises SystemExit. The exit status is 128 plus the signal number.

    Signals ignored before the block remain ignored, such as SIGHUP under `nohup`. During a run, the first signal stops
    the run (see `interrupting`).
    """
    numbers = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    with _handling(dict.fromkeys(numbers, _end)):
        try:
            yield
        except _SignalExit:
            # Not in the handler, because the signal may have interrupted this thread while it wrote to stderr.
            sys.stderr.write("\nstopped\n")
            sys.stderr.flush()
            raise


class _SignalExit(SystemExit):
    """Ends the process after a signal."""


def _end(number: int, _: FrameType | None) -> None:
    raise _SignalExit(_SIGNALLED + number)


@contextmanager
def _handling(handlers: Mapping[signal.Signals, _Handler]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
