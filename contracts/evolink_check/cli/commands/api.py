"""Run the commands `api`, `recording` and `proxy`. Each public `run_` function returns an exit status."""

from __future__ import annotations

import gc
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from evolink_check import clock
from evolink_check.cli import config
from evolink_check.cli.advice import conditions_of, connection_advice, key_advice
from evolink_check.cli.config import check_ca, check_ids, parse_base_url
from evolink_check.cli.output import cost_estimate_line, say, violation_line
from evolink_check.cli.reports.server_reports import finish
from evolink_check.cli.signals import interrupting
from evolink_check.errors import CannotRunError
from evolink_check.files import STDOUT, is_special
from evolink_check.reports.needs import Conditions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.cli.options import (
        DocumentOptions,
        EffortOptions,
        JudgingOptions,
        ProxyOptions,
        RecordingOptions,
        ServerOptions,
        SeverityOptions,
    )
    from evolink_check.cli.reports.options import BaselineOptions, ReportFiles
    from evolink_check.engine.run_plan import RunPlan
    from evolink_check.proxy.har_file import HarFile
    from evolink_check.proxy.monitor import LiveMonitor
    from evolink_check.proxy.recorder import ProxyRecorder
    from evolink_check.reports.model import Report
    from evolink_check.reports.needs import Means

_LOOK_SECONDS = 1.0  # seconds between two checks of the traffic that the proxy has recorded
_STOPPING = "stopping; a report on the results so far follows. Press Ctrl-C again to stop at once"


class CommandFailedError(CannotRunError):
    """The command could not be carried out. The message says why."""


def load_documents(options: DocumentOptions) -> Spec:
    """Load the OpenAPI documents that `options` select.

    Print a warning for each problem that does not prevent loading.
    """
    from evolink_spec import load

    paths = (*options.only_spec, *options.spec)
    spec = load(*paths, with_built_in=bool(paths) and not options.only_spec)
    for warning in spec.warnings:
        say(f"warning: {warning}")
    return spec


def load_lowered(lowered: frozenset[str]) -> tuple[Clause, ...]:
    """Return all clauses. If the id of a clause is in `lowered`, its severity is `warning`.

    Raises ValueError if `lowered` contains an unknown id.
    """
    from evolink_spec.clauses import load_clauses, with_warnings

    clauses = load_clauses()
    check_ids(lowered, [clause.id for clause in clauses], "--warn")
    return with_warnings(clauses, lowered)


def _judged_clauses(options: JudgingOptions, severity: SeverityOptions) -> tuple[Clause, ...]:
    clauses = load_lowered(severity.warn)
    check_ids(options.clauses, [clause.id for clause in clauses])
    return tuple(clause for clause in clauses if not options.clauses or clause.id in options.clauses)


def run_api(  # noqa: PLR0913, PLR0917  (each is a group of options)
    server: ServerOptions,
    effort: EffortOptions,
    documents: DocumentOptions,
    reports: ReportFiles,
    baseline: BaselineOptions,
    command: str,
) -> int:
    """Check a server and return the exit status."""
    from evolink_check.cli.progress import showing_progress
    from evolink_check.engine.preflight import CouldNotRunError
    from evolink_check.engine.runner import execute
    from evolink_check.generation.hypothesis_home import temporary_hypothesis_home

    chosen, plan = _plan_api(server, effort, documents, baseline)
    baseline.check()
    for line in (*chosen.notes, cost_estimate_line(plan.effort, plan.estimate)):
        say(line)
    stop = threading.Event()
    with (
        interrupting(stop, _STOPPING) as interrupts,
        showing_progress() as tell,
        temporary_hypothesis_home(),
    ):
        gc.freeze()  # Hypothesis, which is imported now, collects garbage in every thread that uses it
        try:
            report = execute(plan, progress=tell, stop=stop)
        except CouldNotRunError as problem:
            failure = f"{problem}{connection_advice(str(problem))}"
            if problem.report is None and interrupts.status:
                say(str(problem))
                return interrupts.status
            if problem.report is None:
                raise CommandFailedError(failure) from problem
            report = problem.report
        else:
            failure = ""
    notes = (*chosen.notes, *key_advice(report, any_key=chosen.subject.any_key))
    report = replace(report, conditions=conditions_of(chosen.subject, chosen.effort, report))
    baseline = structs.replace(baseline, warn=chosen.lowered)
    status = finish(_with_command(report, command, notes), baseline, reports)
    if failure:
        raise CommandFailedError(failure)
    return interrupts.status or status


def _plan_api(
    server: ServerOptions, effort: EffortOptions, documents: DocumentOptions, severity: SeverityOptions
) -> tuple[config.Configuration, RunPlan]:
    from evolink_spec.clauses import with_warnings

    from evolink_check.engine.run_plan import plan_run
    from evolink_check.engine.runner import PROFILES

    clauses = load_lowered(severity.warn)
    chosen = config.choose(server, effort, PROFILES, [clause.id for clause in clauses], config.environment())
    chosen = replace(chosen, lowered=chosen.lowered | severity.warn)
    plan = plan_run(
        chosen.subject, chosen.effort, load_documents(documents), with_warnings(clauses, chosen.lowered)
    )
    return chosen, plan


