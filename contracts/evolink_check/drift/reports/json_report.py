"""Write a comparison as JSON. The file `report.schema.json` describes the format.

Later versions of the format may add members, but remove none.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_check.drift.records import Change, Place
    from evolink_check.drift.report import DriftReport

VERSION = 1


def to_json(report: DriftReport) -> str:
    """Return the report as JSON."""
    record = {
        "version": VERSION,
        "old": report.old,
        "new": report.new,
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "command": report.command,
        "strict_consumers": report.strict,
        "exit_status": report.exit_status,
        "counts": report.counts,
        "changes": [_change(change) for change in report.changes],
        "notes": list(report.notes),
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "side": change.side,
        "verdict": change.verdict,
        "known": change.known,
        "subject": change.subject,
        "field": change.field,
        "text": change.text,
        "reason": change.reason,
        "old": _place(change.old, change.was),
        "new": _place(change.new, change.now),
        "proof": None if change.proof is None else asdict(change.proof),
    }


def _place(place: Place | None, value: str) -> dict[str, Any] | None:
    return (
        None
        if place is None
        else {"file": place.file, "pointer": place.pointer, "line": place.line or None, "value": value}
    )
