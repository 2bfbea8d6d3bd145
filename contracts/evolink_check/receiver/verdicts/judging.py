"""Judge everything that was played: a run with verdicts for each scenario."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import judge
from evolink_check.client.harness.outcome import Outcome
from evolink_check.client.verdicts.verdicts import ScenarioRun
from evolink_check.receiver.verdicts.case_view import CaseView, habits_of
from evolink_check.receiver.verdicts.effect_rules import judge_effects
from evolink_check.receiver.verdicts.output_rules import judge_output
from evolink_check.receiver.verdicts.reply_rules import judge_replies
from evolink_check.receiver.verdicts.scenario_trace import trace_of_play

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Finding, Rule
    from evolink_check.client.harness.outcome import End
    from evolink_check.receiver.records import Conduct, Play, Terms, Timing
    from evolink_check.receiver.verdicts.case_view import Judged
    from evolink_check.receiver.verdicts.scenario_trace import PlayTrace

PREFIX = "receiver."
NOT_SEEN_HERE = frozenset({"receiver.fallback"})  # a client makes the tasks, and would query them


def judged_clauses(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """The clauses that a check of a receiver judges."""
    return tuple(
        clause for clause in clauses if clause.id.startswith(PREFIX) and clause.id not in NOT_SEEN_HERE
    )


def judge_plays(  # noqa: PLR0913, PLR0917  (what was seen, and by what it is judged)
    plays: Sequence[Play],
    conduct: Conduct,
    terms: Terms,
    timing: Timing,
    clauses: Sequence[Clause],
    spec: Spec,
) -> tuple[ScenarioRun, ...]:
    """A run for each scenario, with its verdicts."""
    cases = [case for play in plays for case in play.cases]
    habits = habits_of(cases, conduct)
    findings: list[tuple[Play, PlayTrace, dict[str, list[Finding]]]] = []
    for play in plays:
        trace = trace_of_play(play, conduct)
        by_clause: dict[str, list[Finding]] = {}
        judged: list[Judged] = []
        for case in play.cases:
            view = CaseView(case, trace, conduct, habits, terms, timing, spec)
            judged += [*judge_replies(view), *judge_effects(view)]
        replies = [(trace.number(call), call) for case in play.cases for call in case.calls]
        judged += judge_output(conduct.output if play is plays[0] else None, terms, replies)
        for clause, finding in judged:
            by_clause.setdefault(clause, []).append(finding)
        findings.append((play, trace, by_clause))
    if any(not finding.passed for *_, found in findings for finding in found.get("receiver.confirmed", ())):
        for *_, found in findings:  # the same fault, told more clearly
            found.pop("receiver.asks-back", None)
    return tuple(_run(play, trace, found, clauses, spec) for play, trace, found in findings)


def _run(
    play: Play, trace: PlayTrace, findings: dict[str, list[Finding]], clauses: Sequence[Clause], spec: Spec
) -> ScenarioRun:
    accepted = all(case.accepted for case in play.cases)
    end: End = "success" if accepted else "failure"
    outcome = Outcome(end, play.began, max(play.began, play.ended), answers=_answers(play))
    if play.problem:
        return ScenarioRun(play.scenario, trace.trace, outcome, problem=play.problem)
    rules = {clause: _constant(found) for clause, found in findings.items()}
    verdicts = judge(TraceView(trace.trace, spec), clauses, rules)
    return ScenarioRun(play.scenario, trace.trace, outcome, verdicts)


def _answers(play: Play) -> str:
    """The different statuses of a scenario, each with how often it was answered."""
    counts = Counter(call.reply.status for case in play.cases for call in case.calls)
    names = [
        f"{status or 'nothing'}{f' ({count} times)' if count > 1 else ''}" for status, count in counts.items()
    ]
    return ", ".join(names)


def _constant(findings: Sequence[Finding]) -> Rule:
    return lambda _: findings
