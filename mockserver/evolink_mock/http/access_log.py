"""The access log: one line of text or one JSON object for each request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.json import encode

from evolink_mock.domain.clock import local_time, wall_time
from evolink_mock.domain.exchange import error_message
from evolink_mock.domain.redaction import redact_for_log, redact_identifier_for_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evolink_mock.domain.exchange import Exchange

_CLOCK_SECONDS = 0.1  # minimum time between two readings of the time of day
_MAX_LENGTH = 300  # maximum number of characters of a path or a note
# ANSI colours by the first digit of the status: green, cyan, yellow, red; magenta if no response was sent.
_COLOURS = {2: "32", 3: "36", 4: "33", 5: "31", 0: "35"}


def format_line(exchange: Exchange, ended: float, at: str, *, colour: bool = False) -> str:
    """Return a log line: time, status, request, task, account, duration and notes.

    `at` is the time of day as text. `ended` is the end of the request in seconds. `ended` and `exchange.began` are
    times of the same monotonic clock.
    """
    status = exchange.status
    account = f"  account {exchange.account}" if exchange.account else ""
    milliseconds = (ended - exchange.began) * 1000
    if status == 200 and not exchange.notes and not colour and exchange.task_id:  # noqa: PLR2004  (most requests)
        task = "" if exchange.task_id in exchange.path else f"  {exchange.task_id}"
        return f"{at}  200  {exchange.method} {exchange.path}{task}{account}  {milliseconds:.1f} ms\n"
    shown = str(status) if status else "---"
    if colour:
        shown = f"\033[{_COLOURS.get(status // 100, '0')}m{shown}\033[0m"
    path, notes = exchange.path, [*exchange.notes]
    if notes or status >= 400 or not status:  # noqa: PLR2004  (otherwise the path is documented)
        path, *notes = redact_for_log((path, *notes), exchange.request_headers)
    if not path.isprintable() or len(path) > _MAX_LENGTH:
        path = _printable(path)
    task = f"  {exchange.task_id}" if exchange.task_id and exchange.task_id not in path else ""
    text = f"  ({'; '.join(map(_printable, notes))})" if notes else ""
    return f"{at}  {shown}  {exchange.method} {path}{task}{account}  {milliseconds:.1f} ms{text}\n"


def format_json(exchange: Exchange, ended: float) -> str:
    """Return the log entry of a request as a JSON object on one line.

    `ended` is in Unix seconds. If no response was sent, `status` is null. `request_id` is the request's header
    `X-Request-Id`, or is missing.
    """
    headers = exchange.request_headers
    path, *reasons = redact_for_log((exchange.path, *_reasons(exchange)), headers)
    request_id = redact_identifier_for_log(_request_id(headers), headers)
    fields = {
        "time": datetime.fromtimestamp(ended, UTC).isoformat(timespec="milliseconds"),
        "level": "info",
        "logger": "evolink_mock.access",
        "event": "request",
        "status": exchange.status or None,
        "method": exchange.method,
        "path": path[:_MAX_LENGTH],
        "account": exchange.account or None,
        "task": exchange.task_id or None,
        "milliseconds": round(exchange.seconds * 1000, 3),
        "reasons": reasons,
    }
    if request_id:
        fields["request_id"] = _printable(request_id)
    return f"{encode(fields).decode()}\n"


def _reasons(exchange: Exchange) -> tuple[str, ...]:
    """Return the notes or, without notes, the error message."""
    if exchange.notes or exchange.status < 400:  # noqa: PLR2004  (not an error)
        return exchange.notes
    return tuple(filter(None, (error_message(exchange.answer_body),)))


def _request_id(headers: Sequence[tuple[bytes, bytes]]) -> str:
    values = (value for name, value in headers if name.lower() == b"x-request-id")
    return next(values, b"").decode("latin-1")


class AccessLog:
    """Writes a log line for each exchange."""

    def __init__(self, write: Callable[[str], None], *, colour: bool, as_json: bool = False) -> None:
        self._write = write
        self._colour = colour
        self._as_json = as_json
        self._time_of_day, self._read_again = "", 0.0

    def __call__(self, exchange: Exchange) -> None:
        """Log a completed exchange."""
        if self._as_json:
            self._write(format_json(exchange, wall_time()))
            return
        now = exchange.began + exchange.seconds
        if now >= self._read_again:
            self._time_of_day, self._read_again = local_time(), now + _CLOCK_SECONDS
        self._write(format_line(exchange, now, self._time_of_day, colour=self._colour))


def _printable(text: str) -> str:
    # Control characters could forge a log line or control a terminal.
    return (text if text.isprintable() else text.encode("unicode_escape").decode("ascii"))[:_MAX_LENGTH]
