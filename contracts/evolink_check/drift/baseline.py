"""Read and write the baseline of a comparison, a file of known breaking changes.

A known breaking change does not make a comparison fail. The file has the same format as the baseline of known
violations (`reports/baseline.py`). An entry matches a change with the same kind, operation, field and
values. File names and JSON pointers are not compared.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from evolink_check.reports.baseline import Baseline, KnownViolation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_check.drift.records import Change


def baseline_of(changes: Iterable[Change]) -> Baseline:
    """Return a baseline that contains every breaking change."""
    return Baseline(
        tuple(sorted({_baseline_entry(change) for change in changes if change.verdict == "breaking"}))
    )


def mark_known(changes: Iterable[Change], baseline: Baseline) -> tuple[Change, ...]:
    """Return the changes, and set `known` for each breaking change in the baseline."""
    known = {(entry.clause, entry.fingerprint) for entry in baseline.known}
    return tuple(
        replace(change, known=change.verdict == "breaking" and _key(_baseline_entry(change)) in known)
        for change in changes
    )


def notes_on_resolved(changes: Iterable[Change], baseline: Baseline) -> tuple[str, ...]:
    """Return a note for each change in the baseline that no longer occurs."""
    seen = {_key(_baseline_entry(change)) for change in changes}
    return tuple(
        f"{entry.clause}: {entry.seen!r} is in the baseline but no longer occurs"
        for entry in baseline.known
        if _key(entry) not in seen
    )


def _key(entry: KnownViolation) -> tuple[str, str]:
    return entry.clause, entry.fingerprint


def fingerprint_of(change: Change) -> str:
    """Return the hash that identifies a change in the baseline file."""
    identity = f"{change.kind}\n{change.subject}\n{change.field}\n{change.was}\n{change.now}"
    return sha256(identity.encode("utf-8", "replace")).hexdigest()[:16]


def _baseline_entry(change: Change) -> KnownViolation:
    seen = f"{change.field}: {change.text}" if change.field else change.text
    return KnownViolation(f"drift.{change.kind}", fingerprint_of(change), change.subject, seen)
