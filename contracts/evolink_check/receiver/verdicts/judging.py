"""Judge all scenarios of a check of a receiver."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import judge
from evolink_check.client.harness.outcome import Outcome
from evolink_check.client.verdicts.verdicts import ScenarioRun
from evolink_check.receiver.verdicts.case_view import CaseView, usual_behaviour_of
from evolink_check.receiver.verdicts.effect_rules import judge_effects
from evolink_check.receiver.verdicts.output_rules import judge_output
from evolink_check.receiver.verdicts.reply_rules import judge_replies
from evolink_check.receiver.verdicts.scenario_trace import trace_of_scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Finding, Rule
    from evolink_check.client.harness.outcome import End
    from evolink_check.receiver.records import ReceiverActivity, ScenarioRecord, Terms, Timing
    from evolink_check.receiver.verdicts.case_view import Judged
    from evolink_check.receiver.verdicts.scenario_trace import ScenarioTrace

PREFIX = "receiver."
# A receiver learns of a task from its callback, so the receiver cannot query a task whose callbacks do not arrive.
NOT_SEEN_HERE = frozenset({"receiver.fallback"})


def judged_clauses(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """Return the clauses that a check of a receiver judges."""
    return tuple(
        clause for clause in clauses if clause.id.startswith(PREFIX) and clause.id not in NOT_SEEN_HERE
    )


def judge_scenarios(  # noqa: PLR0913, PLR0917  (the records, and what they are judged by)
    records: Sequence[ScenarioRecord],
    activity: ReceiverActivity,
    terms: Terms,
    timing: Timing,
    clauses: Sequence[Clause],
    spec: Spec,
) -> tuple[ScenarioRun, ...]:
    """Judge each scenario, and return its run with its traffic and verdicts."""
    cases = [case for record in records for case in record.cases]
    behaviour = usual_behaviour_of(cases, activity)
    findings: list[tuple[ScenarioRecord, ScenarioTrace, dict[str, list[Finding]]]] = []
    for record in records:
        trace = trace_of_scenario(record, activity)
        by_clause: dict[str, list[Finding]] = {}
        judged: list[Judged] = []
        for case in record.cases:
            view = CaseView(case, trace, activity, behaviour, terms, timing, spec)
            judged += [*judge_replies(view), *judge_effects(view)]
        replies = [(trace.number(call), call) for case in record.cases for call in case.calls]
        judged += judge_output(activity.output if record is records[0] else None, terms, replies)
        for clause, finding in judged:
            by_clause.setdefault(clause, []).append(finding)
        findings.append((record, trace, by_clause))
    if any(not finding.passed for *_, found in findings for finding in found.get("receiver.confirmed", ())):
        for *_, found in findings:  # `receiver.confirmed` reports the same fault more clearly
            found.pop("receiver.asks-back", None)
    return tuple(_run(record, trace, found, clauses, spec) for record, trace, found in findings)


def _run(
    record: ScenarioRecord,
    trace: ScenarioTrace,
    findings: dict[str, list[Finding]],
    clauses: Sequence[Clause],
    spec: Spec,
) -> ScenarioRun:
    accepted = all(case.accepted for case in record.cases)
    end: End = "success" if accepted else "failure"
    outcome = Outcome(end, record.began, max(record.began, record.ended), answers=_answers(record))
    if record.problem:
        return ScenarioRun(record.scenario, trace.trace, outcome, problem=record.problem)
    rules = {clause: _constant(found) for clause, found in findings.items()}
    verdicts = judge(TraceView(trace.trace, spec), clauses, rules)
    return ScenarioRun(record.scenario, trace.trace, outcome, verdicts)


def _answers(record: ScenarioRecord) -> str:
    counts = Counter(call.reply.status for case in record.cases for call in case.calls)
    names = [
        f"{status or 'nothing'}{f' ({count} times)' if count > 1 else ''}" for status, count in counts.items()
    ]
    return ", ".join(names)


def _constant(findings: Sequence[Finding]) -> Rule:
    return lambda _: findings
