"""Check the traffic of a proxy while it is being recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import failures
from evolink_check.engine.recordings import report_on, verdicts_on
from evolink_check.errors import describe_bug
from evolink_check.proxy.forwarder import NOT_JUDGED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.engine.recordings import About
    from evolink_check.proxy.recorder import ProxyRecorder
    from evolink_check.reports.model import Report
    from evolink_check.traffic.trace import Entry

PASSED = "passed"
_SHARE = 10  # judging takes at most about one tenth of the time
_MOST_EARLIER = 20  # maximum number of violations of a clause that are kept when their exchanges are dropped


class LiveMonitor:
    """Judges the exchanges that a proxy has recorded.

    If judging raises an exception, the proxy continues to forward and record. The recorder may drop exchanges. The
    monitor keeps their violations.
    """

    def __init__(
        self,
        record: ProxyRecorder,
        spec: Spec,
        clauses: tuple[Clause, ...],
        about: About,
        *,
        complete: bool = False,
    ) -> None:
        self._record = record
        self._spec = spec
        self._clauses = clauses
        self._about = about
        self._complete = complete
        self._announced: set[str] = set()
        self._earlier: dict[str, Verdict] = {}
        self._judged = 0  # the number of exchanges that were judged
        self._next = 0.0
        self.bug = ""  # the traceback of the exception that judging has raised; empty if there was none

    def verdict_for(self, entry: Entry) -> str:
        """Return the ids of the clauses that this exchange violates, separated by commas.

        Earlier exchanges about the same task are considered too. Returns `passed` if no clause is violated. Returns
        `NOT_JUDGED` if judging raises an exception.
        """
        trace = self._record.around(entry)
        number = trace.entries[-1].number
        try:
            verdicts = verdicts_on(TraceView(trace, self._spec), self._clauses, self._about)
        except Exception as bug:  # noqa: BLE001  (see above)
            self.bug = describe_bug(bug)
            return NOT_JUDGED
        violated = [
            verdict.clause.id
            for verdict in failures(verdicts)
            if any(violation.entries and violation.entries[-1] == number for violation in verdict.violations)
        ]
        return ", ".join(violated) or PASSED

    def new_failures(self) -> tuple[Verdict, ...]:
        """Judge all exchanges, and return the verdicts on newly violated clauses.

        Returns no verdicts if there are no new exchanges. Returns no verdicts if judging has raised an exception
        before. After each judging, there is a pause, so that the proxy stays fast. Returns no verdicts during this
        pause.
        """
        recorded = len(self._record)
        if self.bug or recorded == self._judged or clock.stopwatch() < self._next:
            return ()
        began = clock.stopwatch()
        try:
            verdicts = self._verdicts(self._view())
        except Exception as bug:  # noqa: BLE001  (see above)
            self.bug = describe_bug(bug)
            return ()
        self._judged = recorded
        self._next = clock.stopwatch() + _SHARE * (clock.stopwatch() - began)
        self._forget(verdicts)
        new = tuple(
            verdict for verdict in verdicts if verdict.violations and verdict.clause.id not in self._announced
        )
        self._announced |= {verdict.clause.id for verdict in new}
        return new

    def report(self, started: float) -> Report:
        """Return the report on all recorded exchanges.

        `started` is the start of the proxy in Unix seconds. Exceptions of the rules are not caught.
        """
        view = self._view()
        return report_on(
            view,
            self._verdicts(view),
            kind="proxy",
            subject=self._record.origin,
            started=started,
            seconds=clock.now() - started,
            notes=tuple(self._notes()),
            keys=self._record.short_keys,
        )

    def _notes(self) -> list[str]:
        notes = []
        if unjudged := self._record.unjudged:
            requests = "request" if unjudged == 1 else "requests"
            notes.append(f"not judged, because too large or incomplete: {unjudged} {requests}")
        if forgotten := self._record.forgotten:
            notes.append(
                f"the first {forgotten} exchanges were judged while the proxy ran, and are shown without their bodies"
            )
        return notes

    def _view(self) -> TraceView:
        return TraceView(self._record.trace(complete=self._complete), self._spec)

    def _verdicts(self, view: TraceView) -> tuple[Verdict, ...]:
        verdicts = verdicts_on(view, self._clauses, self._about)
        return tuple(_with_earlier(verdict, self._earlier.get(verdict.clause.id)) for verdict in verdicts)

    def _forget(self, verdicts: tuple[Verdict, ...]) -> None:
        # The verdicts replace the exchanges that the recorder drops to free memory.
        before = self._record.forgotten
        self._record.forget()
        if self._record.forgotten == before:
            return
        self._earlier = {
            verdict.clause.id: replace(
                verdict,
                violations=tuple(each._replace(entries=()) for each in verdict.violations[:_MOST_EARLIER]),
            )
            for verdict in verdicts
        }


def _with_earlier(verdict: Verdict, earlier: Verdict | None) -> Verdict:
    # `earlier` is the verdict on the exchanges that are no longer in memory.
    if earlier is None or earlier.status == "not observed":
        return verdict
    if not earlier.violations:
        return verdict if verdict.violations else replace(verdict, status=earlier.status)
    remembered = [each for each in earlier.violations if each not in verdict.violations]
    return replace(
        verdict,
        status=earlier.status,
        observations=verdict.observations + len(remembered),
        violations=(*remembered, *verdict.violations)[: 2 * _MOST_EARLIER],
    )


def watch_until(stop: threading.Event, look: Callable[[], None], seconds: float) -> None:
    """Call `look` at intervals of `seconds` until `stop` is set, and then once more."""
    while not stop.wait(seconds):
        look()
    look()
