"""Check a receiver in this process, quickly, on a mock that several tests share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evolink_check.client.harness.scenarios import select
from evolink_check.client.verdicts.verdicts import combine
from evolink_check.receiver.delivery.asgi import AsgiSender
from evolink_check.receiver.ledger import Ledger
from evolink_check.receiver.records import Terms, Timing
from evolink_check.receiver.runner import ReceiverPlan, run_plan, without_inapplicable
from evolink_check.receiver.scenarios import scenarios
from evolink_check.receiver.verdicts.judging import judged_clauses
from evolink_spec.clauses import load_clauses

from support.records.trace_builders import SPEC

if TYPE_CHECKING:
    from evolink_check.client.harness.mock_process import Mock
    from evolink_check.receiver.delivery.callback_sender import CallbackSender
    from evolink_check.receiver.runner import ReceiverResult

    from support.receivers.app import Receiver

CLAUSES = judged_clauses(load_clauses())
QUICK = Timing(retries=(0.1, 0.1, 0.2), patience=1.0, quiet=0.1, pause=0.02)
URL = "http://receiver.test/hook"


def plan_for(
    receiver: Receiver,
    mock: Mock,
    *names: str,
    ledger: bool = True,
    limit: float = 5.0,
    patience: float = 1.0,
    **more: Any,
) -> ReceiverPlan:
    """The plan of a check of a receiver; all scenarios without names."""
    url = f"{URL}?secret={receiver.secret}" if receiver.secret else URL
    terms = Terms(url, receiver.secret, key=mock.token)
    timing = replace(QUICK, limit=limit, patience=patience)

    async def open_sender() -> CallbackSender:
        sender = AsgiSender(receiver.app, timing)
        await sender.start()
        return sender

    return ReceiverPlan(
        without_inapplicable(select(scenarios(), names, ()), terms),
        terms,
        open_sender,
        mock,
        f"other-{mock.token}",
        SPEC,
        CLAUSES,
        timing,
        ledger=Ledger(lambda: list(receiver.booked)) if ledger else None,
        read_output=lambda: "\n".join(receiver.output),
        **{"burst": 8, "seed": 1, **more},
    )


async def check(receiver: type[Receiver], mock: Mock, *names: str, **more: Any) -> ReceiverResult:
    """Run and judge."""
    return await run_plan(plan_for(receiver(mock.url, mock.token), mock, *names, **more))


def violations(result: ReceiverResult) -> dict[str, list[str]]:
    """What was seen against each clause that is violated, warnings included."""
    return {
        verdict.clause.id: [found.seen for found in verdict.violations]
        for verdict in combine(result.runs, CLAUSES)
        if verdict.violations
    }
