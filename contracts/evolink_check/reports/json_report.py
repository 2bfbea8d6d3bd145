"""Write a report as JSON, in the format that report.schema.json describes.

Later versions of the format may add members, but remove none.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from evolink_check.reports import curl, formatting

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.formatting import Violation
    from evolink_check.reports.model import Report

VERSION = 1
_SHOWN = 50  # maximum number of different violations listed for a clause


def to_json(report: Report) -> str:
    """Return the content of the JSON file."""
    raw = msgspec.json.encode(as_record(report))
    return f"{msgspec.json.format(raw, indent=2).decode()}\n"


def as_record(report: Report) -> dict[str, Any]:
    """Return the report as a dictionary that can be written as JSON."""
    return {
        "version": VERSION,
        "kind": report.kind,
        "subject": report.subject,
        "started": report.started,
        "seconds": report.seconds,
        "command": report.command,
        "profile": report.profile,
        "seed": report.seed,
        "budget": report.budget,
        "spent": report.spent,
        "created": report.created,
        "exchanges": len(report.evidence),
        "har": report.har,
        "exit_status": report.exit_status,
        "cut_short": report.cut_short,
        "counts": formatting.counts(report.verdicts),
        "verdicts": [_verdict(report, verdict) for verdict in report.verdicts],
        "answers": [asdict(answer) for answer in report.answers],
        "notes": list(report.notes),
        "shortfalls": list(report.shortfalls),
    }


def _verdict(report: Report, verdict: Verdict) -> dict[str, Any]:
    clause, violations = verdict.clause, formatting.violations(verdict)
    return {
        "clause": clause.id,
        "rule": clause.rule,
        "document": clause.document,
        "pointer": clause.pointer,
        "binds": clause.binds,
        "level": clause.level,
        "severity": clause.severity,
        "choice": clause.choice,
        "status": verdict.status,
        "needs": report.conditions.needs(clause) if verdict.status == "not observed" else None,
        "known": verdict.known,
        "observations": verdict.observations,
        "violation_count": verdict.violation_count,
        "violations": [_violation(report, violation) for violation in violations[:_SHOWN]],
        "repeat": formatting.repeat_command(report, clause) or None,
    }


def _violation(report: Report, violation: Violation) -> dict[str, Any]:
    excerpt = formatting.decisive_excerpt(report, violation)
    return {
        "expected": violation.expected,
        "seen": violation.seen,
        "times": violation.times,
        "entries": list(violation.numbers),
        "request": curl.curl(report, excerpt) if excerpt else None,
        "status": excerpt.entry.exchange.status if excerpt else None,
    }
