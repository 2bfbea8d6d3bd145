"""Run a whole check of a server: preflight, phases, verdicts and report."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evolink_spec import load
from evolink_spec.clauses import load_clauses

from evolink_check import clock
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import Verdict, judge
from evolink_check.engine.paid_phases import ListenError, run_paid_phases
from evolink_check.engine.phases import Run
from evolink_check.engine.preflight import CouldNotRunError, preflight
from evolink_check.engine.run_plan import plan_run
from evolink_check.engine.task_plan import clauses_seen_only_on_tasks
from evolink_check.errors import describe_bug
from evolink_check.fuzzing import schemathesis_check
from evolink_check.reports.evidence import Evidence
from evolink_check.reports.model import Report, answers_of, notes_on
from evolink_check.rules import RULES
from evolink_check.settings import Effort
from evolink_check.traffic.trace import MAIN
from evolink_check.transport.budget import documented_price
from evolink_check.transport.http import LARGEST_ANSWER
from evolink_check.transport.recorder import RunRecorder
from evolink_check.transport.target import HaltedError, OutOfTimeError, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Rule
    from evolink_check.engine.run_plan import RunPlan
    from evolink_check.settings import Subject
    from evolink_check.traffic.trace import Account

PROFILES: Mapping[str, Effort] = {
    "quick": Effort(),
    "ci": Effort("ci", examples=100, seconds=300.0, task_seconds=120.0),
    "deep": Effort("deep", examples=500, seconds=1800.0, task_seconds=300.0, jobs=8),
}


_LARGEST = f"{LARGEST_ANSWER // 1024} KiB"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run: the current phase, and tasks and credits so far."""

    phase: str  # the name of the current phase
    done: int  # how many requests of the phase have been completed
    total: int  # how many requests the phase has; 0 if unknown
    created: int  # how many tasks the run has created
    spent: float  # how many credits the run has spent
    elapsed: float = 0.0  # seconds since the start of the run
    expected: float = 0.0  # the estimated duration of the whole run, in seconds


def silent(progress: Progress) -> None:
    """Ignore the progress of a run."""


def check_api(  # noqa: PLR0913  (a server, an effort, and callbacks)
    subject: Subject,
    effort: Effort | None = None,
    *,
    spec: Spec | None = None,
    clauses: Iterable[Clause] | None = None,
    progress: Callable[[Progress], None] = silent,
    stop: threading.Event | None = None,
) -> Report:
    """Check a server and return the report.

    `clauses` is None to judge every clause that binds a server. Clauses that bind clients are not judged. Raises
    `CouldNotRunError` if the check cannot be completed. For example, the server cannot be reached.
    """
    plan = plan_run(subject, effort or PROFILES["quick"], spec or load(), clauses or load_clauses())
    return execute(plan, progress=progress, stop=stop)


def execute(
    plan: RunPlan,
    *,
    progress: Callable[[Progress], None] = silent,
    stop: threading.Event | None = None,
) -> Report:
    """Carry out a plan and return the report.

    After Ctrl-C, or when `stop` is set, no more requests are sent. The results so far are judged. The caller sets
    `Report.command`. Raises `CouldNotRunError` if the budget is too small, the key is rejected, or the server stops
    responding. A bug of evolink-check also raises `CouldNotRunError`, with the traceback. If the run had begun,
    `report` of the exception holds the results so far.
    """
    _check_budget(plan.effort.max_credits, documented_price(plan.spec))
    over = stop or threading.Event()
    started, watch = clock.now(), clock.stopwatch()
    failure: CouldNotRunError | None = None
    with Target(plan.subject, plan.effort, RunRecorder(plan.subject.keys), plan.spec, stop=over) as target:

        def tell(phase: str, done: int, total: int) -> None:
            tally, elapsed = target.tally, clock.stopwatch() - watch
            expected = run.duration.expected(phase, elapsed, len(target.recorder), tally.estimated)
            progress(Progress(phase, done, total, tally.created, tally.spent, elapsed, expected))

        with _reporting_bugs("the first contact"):
            accounts = preflight(target, plan.spec, plan.estimate.credits)
        run = Run(plan, target, over, tell, accounts)
        try:
            with _reporting_bugs("a phase of the run"):
                _run_phases(run)
        except ListenError:
            raise
        except CouldNotRunError as error:
            failure = error  # raised below, after the results so far have been judged
        with _reporting_bugs("a check"):
            report = _report(run, started, clock.stopwatch() - watch)
    if failure is not None:
        raise CouldNotRunError(str(failure), report) from failure
    if target.gone:
        raise CouldNotRunError(
            f"the server stopped responding in the middle of the run: {target.gone}", report
        )
    return report


