"""Build a trace of a scenario from its callbacks and the receiver's requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evolink_check.client.harness.journal_trace import CLIENT
from evolink_check.traffic.text_redaction import redact_url
from evolink_check.traffic.trace import Account, Entry, Exchange, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evolink_check.receiver.records import Call, ReceiverActivity, ScenarioRecord, TaskCase

_SERVER = "server"  # the label of the sender of callbacks


@dataclass(frozen=True, slots=True)
class ScenarioTrace:
    """The recorded traffic of a scenario."""

    trace: Trace
    numbers: Mapping[int, int]  # the entry number of each callback, by the `id()` of its `Call`

    def number(self, call: Call) -> int:
        """Return the number of the trace entry that contains a callback."""
        return self.numbers[id(call)]

    def queries(self, case: TaskCase) -> tuple[Entry, ...]:
        """Return the receiver's status queries of a task."""
        return self._requests(f"/tasks/{case.id}")

    def fetches(self, case: TaskCase) -> tuple[Entry, ...]:
        """Return the receiver's requests for the results of a task."""
        return self._requests(f"/media/{case.id}")

    def forged_fetches(self, case: TaskCase) -> tuple[Entry, ...]:
        """Return the receiver's requests to the false result links in forged callbacks."""
        return self._requests(case.forged) if case.forged else ()

    def _requests(self, word: str) -> tuple[Entry, ...]:
        return tuple(
            entry for entry in self.trace.entries if entry.kind == "exchange" and word in entry.exchange.url
        )

    def only(self, keep: Callable[[Entry], bool]) -> Trace:
        """Return a trace of the entries for which `keep` returns True.

        The entries keep their numbers.
        """
        return replace(self.trace, entries=tuple(entry for entry in self.trace.entries if keep(entry)))


def trace_of_scenario(record: ScenarioRecord, activity: ReceiverActivity) -> ScenarioTrace:
    """Build the trace of a scenario from its record and the receiver's requests."""
    calls = [call for case in record.cases for call in case.calls]
    words = [
        word
        for case in record.cases
        for word in (f"/tasks/{case.id}", f"/media/{case.id}", case.forged)
        if word
    ]
    pairs: list[tuple[Entry, Call | None]] = [(_delivery(call), call) for call in calls]
    pairs += [(entry, None) for entry in (activity.naming(*words) if words else ())]
    pairs.sort(key=lambda pair: (pair[0].began, pair[0].ended))
    return ScenarioTrace(
        Trace(
            entries=tuple(replace(entry, number=number) for number, (entry, _) in enumerate(pairs)),
            accounts={CLIENT: Account(CLIENT, valid=True, access=True)},
            complete=activity.complete,
        ),
        {id(call): number for number, (_, call) in enumerate(pairs) if call is not None},
    )


def _delivery(call: Call) -> Entry:
    callback, reply = call.callback, call.reply
    exchange = Exchange(
        "POST",
        redact_url(callback.url),
        callback.headers,
        callback.body,
        reply.status,
        reply.headers,
        reply.body,
    )
    return Entry(0, exchange, reply.began, reply.ended, kind="delivery", who=_SERVER, problem=reply.problem)
