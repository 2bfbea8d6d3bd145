"""Count the requests that a command under `run` sends to the mock, and report them when the command ends."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from evolink_mock.interception.proxy import UNTRUSTED

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.interception.proxy import ProxyConnection

_MANY = 1000  # maximum number of different requests that are counted separately
_LINES = 40
_CHARACTERS = 160  # maximum number of characters of a line
_UNREADABLE = (
    ": it connected to the mock, but sent no request that the mock can read; it may use another protocol, or require "
    "another certificate or TLS version"
)
_HOW_TO_TRUST = (
    "evolink-mock: the command reached the mock and ended the TLS handshake, usually because it has its own trust "
    "store. Add the mock's certificate to it (`evolink-mock hosts` names the file)\n"
)


class TrafficSummary:
    """Counts the requests of a command. `report` must be called after the thread of the mock has ended."""

    def __init__(self) -> None:
        self._exchanges: Counter[str] = Counter()
        self._passages: Counter[str] = Counter()

    def exchange(self, exchange: Exchange) -> None:
        """Count an exchange (a request and its response). Status queries of different tasks are counted together."""
        path = exchange.path.replace(exchange.task_id, "{task}") if exchange.task_id else exchange.path
        why = f"  ({'; '.join(exchange.notes)})" if exchange.notes else ""
        _count(self._exchanges, f"{exchange.status or '---'}  {exchange.method:<4} {path}{why}")

    def passage(self, passage: ProxyConnection) -> None:
        """Count a connection that led to no request to the mock, for example because it was to an unrelated host."""
        _count(self._passages, f"{passage.outcome}: {passage.host}:{passage.port}")

    def report(self, advice: str = "", *, was_reached: bool = False) -> str:
        """Return a line for each different request: how often it was sent, its status, and the reason for an error.

        `advice` is appended if the command sent no request and never connected to the mock (`was_reached` is false).
        If a client did not trust the certificate of the mock, a line says so.
        """
        counted = [*self._exchanges.items(), *self._passages.items()]
        lines = [f"{times:>5} x  {_printable(what)}" for what, times in counted]
        if not self._exchanges:
            reason = _UNREADABLE if was_reached else advice
            lines.insert(0, "nothing" if self._passages else f"nothing{reason}")
        if len(lines) > _LINES:
            lines[_LINES:] = [f"and {len(lines) - _LINES} more"]
        text = "evolink-mock: the command asked for\n" + "".join(f"  {line}\n" for line in lines)
        return text + (_HOW_TO_TRUST if any(what.startswith(UNTRUSTED) for what in self._passages) else "")


def _count(counter: Counter[str], what: str) -> None:
    counter[what if what in counter or len(counter) < _MANY else "others"] += 1


def _printable(text: str) -> str:
    """Return the text with control characters escaped, because they could control a terminal or forge a line."""
    shown = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= _CHARACTERS else shown[:_CHARACTERS] + "…"
