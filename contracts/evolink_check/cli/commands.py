"""What the commands of `evolink-check` do: put together, run, show. Each returns an exit status."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.cli import config
from evolink_check.cli.config import check_ca, check_ids, parse_url
from evolink_check.cli.output import finish, forecast, har_of, say, told
from evolink_check.cli.signals import interrupting
from evolink_check.files import STDOUT, temporary_folder, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evolink_spec.clauses import Clause

    from evolink_check.cli.config import Given
    from evolink_check.cli.output import Deviations, ReportFiles
    from evolink_check.engine.recordings import About
    from evolink_check.proxy.recorder import TrafficRecorder

_LOOK_SECONDS = 1.0  # between two looks of the judge at what a proxy records
_SAVE_SECONDS = 3.0  # between two versions of its file
_SHARE = 10  # of the time, at most one part in so many is spent on writing
_STOPPING = "stopping: what there is is judged; again to stop at once"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a recording is asked, and the command line that asks it."""

    about: About
    complete: bool
    only: frozenset[str]  # ids of clauses; empty: all
    command: str

    def clauses(self) -> tuple[Clause, ...]:
        """The clauses that are judged. ValueError for an id that there is not."""
        from evolink_spec.clauses import load_clauses

        every = load_clauses()
        check_ids(self.only, [one.id for one in every])
        return tuple(one for one in every if not self.only or one.id in self.only)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a proxy stands."""

    upstream: str
    host: str
    port: int
    ca: Path | None
    headers: bool


class Refused(Exception):  # noqa: N818  (what happened, in the words of the command)
    """The command cannot do what it was asked to."""


@contextmanager
def _scratch() -> Iterator[None]:
    """Hypothesis keeps what it computed of the modules it knows: not in the folder of whoever checks a server."""
    from hypothesis.configuration import set_hypothesis_home_dir

    with temporary_folder("evolink-check-") as folder:
        set_hypothesis_home_dir(str(folder))
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


def run_api(given: Given, file: Path | None, known: Deviations, wanted: ReportFiles, command: str) -> int:
    """Check a server."""
    from evolink_spec import load
    from evolink_spec.clauses import load_clauses

    from evolink_check.cli.progress import showing_progress
    from evolink_check.engine.preflight import CouldNotRunError
    from evolink_check.engine.runner import PROFILES, check_api, estimate

    spec, clauses = load(), load_clauses()
    chosen = config.choose(given, file, PROFILES, [one.id for one in clauses], config.environment())
    known.check()
    for note in chosen.notes:
        say(note)
    say(forecast(chosen.effort, estimate(chosen.subject, chosen.effort, spec, clauses)))
    stop = threading.Event()
    with interrupting(stop, _STOPPING) as interrupts, showing_progress() as tell, _scratch():
        try:
            report = check_api(
                chosen.subject, chosen.effort, spec=spec, clauses=clauses, progress=tell, stop=stop
            )
        except CouldNotRunError as problem:
            failure = f"{problem}{_advice(str(problem))}"
            if problem.report is None and interrupts.status:
                say(str(problem))
                return interrupts.status
            if problem.report is None:
                raise Refused(failure) from problem
            report = problem.report
        else:
            failure = ""
    seed = "" if report.seed is None or "--seed" in command.split() else f" --seed {report.seed}"
    report = replace(report, command=f"{command}{seed}", notes=(*report.notes, *chosen.notes))
    status = finish(report, known, wanted)
    if failure:
        raise Refused(failure)
    return interrupts.status or status


def _advice(problem: str) -> str:
    """What may help, where TLS says it in its own words."""
    if "CERTIFICATE_VERIFY_FAILED" in problem:
        return " Say --ca FILE for who signed its certificate."
    return " It speaks plain http, it seems." if "WRONG_VERSION_NUMBER" in problem else ""


def run_recording(
    asked: Asked, paths: Sequence[Path], origin: str, known: Deviations, wanted: ReportFiles
) -> int:
    """Judge HAR files."""
    from evolink_spec import load

    from evolink_check.engine.recordings import RecordingError, check_recording

    known.check()
    base = parse_url(origin) if origin else ""
    try:
        report = check_recording(
            paths, base, load(), asked.clauses(), about=asked.about, complete=asked.complete
        )
    except RecordingError as problem:
        raise Refused(str(problem)) from problem
    return finish(replace(report, command=asked.command), known, wanted)


def run_proxy(asked: Asked, place: Place, known: Deviations, wanted: ReportFiles) -> int:
    """Stand before a server until Ctrl-C. The record is written every few seconds, and at the end."""
    from evolink_spec import load

    from evolink_check.proxy.forwarder import ForwardingApp, Upstream
    from evolink_check.proxy.monitor import LiveMonitor, watch_until
    from evolink_check.proxy.recorder import TrafficRecorder
    from evolink_check.proxy.server import ListenError, proxying

    known.check()
    check_ca(place.ca)
    upstream = parse_url(place.upstream)
    record, started, stop = TrafficRecorder(upstream), clock.now(), threading.Event()
    watch = LiveMonitor(record, load(), asked.clauses(), asked.about, complete=asked.complete)
    forward = ForwardingApp(Upstream.at(upstream), record, place.ca, watch.opinion if place.headers else None)
    saved = Saved(record, wanted.har, complete=asked.complete)

    def looks() -> None:
        for verdict in watch.news():
            say(told(verdict))
        saved.save()

    with interrupting(stop, "stopping"):
        try:
            with proxying(forward, place.host, place.port) as url:
                say(f"{url} passes on to {upstream} and judges; Ctrl-C ends it and reports")
                watch_until(stop, looks, _LOOK_SECONDS)
        except ListenError as problem:
            raise Refused(str(problem)) from problem
        finally:
            saved.save(now=True)
    if watch.bug:
        raise Refused(f"a check has failed, so nothing is said of the server\n{watch.bug}")
    return finish(watch.report(started), known, wanted)


class Saved:
    """The record of a proxy as a file, which is written anew when there is something new."""

    def __init__(self, record: TrafficRecorder, path: Path | None, *, complete: bool = False) -> None:
        self._record = record
        self._complete = complete
        self._path = None if path == STDOUT else path
        self._length = 0  # so that what was recorded before is there until there is something new
        self._next = 0.0

    def save(self, *, now: bool = False) -> None:
        """Write it, unless it was written just before: a long record is written less often."""
        length, began = len(self._record), clock.stopwatch()
        if self._path is None or length == self._length or (began < self._next and not now):
            return
        write(self._path, har_of(self._record.trace(complete=self._complete)))
        self._length = length
        self._next = clock.stopwatch() + max(_SAVE_SECONDS, _SHARE * (clock.stopwatch() - began))
