"""Print lines on stderr during a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.engine.run_plan import Estimate
    from evolink_check.settings import Effort


def say(line: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(f"evolink-check: {line}\n")
    sys.stderr.flush()


def cost_estimate_line(effort: Effort, estimate: Estimate) -> str:
    """Return the line about the cost of a run.

    With `--max-credits`, the line has the maximum cost from `estimate`, and the budget. Without `--max-credits`, the
    line says what is not tested.
    """
    if effort.max_credits is None:
        return (
            "no --max-credits: nothing is sent that could create a task, so create responses, progress, results, "
            "callbacks and charges are not observed"
        )
    return f"up to {estimate.tasks} tasks, {estimate.credits:g} credits; budget {effort.max_credits:g}"


def violation_line(verdict: Verdict) -> str:
    """Return one line about a violated clause. The line describes the latest violation."""
    violation = verdict.violations[-1]
    return f"{verdict.status}  {verdict.clause.id}: {violation.seen}; expected: {violation.expected}"
