"""Worker processes that share listening sockets, and their parent process."""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_READY = b"r"
_HANGUP = {signal.SIGHUP} if hasattr(signal, "SIGHUP") else set()
_SIGNALS = {signal.SIGINT, signal.SIGTERM, *_HANGUP}
_LOOK_SECONDS = 0.1  # between two checks whether a worker died before it served


class ParentPipes(NamedTuple):
    """The file descriptors of a worker's pipes to its parent process.

    A read from `alive` blocks until the parent has died. A worker writes to `ready` as soon as it accepts requests.
    """

    alive: int  # the end for reading
    ready: int  # the end for writing


class Workers:
    """Starts `count` workers, and replaces dead workers, until Ctrl-C, SIGTERM or SIGHUP.

    `work(pipes)` runs in each worker process. When all workers accept requests, an additional child process calls
    `on_ready`. When a worker has died, the parent process calls `on_death(pid, reason)`.

    If `work` or `on_ready` raises an error, the child process calls `on_failure(error)` and ends. The parent process
    must have no threads and no event loop.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[ParentPipes], None],
        on_ready: Callable[[], None],
        on_death: Callable[[int, str], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._count = count
        self._work = work
        self._on_ready = on_ready
        self._on_death = on_death
        self._on_failure = on_failure
        self._alive, self._alive_writer = os.pipe()
        self._ready_reader, self._ready = os.pipe()
        self._pids: set[int] = set()
        self._announcers: set[int] = set()
        self._is_stopping = False
        # Under nohup, SIGHUP is ignored, and stays so.
        self._signals = {number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN}

    def run(self) -> None:
        """Run until a signal arrives and all workers have ended."""
        for number in self._signals:
            signal.signal(number, self._stop)
        for _ in range(self._count):
            self._start()
        if self._await_ready():
            self._fork(self._announcers, self._on_ready)
        while self._pids:
            self._replace(*os.waitpid(-1, 0))
        for pid in self._announcers:  # its output is not read
            os.kill(pid, signal.SIGKILL)

    def _replace(self, pid: int, status: int) -> None:
        self._announcers.discard(pid)
        if pid in self._pids:  # a worker
            self._pids.discard(pid)
            if not self._is_stopping:
                self._on_death(pid, _reason(status))
                self._start()

    def _start(self) -> None:
        if not self._is_stopping:
            self._fork(self._pids, lambda: self._work(ParentPipes(self._alive, self._ready)))

    def _fork(self, pids: set[int], work: Callable[[], None]) -> None:
        # Block signals until the parent knows the child, and until the child has replaced the parent's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid:
            pids.add(pid)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            return
        try:
            for number in self._signals:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(self._alive_writer)
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001  (this process must never return into the parent's code)
            code = 1
            self._on_failure(error)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _await_ready(self) -> bool:
        count = 0
        while count < self._count and not self._is_stopping:
            if select.select([self._ready_reader], [], [], _LOOK_SECONDS)[0]:
                count += len(os.read(self._ready_reader, self._count - count))
            elif (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._replace(*ended)
        return not self._is_stopping  # a signal stops the workers

    def _stop(self, _: int, __: FrameType | None) -> None:
        self._is_stopping = True
        for pid in self._pids:
            with suppress(ProcessLookupError):  # its end is known to the system, but not yet to `run`
                os.kill(pid, signal.SIGTERM)


def report_ready(pipes: ParentPipes) -> None:
    """Tell the parent process that this worker accepts requests."""
    os.write(pipes.ready, _READY)


def _reason(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"ended with status {os.waitstatus_to_exitcode(status)}"
