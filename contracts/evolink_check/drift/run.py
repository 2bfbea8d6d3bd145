"""Run a comparison: read both versions, compare them, and search for proofs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check import clock
from evolink_check.drift.comparison import compare, pair_operations
from evolink_check.drift.recording.run import read_recordings, recorded_changes
from evolink_check.drift.records import VERDICTS
from evolink_check.drift.report import DriftReport
from evolink_check.drift.sources import in_the_same_form, read_documents
from evolink_check.reports.positions import Positions
from evolink_check.traffic.text_redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from evolink_check.drift.proofs.prover import Prover
    from evolink_check.drift.records import Change, Document, Place


def run_drift(
    sources: Sequence[str], recordings: Sequence[Path] = (), *, strict: bool = False, command: str = ""
) -> DriftReport:
    """Compare an old source with a new source, and recordings with the new source.

    A source is a file, a folder, a glob pattern or a URL. The new source may also be an OpenAPI overlay for the old
    source. With recordings, the old source may be left out. Raises ValueError, OSError or `SpecError` if a source or
    recording cannot be read.
    """
    started, watch = clock.now(), clock.stopwatch()
    old, new = sources if len(sources) > 1 else ("", sources[0])
    olds, notes = read_documents(old) if old else ([], [])
    news, more = read_documents(new, olds)
    if old:
        olds, news = in_the_same_form(olds, news)
    changes = with_proofs(olds, news, compare(olds, news, strict=strict)) if old else []
    names = [path.name for path in recordings]
    if recordings:
        changes += recorded_changes(read_recordings(recordings), ", ".join(names), news, olds, strict=strict)
    changes = with_lines(changes, [*olds, *news])
    changes.sort(key=lambda change: VERDICTS.index(change.verdict))
    shown = " ".join(filter(None, (redact_url(old), *names)))
    seconds = clock.stopwatch() - watch
    return DriftReport(
        shown, redact_url(new), tuple(changes), started, seconds, strict, command, (*notes, *more)
    )


def with_lines(changes: list[Change], documents: list[Document]) -> list[Change]:
    """Return the changes with line numbers added to their places."""
    sources = {document.file: document.source for document in documents}
    positions: dict[str, Positions] = {}

    def placed(place: Place | None) -> Place | None:
        source = sources.get(place.file) if place else None
        if place is None or not source:
            return place
        if place.file not in positions:
            positions[place.file] = Positions(source)
        return replace(place, line=positions[place.file].line_of(place.pointer))

    return [replace(change, old=placed(change.old), new=placed(change.new)) for change in changes]


def with_proofs(old: list[Document], new: list[Document], changes: list[Change]) -> list[Change]:
    """Return the changes, with a proof where one was found."""
    if not any(change.side in {"request", "model"} for change in changes):
        return changes
    from evolink_check.drift.proofs.prover import prover_of

    provers: dict[tuple[str, ...], Prover | None] = {}
    for pair in pair_operations(old, new).pairs:
        key = (pair.old.document.file, pair.new.document.file, pair.new.subject)
        provers.setdefault(key, prover_of(pair))
    judged = [_proven(change, provers) for change in changes]
    return sorted(judged, key=lambda change: VERDICTS.index(change.verdict))


def _proven(change: Change, provers: Mapping[tuple[str, ...], Prover | None]) -> Change:
    if change.old is None or change.new is None:
        return change
    prover = provers.get((change.old.file, change.new.file, change.subject))
    return change if prover is None else prover.proven(change)