def _with_command(report: Report, command: str, notes: Iterable[str]) -> Report:
    # The command must repeat the run with the same seed.
    seed = "" if report.seed is None or "--seed" in command.split() else f" --seed {report.seed}"
    return replace(report, command=f"{command}{seed}", notes=(*report.notes, *notes))


def run_recording(  # noqa: PLR0913, PLR0917  (each is a group of options)
    recording: RecordingOptions,
    judging: JudgingOptions,
    documents: DocumentOptions,
    reports: ReportFiles,
    baseline: BaselineOptions,
    command: str,
) -> int:
    """Check HAR files and return the exit status."""
    from evolink_check.engine.recordings import RecordingError, check_recording

    if not recording.files:
        raise ValueError("no HAR file: pass one or more as arguments")
    baseline.check()
    base = parse_base_url(recording.origin) if recording.origin else ""
    try:
        report = check_recording(
            recording.files,
            base,
            load_documents(documents),
            _judged_clauses(judging, baseline),
            about=judging.about,
            complete=judging.complete,
        )
    except RecordingError as problem:
        raise CommandFailedError(str(problem)) from problem
    means: frozenset[Means] = frozenset(["complete"] if judging.complete else [])
    report = replace(report, command=command, conditions=Conditions("recording", means))
    return finish(report, baseline, reports)


def run_proxy(
    proxy: ProxyOptions,
    judging: JudgingOptions,
    documents: DocumentOptions,
    reports: ReportFiles,
    baseline: BaselineOptions,
) -> int:
    """Run a reverse proxy until Ctrl-C, and write the reports. Return the exit status.

    If `reports` names a HAR file, each complete exchange is also written to it.
    """
    from evolink_check.proxy.forwarder import ForwardingApp, Upstream, unused_proxy
    from evolink_check.proxy.monitor import LiveMonitor, watch_until
    from evolink_check.proxy.recorder import ProxyRecorder
    from evolink_check.proxy.server import ListenError, proxying

    if not proxy.upstream:
        raise ValueError("--upstream is required: the base URL of the API")
    baseline.check()
    check_ca(proxy.ca)
    upstream = parse_base_url(proxy.upstream)
    record, started, stop = ProxyRecorder(upstream), clock.now(), threading.Event()
    file = _har_file(reports.har, record, complete=judging.complete)
    clauses, about = _judged_clauses(judging, baseline), judging.about
    monitor = LiveMonitor(record, load_documents(documents), clauses, about, complete=judging.complete)
    server = Upstream.at(upstream)
    app = ForwardingApp(server, record, proxy.ca, monitor.verdict_for if proxy.headers else None)
    if note := unused_proxy(server):
        say(note)

    with interrupting(stop, "stopping"):
        try:
            with proxying(app, proxy.host, proxy.port) as url:
                say(f"{url} forwards to {upstream} and checks the traffic; Ctrl-C stops it and reports")
                watch_until(stop, partial(_report_new_failures, monitor), _LOOK_SECONDS)
        except ListenError as problem:
            raise CommandFailedError(str(problem)) from problem
        finally:
            if file is not None:
                file.close()
    if monitor.bug:
        raise CommandFailedError(f"a check has failed, so there is no verdict on the server\n{monitor.bug}")
    means: frozenset[Means] = frozenset(["complete"] if judging.complete else [])
    report = replace(monitor.report(started), conditions=Conditions("proxy", means))
    return _write_proxy_report(report, record, file, baseline, reports)


def _write_proxy_report(
    report: Report,
    record: ProxyRecorder,
    file: HarFile | None,
    baseline: BaselineOptions,
    reports: ReportFiles,
) -> int:
    is_incomplete = file is not None and (file.problem != "" or record.forgotten > 0)
    if is_incomplete:  # the file is not rewritten: it has exchanges that memory lacks, or the disk is full
        report, reports = replace(report, har=str(reports.har)), structs.replace(reports, har=None)
    status = finish(report, baseline, reports)
    if file is not None and file.problem:
        raise CommandFailedError(file.problem)
    return status


def _report_new_failures(monitor: LiveMonitor) -> None:
    for verdict in monitor.new_failures():
        say(violation_line(verdict))


def _har_file(path: Path | None, record: ProxyRecorder, *, complete: bool) -> HarFile | None:
    from evolink_check.proxy.har_file import HarFile

    # All exchanges are written to stdout or a device at the end of the run.
    if path is None or path == STDOUT or is_special(path):
        return None
    file = HarFile(path, partial(record.facts, complete=complete), say)
    record.sink = file.append
    return file
