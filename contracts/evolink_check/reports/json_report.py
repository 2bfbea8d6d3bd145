"""A run as JSON, of a shape that stays: report.schema.json describes it. Members may be added, none goes. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from evolink_check.reports import curl, formatting
from evolink_check.traffic.redaction import redact_text

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.formatting import Violation
    from evolink_check.reports.model import Report

VERSION = 1
_SHOWN = 50  # different violations of a clause


def to_json(report: Report) -> str:
    """The text of the file. Clauses stand in the order of the contract."""
    raw = msgspec.json.encode(as_record(report))
    return f"{msgspec.json.format(raw, indent=2).decode()}\n"


def as_record(report: Report) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "version": VERSION,
        "kind": report.kind,
        "subject": redact_text(report.subject),
        "started": report.started,
        "seconds": report.seconds,
        "command": redact_text(report.command),
        "profile": report.profile,
        "seed": report.seed,
        "budget": report.budget,
        "spent": report.spent,
        "created": report.created,
        "exchanges": len(report.trace.entries),
        "har": report.har,
        "exit_status": report.exit_status,
        "counts": formatting.counts(report),
        "verdicts": [_verdict(report, one) for one in report.verdicts],
        "answers": [asdict(answer) for answer in report.answers],
        "notes": [redact_text(note) for note in report.notes],
    }


def _verdict(report: Report, verdict: Verdict) -> dict[str, Any]:
    clause, found = verdict.clause, formatting.violations(verdict)
    return {
        "clause": clause.id,
        "rule": clause.rule,
        "document": clause.document,
        "pointer": clause.pointer,
        "binds": clause.binds,
        "level": clause.level,
        "choice": clause.choice,
        "status": verdict.status,
        "known": verdict.known,
        "observations": verdict.observations,
        "violation_count": len(verdict.violations),
        "violations": [_violation(report, one) for one in found[:_SHOWN]],
        "repeat": formatting.repeat(report, clause) or None,
    }


def _violation(report: Report, violation: Violation) -> dict[str, Any]:
    entry = formatting.decisive(report, violation)
    return {
        "expected": violation.expected,
        "seen": violation.seen,
        "times": violation.times,
        "entries": list(violation.numbers),
        "request": curl.curl(report, entry) if entry is not None else None,
        "status": entry.exchange.status if entry is not None else None,
    }