def _check_budget(granted: float | None, price: float) -> None:
    # Even an invalid request is sent only with the price of a task left. An incorrect server might create a task.
    if granted is not None and granted < price:
        raise CouldNotRunError(
            f"{granted:g} credits are not enough for a task, which costs {price:g}. Grant more, or none;"
            " if none are granted, nothing is sent that could create a task"
        )


@contextmanager
def _reporting_bugs(what: str) -> Iterator[None]:
    """Convert a bug of evolink-check to a `CouldNotRunError`."""
    try:
        yield
    except CouldNotRunError:
        raise
    except Exception as error:
        message = f"{what} failed, so there is no verdict on the server:\n{describe_bug(error)}"
        raise CouldNotRunError(message) from error


def _run_phases(run: Run) -> None:
    try:
        if run.effort.max_credits is not None:
            run_paid_phases(run)
        else:
            run.check_refused_create()
            run.free()
    except OutOfTimeError as halted:
        run.cut_short = f"cut short: {halted}"
    except HaltedError as halted:
        run.notes.append(f"not all requests were sent: {halted}")
    except KeyboardInterrupt:
        run.stop.set()
        run.cut_short = "cut short: stopped"


def _report(run: Run, started: float, seconds: float) -> Report:
    recorder, subject, effort = run.target.recorder, run.subject, run.effort
    view = TraceView(recorder.trace(subject, _accounts_after_run(run), run.watched_until), run.spec)
    rules: Mapping[str, Rule] = RULES
    for findings in run.schemathesis:
        rules = schemathesis_check.with_findings(rules, _with_trace_numbers(findings, recorder.places()))
    observable = [clause for clause in run.plan.clauses if clause.id not in subject.cannot]
    judged = {verdict.clause.id: verdict for verdict in judge(view, observable, rules)}
    verdicts = tuple(judged.get(clause.id, Verdict(clause, "not observed")) for clause in run.plan.clauses)
    tally = run.target.tally
    return Report(
        kind="api",
        subject=subject.url,
        evidence=Evidence(view, [key.token for key in subject.keys.values()]),
        verdicts=verdicts,
        answers=answers_of(view),
        started=started,
        seconds=seconds,
        profile=effort.profile,
        seed=effort.seed,
        budget=effort.max_credits,
        spent=tally.spent,
        created=tally.created,
        notes=(*_notes(run, verdicts), *notes_on(view)),
        cut_short=run.cut_short,
    )


def _accounts_after_run(run: Run) -> dict[str, Account]:
    accounts = dict(run.accounts)
    main = accounts[MAIN]
    # a created task shows that the main account has access to the model
    made = any(
        entry.who == MAIN and (entry.exchange.method, run.path(entry)) in run.spec.creates
        for entry in run.target.recorder.entries()
        if 200 <= entry.exchange.status < 300  # noqa: PLR2004  (success)
    )
    accounts[MAIN] = replace(main, access=True) if made and main.access is None else main
    return accounts


def _with_trace_numbers(
    schemathesis: schemathesis_check.SchemathesisFindings, places: Mapping[int, int]
) -> schemathesis_check.SchemathesisFindings:
    # the complete trace is sorted by time, so its numbers can differ
    renumbered = {
        clause: tuple(
            finding._replace(entries=tuple(places[number] for number in finding.entries))
            for finding in findings
        )
        for clause, findings in schemathesis.findings.items()
    }
    return replace(schemathesis, findings=renumbered)


def _notes(run: Run, verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    tally = run.target.tally
    if run.effort.max_credits is None:
        unseen = {verdict.clause.id for verdict in verdicts if verdict.status == "not observed"}
        sections = Counter(
            clause.id.partition(".")[0]
            for clause in clauses_seen_only_on_tasks(run.plan.clauses)
            if clause.id in unseen
        )
        listed = ", ".join(f"{number} of {section}.*" for section, number in sections.items())
        lacking = f", so clauses that need a task are not observed ({listed})" if listed else ""
        yield f"no credits were granted: nothing was sent that creates a task{lacking}"
    for clause, number in tally.unexpected_tasks:
        yield f"the server created {number} for requests that it must refuse ({clause}); they cost credits"
    yield from _notes_on_unread(run.target.recorder)
    if run.skipped:
        yield f"{run.skipped} requests were not sent, because they could have cost more than was granted"
    yield from run.notes


def _notes_on_unread(recorder: RunRecorder) -> Iterator[str]:
    large = sum(
        entry.size > LARGEST_ANSWER and not entry.problem and entry.media is None
        for entry in recorder.entries()
        if entry.size is not None
    )
    if large:
        yield f"{large} responses above {_LARGEST} were not read to their end, and their bodies were not judged"
    if recorder.without_body:
        yield f"the bodies of {recorder.without_body} responses were not kept for lack of memory, and not judged"
