"""Write log lines in a thread. A slow reader of the log does not block the server."""

from __future__ import annotations

import logging
import os
import select
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, TextIO

from msgspec.json import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

_BATCH_SECONDS = 0.1  # between two writes to the stream
_CLOSE_SECONDS = 1.0  # maximum time for writing the remaining lines when the server stops
_ATOMIC_BYTES = select.PIPE_BUF if hasattr(select, "PIPE_BUF") else 512
_QUEUE_LINES = 10_000


class LogWriter:
    """A stream with a method `write` that never blocks. A thread writes to the stream `stream`.

    Up to `limit` lines are queued. Further lines are dropped, and the log later says how many. The end of the `with`
    block waits up to a second for the queued lines.
    """

    def __init__(self, stream: TextIO, limit: int = _QUEUE_LINES, *, as_json: bool = False) -> None:
        self._stream = stream
        self._limit = limit
        self._as_json = as_json
        self._lines: list[str] = []
        self._dropped = 0
        self._has_lines, self._is_closing = threading.Event(), threading.Event()
        # A daemon thread, because a write may block for ever.
        self._thread = threading.Thread(target=self._run, name="evolink-mock log", daemon=True)

    def write(self, line: str) -> None:
        """Queue `line`. The caller must end `line` with a newline. Any thread may call this method."""
        if len(self._lines) >= self._limit:
            self._dropped += 1
            return
        self._lines.append(line)
        if not self._has_lines.is_set():
            self._has_lines.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing.set()
        self._has_lines.set()
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._is_closing.is_set() or self._lines:
            self._has_lines.wait()
            self._is_closing.wait(_BATCH_SECONDS)
            self._has_lines.clear()
            self._write_batch()

    def _write_batch(self) -> None:
        lines = self._lines[:]
        del self._lines[: len(lines)]  # other threads may have appended lines meanwhile
        if self._dropped:
            message = f"{self._dropped} log lines were dropped because they were not read in time"
            lines.append(event_line("dropped", message, as_json=self._as_json, level="warning"))
            self._dropped = 0
        with suppress(OSError, ValueError):  # the pipe, terminal or file has been closed
            _write(self._stream, "".join(lines))


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    data = text.encode(encoding, "backslashreplace")  # the stream's encoding may not have all characters
    handle = _file_descriptor(stream)
    if handle is None:
        stream.write(data.decode(encoding))
        stream.flush()
        return
    is_pipe = stat.S_ISFIFO(os.fstat(handle).st_mode)  # only there do whole lines need several writes
    start = 0
    while start < len(data):
        end = _end_of_lines(data, start) if is_pipe else len(data)
        try:
            start += os.write(handle, data[start:end])
        except BlockingIOError:  # another process has made the terminal or pipe non-blocking
            select.select([], [handle], [])


def write_if_ready(stream: TextIO, line: str) -> None:
    """Write a line immediately. If the stream would block, drop the line."""
    # Unlike `LogWriter`, this function starts no thread. A process that starts others by `fork` must have no threads.
    with suppress(OSError, ValueError):  # the pipe, terminal or file is full or has been closed
        handle = _file_descriptor(stream)
        if handle is not None and select.select([], [handle], [], 0)[1]:
            os.write(handle, line.encode())


def _end_of_lines(data: bytes, start: int) -> int:
    # Other processes can write to the same pipe. Their output cannot come between the bytes of one call if the call
    # writes at most `_ATOMIC_BYTES`. A longer line cannot be kept whole.
    if len(data) - start <= _ATOMIC_BYTES:
        return len(data)
    return data.rfind(b"\n", start, start + _ATOMIC_BYTES) + 1 or len(data)


def _file_descriptor(stream: TextIO) -> int | None:
    # Writing to the descriptor avoids the buffer of the stream. While a write blocks, the lock of this buffer would
    # prevent Python from exiting.
    if os.name != "posix":  # on Windows, writing to the descriptor of a console is not possible
        return None
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def event_line(event: str, message: str, *, as_json: bool, level: str = "info", **fields: Any) -> str:
    """Return a log line about an event of the server.

    The line is the message, or a JSON object with the message and `fields`.
    """
    if not as_json:
        return f"{message}\n"
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    common = {"time": time, "level": level, "logger": "evolink_mock", "event": event, "message": message}
    return f"{encode(common | fields).decode()}\n"


class JsonFormatter(logging.Formatter):
    """Formats a log record as JSON with `time`, `level`, `logger` and `message`.

    If the record has an exception, the JSON also has `traceback`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, without a newline."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return encode(fields).decode()


class _Handler(logging.Handler):
    def __init__(self, writer: LogWriter, *, as_json: bool) -> None:
        super().__init__()
        self._writer = writer
        text = logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S")
        self.setFormatter(JsonFormatter() if as_json else text)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001  (a record that cannot be formatted must not raise an error)
            self.handleError(record)


@contextmanager
def logging_to_stderr(*, quiet: bool, as_json: bool = False) -> Iterator[LogWriter]:
    """Write the log of the mock to stderr during the `with` block.

    Warnings of libraries are also written. If `quiet` is true, messages below the level WARNING are dropped.
    """
    logger = logging.getLogger("evolink_mock")
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    with LogWriter(sys.stderr, as_json=as_json) as writer:
        handler = _Handler(writer, as_json=as_json)
        logging.root.addHandler(handler)
        try:
            yield writer
        finally:
            logging.root.removeHandler(handler)
