"""One whole run against a server: reach it, go through the phases, judge what was seen, and report."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evolink_spec import load
from evolink_spec.clauses import load_clauses

from evolink_check import clock
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import Verdict, judge
from evolink_check.engine.paid_phases import ListenError, everything, extras
from evolink_check.engine.phases import Run
from evolink_check.engine.preflight import CouldNotRunError, preflight
from evolink_check.engine.task_plan import living, planned_tasks
from evolink_check.fuzzing import schemathesis_findings
from evolink_check.generation import boundary_cases
from evolink_check.generation.case import concerns
from evolink_check.reports.evidence import Evidence
from evolink_check.reports.model import Report, answers_of, notes_on
from evolink_check.rules import RULES
from evolink_check.settings import Effort
from evolink_check.traffic.trace import MAIN
from evolink_check.transport.budget import documented_price
from evolink_check.transport.recorder import Recorder
from evolink_check.transport.target import HaltedError, OutOfTimeError, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Rule
    from evolink_check.settings import Subject
    from evolink_check.traffic.trace import Account

PROFILES: Mapping[str, Effort] = {
    "quick": Effort(),
    "ci": Effort("ci", examples=100, seconds=300.0, task_seconds=120.0),
    "deep": Effort("deep", examples=500, seconds=1800.0, task_seconds=300.0, jobs=8),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `done` of `total` in a phase (0: not known); tasks and credits of the whole run."""

    phase: str
    done: int
    total: int
    created: int
    spent: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will make at most, before it is begun."""

    tasks: int
    credits: float


def silent(progress: Progress) -> None:
    """Tell nobody."""


def estimate(subject: Subject, effort: Effort, spec: Spec, clauses: Iterable[Clause] = ()) -> Estimate:
    """How many tasks a run makes, and what they cost at the documented price; nothing without a budget. Pure.

    `clauses` are needed only where `effort.clauses` names some of them; without, the estimate is that of a whole run.
    """
    if effort.max_credits is None:
        return Estimate(0, 0.0)
    price = documented_price(spec)
    wanted = [clause for clause in clauses if clause.id in effort.clauses]
    address = (lambda *_: subject.callback_url) if subject.callback_url else None
    planned = planned_tasks(
        spec, subject, boundary_cases.valid_creates(spec, subject, effort.seed), address, wanted
    )
    debatable = [
        case for case in boundary_cases.risky_creates(spec, subject) if concerns(case, effort.clauses)
    ]
    affords = int(effort.max_credits // price) if price else effort.tasks
    number = len(planned) + len(debatable) + extras(effort, wanted, len(planned))
    tasks = min(number, effort.tasks, affords)
    return Estimate(tasks, tasks * price)


def check_api(  # noqa: PLR0913  (a server, an effort, and whom to tell)
    subject: Subject,
    effort: Effort | None = None,
    *,
    spec: Spec | None = None,
    clauses: Iterable[Clause] | None = None,
    progress: Callable[[Progress], None] = silent,
    stop: threading.Event | None = None,
) -> Report:
    """Check a server and report. `clauses` may be all there are, as by default: those that bind a server are judged.

    Raises `CouldNotRunError` when the server is not reached, refuses the main key, or goes away for good, and for a
    budget that pays for no task; when a check itself fails, it has the traceback, and the report of what there is. After
    Ctrl-C, or once `stop` is set, nothing more is sent and what there is is judged. `Report.command` is empty: who
    knows the command line fills it in.
    """
    spec = spec or load()
    effort = _worth_while(effort or PROFILES["quick"], documented_price(spec))
    known = tuple(clause for clause in clauses or load_clauses() if clause.binds == "server")
    judged = tuple(clause for clause in known if not effort.clauses or clause.id in effort.clauses)
    over = stop or threading.Event()
    started, watch = clock.now(), clock.stopwatch()
    with Target(subject, effort, Recorder(subject.keys), spec, stop=over) as target:

        def tell(phase: str, done: int, total: int) -> None:
            tally = target.tally
            progress(Progress(phase, done, total, tally.created, tally.spent))

        with _honestly("what is asked first"):
            needed = estimate(subject, effort, spec, known).credits
            accounts = preflight(target, spec, needed)
        run = Run(subject, effort, spec, judged, target, over, tell, accounts)
        bug = _bug_in(run)
        with _honestly("a check"):
            report = _report(run, started, clock.stopwatch() - watch)
    if bug:
        raise CouldNotRunError(bug, report)
    if target.gone:
        raise CouldNotRunError(f"the server went away in the middle of the run: {target.gone}", report)
    return report


def _worth_while(effort: Effort, price: float) -> Effort:
    """The effort; a budget of nothing is none. Raises `CouldNotRunError` for one that is below the price of a task.

    Nothing could be sent with it, not even what ought to be refused: a careless server might take more.
    """
    if not effort.max_credits:
        return replace(effort, max_credits=None)
    if effort.max_credits < price:
        raise CouldNotRunError(
            f"{effort.max_credits:g} credits pay for no task: one costs {price:g}. Grant more, or none:"
            " then nothing is sent that could make a task"
        )
    return effort


@contextmanager
def _honestly(what: str) -> Iterator[None]:
    """A bug of ours must never look like a pass."""
    try:
        yield
    except CouldNotRunError:
        raise
    except Exception as error:
        raise CouldNotRunError(_told(what)) from error


def _bug_in(run: Run) -> str:
    """Go through all phases. What went wrong with them, which says nothing of the server; empty when nothing did."""
    try:
        _go(run)
    except ListenError as problem:
        raise CouldNotRunError(str(problem)) from problem
    except Exception:  # noqa: BLE001  (whatever it is, it is told, and what was seen until then is not lost)
        return _told("a phase of the run")
    return ""


def _told(what: str) -> str:
    return f"{what} failed, which says nothing of the server:\n{traceback.format_exc()}"


def _go(run: Run) -> None:
    """All phases, until the time, the budget or the patience of the user is at its end."""
    try:
        if run.effort.max_credits is not None:
            everything(run)
        else:
            run.refusal()
            run.free()
    except OutOfTimeError as halted:
        run.cut_short = f"cut short: {halted}"
    except HaltedError as halted:
        run.notes.append(f"not everything was sent: {halted}")
    except KeyboardInterrupt:
        run.stop.set()
        run.cut_short = "cut short: stopped"


def _report(run: Run, started: float, seconds: float) -> Report:
    recorder, subject, effort = run.target.recorder, run.subject, run.effort
    trace = recorder.trace(subject, _known_by_now(run), run.watched_until)
    reading = TraceView(trace, run.spec)
    rules: Mapping[str, Rule] = RULES
    for strange in run.strange:
        rules = schemathesis_findings.with_findings(rules, _renumbered(strange, recorder.places()))
    seen = [clause for clause in run.clauses if clause.id not in subject.cannot]
    found = {verdict.clause.id: verdict for verdict in judge(reading, seen, rules)}
    verdicts = tuple(found.get(clause.id, Verdict(clause, "not observed")) for clause in run.clauses)
    tally = run.target.tally
    return Report(
        kind="api",
        subject=subject.url,
        evidence=Evidence(reading, [key.token for key in subject.keys.values()]),
        verdicts=verdicts,
        answers=answers_of(reading),
        started=started,
        seconds=seconds,
        profile=effort.profile,
        seed=effort.seed,
        budget=effort.max_credits,
        spent=tally.spent,
        created=tally.created,
        notes=(*_notes(run, verdicts), *notes_on(reading)),
        cut_short=run.cut_short,
    )


def _known_by_now(run: Run) -> dict[str, Account]:
    """The main key may use the model when it has made a task of it."""
    accounts = dict(run.accounts)
    main = accounts[MAIN]
    made = any(
        entry.who == MAIN and (entry.exchange.method, run.path(entry)) in run.spec.creates
        for entry in run.target.recorder.entries()
        if 200 <= entry.exchange.status < 300  # noqa: PLR2004  (success)
    )
    accounts[MAIN] = replace(main, access=True) if made and main.access is None else main
    return accounts


def _renumbered(
    strange: schemathesis_findings.SchemathesisFindings, places: Mapping[int, int]
) -> schemathesis_findings.SchemathesisFindings:
    """Its findings with the numbers that the entries have in the trace."""
    findings = {
        clause: tuple(replace(one, entries=tuple(places[number] for number in one.entries)) for one in found)
        for clause, found in strange.findings.items()
    }
    return replace(strange, findings=findings)


def _notes(run: Run, verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    tally = run.target.tally
    if run.effort.max_credits is None:
        unseen = {verdict.clause.id for verdict in verdicts if verdict.status == "not observed"}
        rooms = Counter(clause.id.partition(".")[0] for clause in living(run.clauses) if clause.id in unseen)
        told = ", ".join(f"{number} of {room}.*" for room, number in rooms.items())
        lacking = f", and what a task is needed for is not observed ({told})" if told else ""
        yield f"no credits were granted: nothing that makes a task was sent{lacking}"
    for clause, number in tally.strays:
        yield f"the server made {number} of what it ought to have refused ({clause}); they cost credits"
    if run.skipped:
        yield f"{run.skipped} requests were not sent: they could have cost more than was granted"
    yield from run.notes
