"""Check recorded traffic while it is being recorded."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import failures
from evolink_check.engine.recordings import report_on, verdicts_on
from evolink_check.proxy.forwarder import NOT_JUDGED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.engine.recordings import About
    from evolink_check.proxy.recorder import TrafficRecorder
    from evolink_check.reports.model import Report
    from evolink_check.traffic.trace import Entry

PASSED = "passed"
_SHARE = 10  # of the time, at most one part in so many is spent on judging


class LiveMonitor:
    """Judges what a proxy records, again and again, in whatever thread asks.

    A bug in a check is told in `bug`, and then nothing more is judged: the proxy lives on, and the record is whole.
    """

    def __init__(
        self,
        record: TrafficRecorder,
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
        self._told: set[str] = set()
        self._seen = 0
        self._next = 0.0
        self.bug = ""

    def opinion(self, entry: Entry) -> str:
        """`passed`, or the ids of the clauses that this exchange violates, given the others about the same task."""
        trace = self._record.around(entry)
        number = trace.entries[-1].number
        try:
            verdicts = verdicts_on(TraceView(trace, self._spec), self._clauses, self._about)
        except Exception:  # noqa: BLE001  (see above)
            self.bug = traceback.format_exc()
            return NOT_JUDGED
        found = [
            verdict.clause.id
            for verdict in failures(verdicts)
            if any(violation.entries and violation.entries[-1] == number for violation in verdict.violations)
        ]
        return ", ".join(found) or PASSED

    def news(self) -> tuple[Verdict, ...]:
        """The clauses that are violated for the first time. Nothing when it is too early to look."""
        length = len(self._record)
        if self.bug or length == self._seen or clock.stopwatch() < self._next:
            return ()
        began = clock.stopwatch()
        try:
            verdicts = verdicts_on(self._view(), self._clauses, self._about)
        except Exception:  # noqa: BLE001  (see above)
            self.bug = traceback.format_exc()
            return ()
        self._seen = length
        self._next = clock.stopwatch() + _SHARE * (clock.stopwatch() - began)
        found = tuple(one for one in verdicts if one.violations and one.clause.id not in self._told)
        self._told |= {one.clause.id for one in found}
        return found

    def report(self, started: float) -> Report:
        """All that the record says. What a check raises is not caught."""
        view = self._view()
        left_out = self._record.unjudged
        note = f"too large, or cut, and not in the record: {left_out} request{'' if left_out == 1 else 's'}"
        return report_on(
            view,
            verdicts_on(view, self._clauses, self._about),
            kind="proxy",
            subject=self._record.origin,
            started=started,
            seconds=clock.now() - started,
            notes=(note,) if left_out else (),
        )

    def _view(self) -> TraceView:
        return TraceView(self._record.trace(complete=self._complete), self._spec)


def watch_until(stop: threading.Event, looks: Callable[[], None], seconds: float) -> None:
    """Look every so many seconds until `stop` is set, and once more."""
    while not stop.wait(seconds):
        looks()
    looks()
