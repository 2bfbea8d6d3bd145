"""A battery as JSON, as `report.schema.json` beside this describes it, and as a badge. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from evolink_check.client.verdicts.remedies import ADVICE

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Finding, Verdict
    from evolink_check.client.reports.summary import Summary
    from evolink_check.client.verdicts.verdicts import ScenarioRun

VERSION = 1


def to_json(summary: Summary) -> str:
    """The whole battery."""
    return json.dumps(_summary(summary), indent=1, ensure_ascii=False) + "\n"


def to_badge(summary: Summary) -> str:
    """The score, as an endpoint of shields.io."""
    colours = {0: "brightgreen", 1: "red", 2: "lightgrey"}
    violated = any(one.violations for one in summary.verdicts)
    colour = "yellow" if summary.exit_status == 0 and violated else colours[summary.exit_status]
    message = f"{summary.passed}/{len(summary.observed)} rules passed"
    return (
        json.dumps({"schemaVersion": 1, "label": "EvoLink client", "message": message, "color": colour})
        + "\n"
    )


def _summary(summary: Summary) -> dict[str, Any]:
    words = Counter(one.status for one in summary.verdicts)
    return {
        "version": VERSION,
        "command": summary.command,
        "exit_status": summary.exit_status,
        "score": {
            **{
                word.replace(" ", "_"): words[word]
                for word in ("passed", "warning", "failed", "not observed")
            },
            "scenarios": len(summary.runs),
            "could_not_run": len(summary.unrun),
        },
        "seed": summary.seed,
        "started": summary.started,
        "seconds": round(summary.seconds, 3),
        "notes": list(summary.notes),
        "clauses": [_clause(one, summary) for one in summary.verdicts],
        "scenarios": [_run(run) for run in summary.runs],
    }


def _clause(verdict: Verdict, summary: Summary) -> dict[str, Any]:
    clause = verdict.clause
    against = [
        run.scenario.id for run in summary.runs if any(one.clause.id == clause.id for one in run.violations)
    ]
    return {
        "id": clause.id,
        "level": clause.level,
        "binds": clause.binds,
        "rule": clause.rule,
        "status": verdict.status,
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
        "status": outcome.status,
        "seconds": round(outcome.ended - outcome.began, 3),
        "requests": sum(one.kind == "exchange" for one in run.trace.entries),
        "problem": run.problem,
        "note": run.note,
        "clauses": {one.clause.id: one.status for one in run.verdicts if one.status != "not observed"},
        "violations": [_violation(one, found, run) for one in run.violations for found in one.violations],
    }


def _violation(verdict: Verdict, found: Finding, run: ScenarioRun) -> dict[str, Any]:
    entries = [run.trace.entries[number] for number in found.entries]
    return {
        "clause": verdict.clause.id,
        "level": verdict.clause.level,
        "expected": found.expected,
        "seen": found.seen,
        "evidence": [
            {
                "at": round(one.began - run.outcome.began, 3),
                "method": one.exchange.method,
                "url": one.exchange.url,
                "status": one.exchange.status,
            }
            for one in entries
        ],
        "advice": ADVICE[verdict.clause.id],
    }
