"""What a command asked a mock for, counted, and told to a person when it is over."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.interception.proxy import Passage

_MANY = 1000  # different requests that are kept apart
_LINES = 40
_CHARACTERS = 160  # of a line


class TrafficSummary:
    """Hears in the mock's thread, and reports when that is over."""

    def __init__(self) -> None:
        self._exchanges: Counter[str] = Counter()
        self._passages: Counter[str] = Counter()

    def exchange(self, exchange: Exchange) -> None:
        """Count an exchange that is over. Polls of different tasks are the same request."""
        path = exchange.path.replace(exchange.task_id, "{task}") if exchange.task_id else exchange.path
        why = f"  ({'; '.join(exchange.notes)})" if exchange.notes else ""
        _count(self._exchanges, f"{exchange.status or '---'}  {exchange.method:<4} {path}{why}")

    def passage(self, passage: Passage) -> None:
        """Count what the proxy did for a host that is not its own."""
        _count(self._passages, f"{passage.outcome}: {passage.host}:{passage.port}")

    def report(self, advice: str = "") -> str:
        """Lines: how often, with which status, what; and why it was refused, or what is hardly meant.

        `advice` is given when nothing was asked for, by way of the proxy either.
        """
        counted = [*self._exchanges.items(), *self._passages.items()]
        lines = [f"{times:>5} x  {_printable(what)}" for what, times in counted]
        if not self._exchanges:
            lines.insert(0, "nothing" if self._passages else f"nothing{advice}")
        if len(lines) > _LINES:
            lines[_LINES:] = [f"and {len(lines) - _LINES} more"]
        return "evolink-mock: the command asked for\n" + "".join(f"  {line}\n" for line in lines)


def _count(counter: Counter[str], what: str) -> None:
    counter[what if what in counter or len(counter) < _MANY else "others"] += 1


def _printable(text: str) -> str:
    """Nothing of it may drive a terminal or forge a line."""
    shown = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= _CHARACTERS else shown[:_CHARACTERS] + "…"
