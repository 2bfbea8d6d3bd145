"""Check recorded traffic, for example of a proxy, a browser or an earlier check. Nothing is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from evolink_check import clock
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import judge
from evolink_check.reports.evidence import Evidence
from evolink_check.reports.model import Report, answers_of, notes_on
from evolink_check.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.traffic.trace import Trace

_NAMED = 5  # how many models a note names
_DOCUMENTED = {"create", "query", "credits", "other method"}
About = Literal["server", "client", "both"]


class RecordingError(Exception):
    """A file is not a recording, or contains no request to the API."""


def check_recording(  # noqa: PLR0913  (the recordings, the contract, and how to check)
    paths: Sequence[Path],
    origin: str,
    spec: Spec,
    clauses: Iterable[Clause],
    *,
    about: About = "server",
    complete: bool = False,
) -> Report:
    """Judge the traffic in HAR files, as if it were one recording.

    `origin` is the base URL of the API. An empty `origin` is derived from the requests to documented paths. If
    `complete` is true, requests that are missing from the files were not sent. Files of the mock are always complete.
    Files that evolink-check marked as complete are complete, too.

    Raises `RecordingError` if a file is unreadable or invalid. Raises `RecordingError` if no file contains a request to
    the API.
    """
    from evolink_check.traffic.har.archive import from_har

    started, watch = clock.now(), clock.stopwatch()
    try:
        trace = from_har((document for path in paths for document in _load_archives(path)), origin)
    except ValueError as error:
        raise RecordingError(str(error)) from error
    trace = replace(trace, complete=complete or trace.complete)
    view = TraceView(trace, spec)
    if not any(observation.role in _DOCUMENTED for observation in view.seen):
        raise RecordingError(f"{', '.join(map(str, paths))}: {_why_empty(trace)}")
    names = ", ".join(path.name for path in paths)
    return report_on(
        view, verdicts_on(view, clauses, about),
        kind="recording", subject=names, started=started, seconds=clock.stopwatch() - watch,
        notes=(f"the API is taken to be at {trace.origin or 'any address'}", *trace.notes),
        keys=trace.short_keys,
    )  # fmt: skip


def _note_on_models(view: TraceView) -> Iterator[str]:
    if models := view.other_models:
        more = f" and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
        yield (
            f"requests for {', '.join(models[:_NAMED])}{more} were not judged: no document describes the model; "
            "pass its page with --spec"
        )


def report_on(  # noqa: PLR0913  (the parts of a report)
    view: TraceView,
    verdicts: tuple[Verdict, ...],
    *,
    kind: Literal["recording", "proxy"],
    subject: str,
    started: float,
    seconds: float,
    notes: tuple[str, ...] = (),
    keys: Collection[str] = (),
) -> Report:
    """Return the report on recorded or live traffic.

    The API keys in `keys` are masked in the report. Keys of 8 or more characters were masked when the traffic was
    recorded.
    """
    return Report(
        kind,
        subject,
        Evidence(view, keys),
        verdicts,
        answers_of(view),
        started,
        seconds,
        created=sum(create.succeeded for create in view.of("create")),
        notes=(*notes, *_note_on_models(view), *notes_on(view)),
    )


def verdicts_on(reading: TraceView, clauses: Iterable[Clause], about: About) -> tuple[Verdict, ...]:
    """Judge the clauses that bind the server, its clients, or both, as `about` selects."""
    bound = {"server", "client"} if about == "both" else {about}
    return judge(reading, [clause for clause in clauses if clause.binds in bound], RULES)


def _load_archives(path: Path) -> list[tuple[str, Any]]:
    from evolink_check.traffic.har.file_loading import load_archives

    try:
        return load_archives(path)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecordingError(str(error)) from error


def _why_empty(trace: Trace) -> str:
    if not trace.entries:
        return "contains no exchange"
    at = f" at {trace.origin}" if trace.origin else ""
    return f"contains no request to the API{at}; is --origin wrong?"
