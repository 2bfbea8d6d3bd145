"""Read recordings, and run their comparison with OpenAPI documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_check.drift.pairs.operations import operations_of
from evolink_check.drift.recording.contradictions import contradictions
from evolink_check.drift.recording.coverage import unrecorded
from evolink_check.drift.recording.observed import observations
from evolink_check.traffic.har.archive import from_har
from evolink_check.traffic.har.file_loading import load_archives

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evolink_check.drift.records import Change, Document
    from evolink_check.traffic.trace import Trace


def read_recordings(paths: Sequence[Path]) -> Trace:
    """Read HAR files, and join their traffic in one trace. API keys are not kept.

    Raises OSError if a file cannot be read. Raises ValueError if a file is invalid. Raises ValueError if the clocks of
    the recorded servers run at different speeds.
    """
    return from_har([document for path in paths for document in load_archives(path)])


def recorded_changes(
    trace: Trace,
    recording: str,
    new: Sequence[Document],
    old: Sequence[Document] = (),
    *,
    strict: bool = False,
) -> list[Change]:
    """Return contradictions between traffic and the new documents, and values that were never recorded.

    `recording` is the name of the recording. If `old` is given, each contradiction's `reason` also says whether
    the traffic agrees with `old`. If `strict` is true, an undocumented value in a response is a breaking
    change. Raises ValueError if no request is sent to an operation of the new documents.
    """
    operations = [operation for document in new for operation in operations_of(document)]
    seen = [*observations(trace, operations)]
    if not any(observation.operation for observation in seen):
        raise ValueError(f"{recording}: contains no request to an operation of the new documents")
    before = _keys(trace, recording, old) if old else None
    changes = [_compared(change, before) for change in contradictions(seen, recording)]
    changes += unrecorded(operations, seen, recording)
    return [
        replace(change, verdict="breaking") if strict and change.lenient else change for change in changes
    ]


def _keys(trace: Trace, recording: str, old: Sequence[Document]) -> set[tuple[str, str, str]]:
    operations = [operation for document in old for operation in operations_of(document)]
    found = contradictions([*observations(trace, operations)], recording)
    return {(change.kind, change.subject, change.field) for change in found}


def _compared(change: Change, before: set[tuple[str, str, str]] | None) -> Change:
    if before is None:
        return change
    is_old = (change.kind, change.subject, change.field) in before
    what = "so do the old documents" if is_old else "the recording agrees with the old documents"
    return replace(change, reason=f"{change.reason}; {what}")
