"""Write the result of a suite as JSON, according to `report.schema.json` in this folder.

The number of passed clauses can also be written, as JSON for a badge.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.verdicts import severity_of
from evolink_check.client.verdicts.remedies import ADVICE

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Finding, Verdict
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import ScenarioRun

VERSION = 1


def to_json(summary: Summary) -> str:
    """Return the content of the JSON file."""
    return json.dumps(_summary(summary), indent=1, ensure_ascii=False) + "\n"


def to_badge(summary: Summary) -> str:
    """Return the number of passed clauses as JSON for an endpoint badge of shields.io."""
    colours = {0: "brightgreen", 1: "red", 2: "lightgrey"}
    colour = "yellow" if summary.exit_status == 0 and summary.against else colours[summary.exit_status]
    message = f"{summary.counts['passed']}/{len(summary.observed)} rules passed"
    badge = {"schemaVersion": 1, "label": f"EvoLink {summary.subject}", "message": message, "color": colour}
    return json.dumps(badge) + "\n"


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "version": VERSION,
        "subject": summary.subject,
        "command": summary.command,
        "exit_status": summary.exit_status,
        "score": {
            **{status.replace(" ", "_"): count for status, count in summary.counts.items()},
            "scenarios": len(summary.runs),
            "could_not_run": len(summary.unrun),
        },
        "seed": summary.seed,
        "started": summary.started,
        "seconds": round(summary.seconds, 3),
        "notes": list(summary.notes),
        "shortfalls": list(summary.shortfalls),
        "cut_short": summary.cut_short,
        "clauses": [_clause(verdict, summary) for verdict in summary.verdicts],
        "scenarios": [_run(run) for run in summary.runs],
    }


def _clause(verdict: Verdict, summary: Summary) -> dict[str, Any]:
    clause = verdict.clause
    against = [
        run.scenario.id
        for run in summary.runs
        if any(violated.clause.id == clause.id for violated in run.violations)
    ]
    return {
        "id": clause.id,
        "level": clause.level,
        "severity": clause.severity,
        "binds": clause.binds,
        "rule": clause.rule,
        "status": verdict.status,
        "needs": summary.conditions.needs(clause) if verdict.status == "not observed" else None,
        "observations": verdict.observations,
        "advice": ADVICE[clause.id],
        "scenarios": against,
    }


def _run(run: ScenarioRun) -> dict[str, Any]:
    outcome = run.outcome
    return {
        "id": run.scenario.id,
        "about": run.scenario.about,
        "expected": run.scenario.expected,
        "ended": outcome.end,
        "answers": outcome.answers,
        "status": outcome.status,
        "seconds": round(outcome.ended - outcome.began, 3),
        "requests": sum(entry.kind == "exchange" for entry in run.trace.entries),
        "problem": run.problem,
        "note": run.note,
        "clauses": {
            verdict.clause.id: verdict.status for verdict in run.verdicts if verdict.status != "not observed"
        },
        "violations": [
            _violation(verdict, finding, run) for verdict in run.violations for finding in verdict.violations
        ],
    }


def _violation(verdict: Verdict, finding: Finding, run: ScenarioRun) -> dict[str, Any]:
    entries = [run.trace.entries[number] for number in finding.entries]
    return {
        "clause": verdict.clause.id,
        "level": verdict.clause.level,
        "severity": severity_of(verdict.clause, finding),
        "expected": finding.expected,
        "seen": finding.seen,
        "evidence": [
            {
                "at": round(entry.began - run.outcome.began, 3),
                "method": entry.exchange.method,
                "url": entry.exchange.url,
                "status": entry.exchange.status,
            }
            for entry in entries
        ],
        "advice": ADVICE[verdict.clause.id],
    }
