"""Request lines that a person can read, written in batches so that they cost an answer next to nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TextIO

from mockserver.clock import local_time, stopwatch

if TYPE_CHECKING:
    from mockserver.exchanges import Exchange

_FLUSH_SECONDS = 0.1
_COLOURS = {
    2: "32",
    3: "36",
    4: "33",
    5: "31",
    0: "35",
}  # green, cyan, yellow, red; nothing answered: magenta


def line(exchange: Exchange, seconds: float, at: str, *, colour: bool) -> str:
    """One line: when, what, how it was answered, whose, how long it took, and why."""
    status = str(exchange.status) if exchange.status else "---"
    if colour:
        status = f"\033[{_COLOURS.get(exchange.status // 100, '0')}m{status}\033[0m"
    whose = f"  account {exchange.account}" if exchange.account else ""
    path = _printable(exchange.path)
    task = f"  {exchange.task_id}" if exchange.task_id and exchange.task_id not in path else ""
    notes = f"  ({'; '.join(map(_printable, exchange.notes))})" if exchange.notes else ""
    return f"{at}  {status}  {exchange.method:<4} {path}{task}{whose}  {seconds * 1000:.1f} ms{notes}\n"


class AccessLog:
    """Collects lines and writes them ten times a second, or when the server stops."""

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._stream = stream
        self._colour = colour
        self._lines: list[str] = []

    def __call__(self, exchange: Exchange) -> None:
        """Note an exchange that has just ended."""
        if not self._lines:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._lines.append(line(exchange, stopwatch() - exchange.began, local_time(), colour=self._colour))

    def flush(self) -> None:
        """Write what has been collected; a closed pipe is no reason to stop serving."""
        lines, self._lines = self._lines, []
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            pass


def _printable(text: str) -> str:
    """A path or reason as given, without what could forge a line or drive a terminal."""
    return text[:300] if text.isprintable() else text[:300].encode("unicode_escape").decode("ascii")
