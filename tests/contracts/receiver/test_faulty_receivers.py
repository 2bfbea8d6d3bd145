"""Every fault is caught by its clause and by no other; honest receivers raise nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from evolink_check.client.harness.mock_process import Mock, new_token
from evolink_check.receiver.runner import run_plan
from support.receivers.app import HONEST, Receiver
from support.receivers.checking import CLAUSES, check, plan_for, violations
from support.receivers.faulty import FAULTS, Fault

if TYPE_CHECKING:
    from evolink_check.receiver.delivery.callback_sender import CallbackSender
    from evolink_check.receiver.runner import ReceiverResult

# Beside the scenario of the fault, to see that no other clause accuses it.
OTHERS = ("completed", "failed", "twice", "forged-id", "api-500")
ONLY_A_WARNING = "receiver.asks-back"
JUDGED = sorted({clause.id for clause in CLAUSES} - {ONLY_A_WARNING})


async def check_fault(fault: Fault, url: str) -> ReceiverResult:
    mock = Mock(url, new_token(), {}, alone=fault.reset)
    names = (fault.scenario, *(OTHERS if fault.ledger else OTHERS[:1]))  # without one, results are rendered
    return await check(fault.receiver, mock, *names, ledger=fault.ledger, limit=fault.limit)


async def check_all(faults: list[Fault], url: str) -> list[ReceiverResult]:
    return await asyncio.gather(*(check_fault(fault, url) for fault in faults))


def clauses_in(result: ReceiverResult, scenario: str) -> list[str]:
    run = next(run for run in result.runs if run.scenario.id == scenario)
    return [verdict.clause.id for verdict in run.violations]


@pytest.mark.parametrize("clause", JUDGED)
def test_a_fault_is_caught_by_its_clause_and_no_other(clause: str, mock_url: str) -> None:
    faults = [fault for fault in FAULTS if fault.clause == clause]
    results = asyncio.run(check_all(faults, mock_url))
    assert faults
    by_fault = {fault.name: result for fault, result in zip(faults, results, strict=True)}
    assert {name: set(violations(result)) for name, result in by_fault.items()} == {
        name: {clause} for name in by_fault
    }
    assert "s3cret" not in str([violations(result) for result in results])
    for fault in faults:
        assert clauses_in(by_fault[fault.name], fault.scenario) == [clause]


@pytest.mark.parametrize("receivers", [HONEST[:3], HONEST[3:]], ids=["with a secret", "otherwise"])
def test_honest_receivers_raise_nothing(receivers: tuple[type[Receiver], ...], mock_url: str) -> None:
    async def check_honest() -> list[ReceiverResult]:
        mocks = [Mock(mock_url, new_token(), {}) for _ in receivers]
        return await asyncio.gather(
            *(check(receiver, mock, patience=8.0) for receiver, mock in zip(receivers, mocks, strict=True))
        )

    results = asyncio.run(check_honest())
    assert [violations(result) for result in results] == [{} for _ in receivers]
    assert not any(run.problem for result in results for run in result.runs)


def test_there_are_faults_of_every_kind() -> None:
    assert len(FAULTS) >= 25
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_a_check_that_is_stopped_before_the_receiver_listens_ends_at_once(mock_url: str) -> None:
    async def never() -> CallbackSender:
        plan.stop.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    mock = Mock(mock_url, new_token(), {})
    plan = replace(plan_for(Receiver(mock_url, mock.token), mock), open_sender=never)
    assert asyncio.run(run_plan(plan)).runs == ()
