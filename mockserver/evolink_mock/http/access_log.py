"""Request lines that a person can read, written in batches so that they cost an answer next to nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TextIO

from evolink_mock.domain.clock import local_time, stopwatch

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange

_FLUSH_SECONDS = 0.1
_SHOWN = 300  # characters of a path or a note
# Green, cyan, yellow, red; nothing answered: magenta.
_COLOURS = {2: "32", 3: "36", 4: "33", 5: "31", 0: "35"}


def line(exchange: Exchange, ended: float, at: str, *, colour: bool = False) -> str:
    """One line: when, how it was answered, what was asked, about which task, whose, how long it took, and why.

    `ended` is an instant of the stopwatch, `at` the time of day.
    """
    status = f"{exchange.status}" if exchange.status else "---"
    if colour:
        status = f"\033[{_COLOURS.get(exchange.status // 100, '0')}m{status}\033[0m"
    path = exchange.path if exchange.path.isprintable() else _printable(exchange.path)
    task = f"  {exchange.task_id}" if exchange.task_id and exchange.task_id not in path else ""
    whose = f"  account {exchange.account}" if exchange.account else ""
    why = f"  ({'; '.join(map(_printable, exchange.notes))})" if exchange.notes else ""
    milliseconds = (ended - exchange.began) * 1000
    return f"{at}  {status}  {exchange.method} {path[:_SHOWN]}{task}{whose}  {milliseconds:.1f} ms{why}\n"


class AccessLog:
    """Collects exchanges and writes their lines ten times a second, or when the server stops."""

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._stream = stream
        self._colour = colour
        self._ended: list[tuple[Exchange, float]] = []

    def __call__(self, exchange: Exchange) -> None:
        """Note an exchange that has just ended."""
        if not self._ended:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._ended.append((exchange, stopwatch()))

    def flush(self) -> None:
        """Write what has been collected; a closed pipe is no reason to stop serving."""
        ended, self._ended = self._ended, []
        at = local_time()
        lines = "".join([line(one, when, at, colour=self._colour) for one, when in ended])
        try:
            self._stream.write(_encodable(lines, self._stream.encoding))
            self._stream.flush()
        except (OSError, ValueError):  # a pipe or terminal that is gone, a file that is closed
            pass


def _encodable(text: str, encoding: str | None) -> str:
    """What the stream cannot write is escaped: one odd path must not cost the lines of a whole batch."""
    if text.isascii() or encoding is None:
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _printable(text: str) -> str:
    """A path or reason as given, without what could forge a line or drive a terminal."""
    return (text if text.isprintable() else text.encode("unicode_escape").decode("ascii"))[:_SHOWN]
