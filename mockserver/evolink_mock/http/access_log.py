"""The access log: one readable line for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.domain.clock import local_time, stopwatch
from evolink_mock.domain.redaction import redact_for_log

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_mock.domain.exchange import Exchange

_CLOCK_SECONDS = 0.1  # how often the time of day is read
_MAX_LENGTH = 300  # characters of a path or a note
# Green, cyan, yellow, red; magenta for no response.
_COLOURS = {2: "32", 3: "36", 4: "33", 5: "31", 0: "35"}


def format_line(exchange: Exchange, ended: float, at: str, *, colour: bool = False) -> str:
    """Time of day, status, request, task, account, duration and notes.

    `ended` is an instant of the stopwatch, `at` the time of day.
    """
    status = f"{exchange.status}" if exchange.status else "---"
    if colour:
        status = f"\033[{_COLOURS.get(exchange.status // 100, '0')}m{status}\033[0m"
    path, texts = exchange.path, list(exchange.notes)
    if texts or exchange.status >= 400 or not exchange.status:  # noqa: PLR2004  (else the path is a documented one)
        path, *texts = redact_for_log((path, *texts), exchange.request_headers)
    path = path if path.isprintable() else _printable(path)
    task = f"  {exchange.task_id}" if exchange.task_id and exchange.task_id not in path else ""
    account = f"  account {exchange.account}" if exchange.account else ""
    notes = f"  ({'; '.join(map(_printable, texts))})" if texts else ""
    milliseconds = (ended - exchange.began) * 1000
    return f"{at}  {status}  {exchange.method} {path[:_MAX_LENGTH]}{task}{account}  {milliseconds:.1f} ms{notes}\n"


class AccessLog:
    """Writes a line for each exchange."""

    def __init__(self, write: Callable[[str], None], *, colour: bool) -> None:
        self._write = write
        self._colour = colour
        self._time_of_day, self._read_again = "", 0.0

    def __call__(self, exchange: Exchange) -> None:
        """Log a completed exchange."""
        now = stopwatch()
        if now >= self._read_again:
            self._time_of_day, self._read_again = local_time(), now + _CLOCK_SECONDS
        self._write(format_line(exchange, now, self._time_of_day, colour=self._colour))


def _printable(text: str) -> str:
    """The text with control characters escaped, which could forge a line or control a terminal."""
    return (text if text.isprintable() else text.encode("unicode_escape").decode("ascii"))[:_MAX_LENGTH]
