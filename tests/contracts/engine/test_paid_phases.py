"""In which order a run with a budget does what it does, and that nothing of it is lost."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from evolink_check.engine.paid_phases import end_of_watch, open_receiver
from evolink_check.engine.preflight import CouldNotRunError
from evolink_check.engine.run_plan import SCHEMATHESIS_TASKS, plan_run
from evolink_check.engine.runner import check_api
from evolink_check.engine.task_pool import TaskPool
from evolink_check.fuzzing import schemathesis_check
from evolink_check.generation import boundary_cases, strategies
from evolink_check.settings import Effort, Failing
from evolink_check.transport.callback_script import CLOSE
from evolink_check.transport.recorder import RunRecorder
from evolink_check.transport.target import OutOfTimeError
from evolink_spec.clauses import load_clauses
from support.mocks.mock_process import free_port
from support.mocks.targets import SCALE, quick_mock, subject_at
from support.real_time import NEEDS_A_QUIET_MACHINE
from support.records.trace_builders import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.engine.task_plan import PlannedTask
    from evolink_check.reports.model import Report
    from evolink_check.settings import Subject

CLAUSES = load_clauses()
EFFORT = Effort(examples=1, task_seconds=10.0, seconds=60.0, max_credits=150.0)
FAILS = (Failing("service_error", {"prompt": "[[fail=service_error]]"}),)
EXPLORE = schemathesis_check.run_schemathesis


@pytest.fixture(autouse=True)
def few_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of each: here it counts when they are sent."""
    negative, creating = (
        boundary_cases.invalid_creates(SPEC, subject_at(""))[::20],
        boundary_cases.valid_creates,
    )
    monkeypatch.setattr(boundary_cases, "invalid_creates", lambda *_: negative)
    monkeypatch.setattr(boundary_cases, "read_only_cases", lambda *_: ())
    monkeypatch.setattr(boundary_cases, "valid_creates", lambda *given: creating(*given)[:2])
    monkeypatch.setattr(boundary_cases, "risky_creates", lambda *_: ())
    monkeypatch.setattr(strategies, "free_strategies", lambda *_: ())
    monkeypatch.setattr(strategies, "paid_strategies", lambda *_: ())
    monkeypatch.setattr(
        schemathesis_check,
        "run_schemathesis",
        lambda *_, **__: schemathesis_check.SchemathesisFindings({}, 0),
    )
    monkeypatch.setattr("evolink_check.engine.task_follower.fetch", lambda *_: None)
    monkeypatch.setattr(
        "evolink_check.engine.task_plan.never", lambda _: CLOSE
    )  # the mock's ten seconds are real ones
    monkeypatch.setattr(
        "evolink_check.engine.task_pool.Tolerances", lambda _: SimpleNamespace(credits_settled=0.0)
    )


@pytest.fixture(scope="module")
def watched() -> Iterator[Subject]:
    """A mock that calls us back, and one request that fails."""
    port = free_port()
    with quick_mock(allow_callbacks_to=(f"127.0.0.1:{port}",)) as url:
        place, listen = f"http://127.0.0.1:{port}", ("127.0.0.1", port)
        yield subject_at(url, failing=FAILS, scale=SCALE, callback_url=place, callback_listen=listen)


def check(subject: Subject, effort: Effort = EFFORT) -> Report:
    return check_api(subject, effort, spec=SPEC, clauses=CLAUSES)


def words(report: Report) -> dict[str, str]:
    return {verdict.clause.id: verdict.status for verdict in report.verdicts}


def sent(report: Report, beginning: str) -> list[float]:
    """When the creates whose case begins so were sent."""
    return [
        one.began
        for one in report.trace.entries
        if one.case.startswith(beginning) and one.exchange.method == "POST" and one.kind == "exchange"
    ]


