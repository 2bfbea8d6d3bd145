"""Count and report the requests that a command under `run` sends to the mock."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from evolink_mock.interception.proxy import UNTRUSTED, ProxyConnection
from evolink_mock.server.log_writer import event_line

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange

_MANY = 1000  # maximum number of different requests that are counted separately
_LINES = 40
_CHARACTERS = 160  # maximum number of characters of a line
_UNREADABLE = (
    ": it connected to the mock, but sent no request that the mock can read; it may use another protocol, or require "
    "another certificate or TLS version"
)
_HEAD = "the command asked for"
_HOW_TO_TRUST = (
    "the command reached the mock and ended the TLS handshake, usually because it has its own trust "
    "store. Add the mock's certificate to it (`evolink-mock hosts` names the file)"
)


class _Request(NamedTuple):
    status: int | None = None  # None if no response was sent
    method: str = ""
    path: str = ""  # empty for the remaining requests, if more than 1000 different ones were sent
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        why = f"  ({'; '.join(self.reasons)})" if self.reasons else ""
        return f"{self.status or '---'}  {self.method:<4} {self.path}{why}" if self.path else "others"


_OTHERS = ProxyConnection("", 0, "others")
_Row = TypeVar("_Row", _Request, ProxyConnection)


class TrafficSummary:
    """Counts the requests of a command. `report` must be called after the thread of the mock has ended."""

    def __init__(self) -> None:
        self._requests: Counter[_Request] = Counter()
        self._connections: Counter[ProxyConnection] = Counter()

    def exchange(self, exchange: Exchange) -> None:
        """Count an exchange (a request and its response). Status queries of different tasks are counted together."""
        path = exchange.path.replace(exchange.task_id, "{task}") if exchange.task_id else exchange.path
        request = _Request(exchange.status or None, exchange.method, path, tuple(exchange.notes))
        _count(self._requests, request, _Request())

    def passage(self, passage: ProxyConnection) -> None:
        """Count a connection to the proxy over which no request reached the mock.

        For example, the client asked the proxy for an unrelated host.
        """
        _count(self._connections, passage, _OTHERS)

    def report(self, advice: str = "", *, was_reached: bool = False) -> str:
        """Return the report as text, with a line for each different request.

        The line shows how often the request was sent, its status, path and error. `was_reached` states whether the
        command connected to the mock. If the command did not connect, `advice` is appended. If a client did not trust
        the mock's certificate, the last line says so.
        """
        lines = [_line(times, str(request)) for request, times in self._requests.items()]
        lines += [_line(times, _text_of(connection)) for connection, times in self._connections.items()]
        if not self._requests:
            lines.insert(0, self._nothing(advice, was_reached=was_reached))
        if len(lines) > _LINES:
            lines[_LINES:] = [f"and {len(lines) - _LINES} more"]
        text = f"evolink-mock: {_HEAD}\n" + "".join(f"  {line}\n" for line in lines)
        return text + (f"evolink-mock: {_HOW_TO_TRUST}\n" if self._is_untrusted() else "")

    def to_json(self, advice: str = "", *, was_reached: bool = False) -> str:
        """Return the content of `report` as a JSON object on one line."""
        sent = self._requests.total()
        message = f"the command sent {sent} request{'' if sent == 1 else 's'}"
        if not sent:
            message = f"{_HEAD} {self._nothing(advice, was_reached=was_reached)}"
        return event_line(
            "summary",
            f"{message}. {_HOW_TO_TRUST}" if self._is_untrusted() else message,
            as_json=True,
            requests=_rows(self._requests),
            connections=_rows(self._connections),
        )

    def _nothing(self, advice: str, *, was_reached: bool) -> str:
        if self._connections:
            return "nothing"
        return f"nothing{_UNREADABLE if was_reached else advice}"

    def _is_untrusted(self) -> bool:
        return any(connection.outcome == UNTRUSTED for connection in self._connections)


def _count(counter: Counter[_Row], row: _Row, others: _Row) -> None:
    counter[row if row in counter or len(counter) < _MANY else others] += 1


def _rows(counter: Counter[_Row]) -> list[dict[str, Any]]:
    return [{"count": times, **row._asdict()} for row, times in counter.items()]


def _text_of(connection: ProxyConnection) -> str:
    where = f": {connection.host}:{connection.port}" if connection.host else ""
    return f"{connection.outcome}{where}"


def _line(times: int, what: str) -> str:
    return f"{times:>5} x  {_printable(what)}"


def _printable(text: str) -> str:
    # Control characters could control a terminal or forge a line.
    shown = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= _CHARACTERS else shown[:_CHARACTERS] + "…"
