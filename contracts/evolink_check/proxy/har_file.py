"""Write a HAR file that is complete after each exchange."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from importlib.metadata import version
from queue import SimpleQueue
from typing import TYPE_CHECKING

from evolink_check.traffic.har.archive import har_entry, har_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evolink_check.traffic.har.schema import LogFacts
    from evolink_check.traffic.trace import Entry

_SEPARATOR = b",\n"


class HarFile:
    """Appends exchanges to a HAR file in a separate thread.

    The first exchange creates the file. After each exchange, the file is a complete JSON document. Therefore the file
    stays readable if the process is killed. `facts` returns the metadata of the file. If writing fails, `on_error`
    receives the error. After a failed write, nothing more is written. The exchanges that are already in the file stay
    readable.
    """

    def __init__(self, path: Path, facts: Callable[[], LogFacts], on_error: Callable[[str], None]) -> None:
        self._path = path
        self._facts = facts
        self._on_error = on_error
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._start = self._offset = 0  # the offsets of the first entry and of the next entry
        self._end = b""
        self.problem = ""
        self._thread = threading.Thread(target=self._run, name="har-file", daemon=True)
        self._thread.start()

    def append(self, entry: Entry) -> None:
        """Queue an exchange for writing."""
        self._queue.put(entry)

    def close(self) -> None:
        """Wait until all queued exchanges are written, and close the file."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        descriptor = -1
        try:
            while (entry := self._queue.get()) is not None:
                if self.problem:
                    continue  # the queue is emptied, so that it does not grow
                try:
                    if descriptor < 0:
                        descriptor = self._begin()
                    self._write(descriptor, entry)
                except OSError as error:
                    self.problem = f"{self._path}: cannot be written: {error.strerror or error}"
                    self._on_error(self.problem)
            if descriptor >= 0 and not self.problem:
                self._finish(descriptor)
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _begin(self) -> int:
        # The end of the JSON document contains the metadata. Each exchange overwrites this end and appends it again.
        start, self._end = har_log(self._facts(), version("evolink-mock"))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        _write_at(descriptor, start + self._end, 0)
        self._start = self._offset = len(start)
        return descriptor

    def _finish(self, descriptor: int) -> None:
        _, end = har_log(self._facts(), version("evolink-mock"))
        # An error, such as a full disk, does no harm: `_write` has already written metadata.
        with suppress(OSError):
            _write_at(descriptor, end, self._offset)
            os.ftruncate(descriptor, self._offset + len(end))

    def _write(self, descriptor: int, entry: Entry) -> None:
        text = json.dumps(har_entry(entry), ensure_ascii=False).encode("utf-8", "surrogatepass")
        separator = _SEPARATOR if self._offset > self._start else b""
        try:
            _write_at(descriptor, separator + text + self._end, self._offset)
        except OSError:
            # Restoring the previous end needs no space, because these bytes were already in the file.
            _write_at(descriptor, self._end, self._offset)
            os.ftruncate(descriptor, self._offset + len(self._end))
            raise
        self._offset += len(separator) + len(text)


def _write_at(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