@NEEDS_A_QUIET_MACHINE
def test_callbacks_are_waited_for_while_what_is_free_goes_on(watched: Subject) -> None:
    report = check(watched)
    assert report.exit_status == 0
    calling, free = sent(report, "callback: "), sent(report, "a callback to")
    assert len(calling) == 6
    assert max(sent(report, "known failure")) < min(calling + free), "what it takes has to show"
    called = [one.began for one in report.trace.entries if one.kind == "delivery"]
    assert max(free) < max(called), "a callback was still to come when all of it was sent"
    assert words(report)["callback.only-when-asked"] == "passed", (
        "one that does not call back is watched as long"
    )


@NEEDS_A_QUIET_MACHINE
def test_with_little_to_spend_what_is_free_comes_first(watched: Subject) -> None:
    report = check(watched, replace(EFFORT, max_credits=25.0))
    assert report.created == 5
    assert max(sent(report, "a callback to")) < min(sent(report, "known failure"))


@NEEDS_A_QUIET_MACHINE
def test_schemathesis_makes_tasks_that_are_followed_to_their_end(
    watched: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def explore(*given: Any, creates: int = 0) -> schemathesis_check.SchemathesisFindings:
        told.append(creates)
        return EXPLORE(*given, creates=creates) if creates else schemathesis_check.SchemathesisFindings({}, 0)

    monkeypatch.setattr(schemathesis_check, "run_schemathesis", explore)
    quiet = replace(watched, callback_url="", callback_listen=None)
    report = check(quiet)
    assert told == [0, SCHEMATHESIS_TASKS]
    made = [one for one in report.trace.entries if one.case == "Schemathesis"]
    creates = [one for one in made if one.exchange.method == "POST"]
    assert [one.exchange.status for one in creates] == [200] * SCHEMATHESIS_TASKS
    assert any(one.exchange.method == "GET" for one in made), "the link of the documents"
    ended = [one for one in report.trace.entries if one.case == "Schemathesis: query"]
    assert sum(b'"status":"completed"' in one.exchange.response_body for one in ended) >= SCHEMATHESIS_TASKS
    assert report.created <= plan_run(quiet, EFFORT, SPEC, CLAUSES).estimate.tasks
    assert report.exit_status == 0


@pytest.mark.parametrize("block", [None, OutOfTimeError("stopped")])
def test_a_bug_beside_the_free_phases_is_no_pass(
    watched: Subject, monkeypatch: pytest.MonkeyPatch, block: OutOfTimeError | None
) -> None:
    def buggy(_: TaskPool, tasks: list[PlannedTask], __: Any) -> None:
        if any(task.address for task in tasks):
            raise ZeroDivisionError

    monkeypatch.setattr(TaskPool, "follow_all", buggy)
    if block:
        monkeypatch.setattr("evolink_check.engine.phases.Run.free", lambda _: (_ for _ in ()).throw(block))
    with pytest.raises(CouldNotRunError, match="ZeroDivisionError"):
        check(watched)


def test_what_stops_the_free_phases_stops_what_is_beside_them(
    watched: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("evolink_check.engine.phases.Run.free", interrupted)
    report = check(watched)
    assert report.cut_short == "cut short: stopped"
    assert len(sent(report, "callback: ")) <= 6
    assert sent(report, "a callback to") == []


def test_a_trusted_callback_url_is_not_fetched_and_that_nothing_arrived_at_all_is_no_violation() -> None:
    subject = subject_at(
        "http://127.0.0.1:1",
        callback_url="https://hooks.example.test/in",
        callback_listen=("127.0.0.1", 0),
        callback_trust=True,
    )
    target = SimpleNamespace(recorder=RunRecorder({}))  # without `fetch_external`
    run: Any = SimpleNamespace(subject=subject, target=target, notes=[])
    with ExitStack() as stack:
        receiver = open_receiver(run, stack)
        assert receiver is not None
        address = receiver.address("a case")
        assert end_of_watch(run, receiver) == 0.0
        (note,) = run.notes
        assert "nothing arrived at all at https://hooks.example.test/in" in note
        receiver.begin_delivery(urlsplit(address).path)
        assert end_of_watch(run, receiver) > 0.0
        assert run.notes == [note]
