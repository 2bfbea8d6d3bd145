from __future__ import annotations

import threading
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from evolink_check.engine import runner
from evolink_check.engine.preflight import CouldNotRunError, preflight, remaining
from evolink_check.engine.run_plan import Estimate, plan_run
from evolink_check.engine.runner import PROFILES, Progress, check_api
from evolink_check.fuzzing import schemathesis_check
from evolink_check.generation import boundary_cases, strategies
from evolink_check.rules.tolerances import Tolerances
from evolink_check.settings import Effort, Failing
from evolink_check.transport.callback_script import CLOSE
from evolink_check.transport.downloads import fetch
from evolink_check.transport.recorder import RunRecorder
from evolink_mock import MockServer
from evolink_spec.clauses import load_clauses
from support.mocks.mock_process import free_port
from support.mocks.targets import CREDITS, SCALE, account_of, quick_mock, subject_at, target_of
from support.real_time import NEEDS_A_QUIET_MACHINE
from support.records.trace_builders import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.generation.case import Case
    from evolink_check.reports.model import Report
    from evolink_check.settings import Subject
    from evolink_check.traffic.trace import Entry

CLAUSES = load_clauses()
FEW = Effort(examples=1, task_seconds=10.0, seconds=60.0)
FAILS = (Failing("service_error", {"prompt": "[[fail=service_error]]"}),)


@cache
def refused(negative: Any = boundary_cases.invalid_creates) -> tuple[Case, ...]:
    cases: tuple[Case, ...] = negative(SPEC, subject_at(""))
    internal = [case for case in cases if "callback.no-internal" in case.clauses]
    return (*cases[::20], *internal[:2])


@pytest.fixture(autouse=True)
def few_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others test what is sent in the free phases; here a few of each do."""
    read_only, creating, guarded = (
        boundary_cases.read_only_cases,
        boundary_cases.valid_creates,
        boundary_cases.risky_creates,
    )
    monkeypatch.setattr(boundary_cases, "invalid_creates", lambda *_: refused())
    monkeypatch.setattr(boundary_cases, "read_only_cases", lambda *given: read_only(*given)[::8])
    monkeypatch.setattr(boundary_cases, "valid_creates", lambda *given: creating(*given)[:2])
    monkeypatch.setattr(boundary_cases, "risky_creates", lambda *given: guarded(*given)[:2])
    monkeypatch.setattr(strategies, "free_strategies", lambda *_: ())
    monkeypatch.setattr(strategies, "paid_strategies", lambda *_: ())
    monkeypatch.setattr(
        schemathesis_check,
        "run_schemathesis",
        lambda *_, **__: schemathesis_check.SchemathesisFindings({}, 0),
    )
    monkeypatch.setattr(
        "evolink_check.engine.task_follower.fetch", lambda *_: None
    )  # a mock takes its time to render
    monkeypatch.setattr(
        "evolink_check.engine.task_pool.Tolerances", lambda _: SimpleNamespace(credits_settled=0.0)
    )
    monkeypatch.setattr("evolink_check.engine.task_follower._AFTER", 1)


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(duration="50ms", allow_callbacks_to=()) as running:
        yield running


def check(subject: Subject, effort: Effort = FEW, **more: Any) -> Report:
    return check_api(subject, effort, spec=SPEC, clauses=CLAUSES, **more)


def words(report: Report) -> dict[str, str]:
    return {verdict.clause.id: verdict.status for verdict in report.verdicts}


def failures_of(report: Report) -> dict[str, str]:
    return {
        verdict.clause.id: verdict.violations[0].seen
        for verdict in report.verdicts
        if verdict.status == "failed"
    }


def test_a_run_without_a_budget_makes_no_task_and_says_so(mock: MockServer) -> None:
    subject = subject_at(mock.base_url)
    account = account_of(mock, subject)
    report = check(subject)
    assert account.tasks == []
    assert {one.method for one in account.requests if one.status == 200} == {"GET"}
    assert (report.created, report.spent, report.budget) == (0, 0.0, None)
    assert any("no credits were granted" in note and " of link.*" in note for note in report.notes)
    assert (failures_of(report), report.exit_status) == ({}, 0)
    assert words(report)["query.unknown-id"] == words(report)["credits.reserved"] == "passed"


def test_a_budget_is_never_exceeded(mock: MockServer) -> None:
    subject = subject_at(mock.base_url)
    account = account_of(mock, subject, credits=1000)
    report = check(subject, replace(FEW, max_credits=8.0))
    assert account.state.used == 5
    assert (len(account.tasks), report.created, report.spent) == (1, 1, 5.0)
    assert any("were not created" in note for note in report.notes)
    assert failures_of(report) == {}


def test_a_budget_below_the_price_of_a_task_is_refused_before_anything_is_sent(mock: MockServer) -> None:
    subject = subject_at(mock.base_url)
    account = account_of(mock, subject)
    with pytest.raises(CouldNotRunError, match="3 credits are not enough for a task, which costs 5"):
        check(subject, replace(FEW, max_credits=3.0))
    assert account.requests == []


def test_a_budget_of_nothing_is_none(mock: MockServer) -> None:
    report = check(subject_at(mock.base_url), replace(FEW, max_credits=0.0))
    assert (report.budget, report.created) == (None, 0)
    statuses = {one.exchange.status for one in report.trace.entries if one.exchange.method == "POST"}
    assert statuses == {400}, "what ought to be refused is sent"


def test_of_a_clause_that_needs_no_task_nothing_is_said_to_be_lacking(mock: MockServer) -> None:
    report = check(subject_at(mock.base_url), replace(FEW, clauses=frozenset({"query.unknown-id"})))
    assert report.notes == ("no credits were granted: nothing was sent that creates a task",)


@NEEDS_A_QUIET_MACHINE
def test_a_whole_run_sees_lives_links_credits_and_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evolink_check.engine.task_follower.fetch", fetch)
    monkeypatch.setattr("evolink_check.engine.task_pool.Tolerances", Tolerances)
    monkeypatch.setattr(
        "evolink_check.engine.task_plan.never", lambda _: CLOSE
    )  # the mock's ten seconds are real ones
    port = free_port()
    with quick_mock(allow_callbacks_to=(f"127.0.0.1:{port}",)) as url:
        subject = subject_at(
            url,
            failing=FAILS,
            scale=SCALE,
            callback_url=f"http://127.0.0.1:{port}",
            callback_listen=("127.0.0.1", port),
            advance_url=f"{url}/__mock__/clock/advance",
        )
        report = check(subject, replace(FEW, max_credits=100.0))
    assert failures_of(report) == {}
    seen = words(report)
    for clause in (
        *(
            "task.final",
            "task.status-order",
            "result.duration",
            "link.24h",
            "link.expired",
            "query.own-tasks",
        ),
        *("credits.reserved", "credits.refund", "query.reads-only", "callback.after-billing"),
        *("callback.retries", "callback.at-most-three", "callback.no-redirects"),
        *(
            "callback.any-failure",
            "callback.2xx-success",
            "callback.body-equals-query",
            "callback.only-when-asked",
        ),
    ):
        assert seen[clause] == "passed", clause
    assert report.trace.watched_until > 0
    assert report.notes == ()


def test_a_receiver_that_is_not_reached_is_not_watched(mock: MockServer) -> None:
    subject = subject_at(
        mock.base_url, callback_url=mock.base_url, callback_listen=("127.0.0.1", free_port())
    )
    report = check(subject, replace(FEW, max_credits=5.0))
    assert any("callbacks were not watched" in note for note in report.notes)
    assert (report.trace.receiver, words(report)["callback.at-end"]) == ("", "not observed")


def test_a_port_that_cannot_be_listened_on_is_a_reason_not_to_run(mock: MockServer) -> None:
    port = int(mock.base_url.rpartition(":")[2])
    subject = subject_at(
        mock.base_url, callback_url="http://127.0.0.1:1", callback_listen=("127.0.0.1", port)
    )
    with pytest.raises(CouldNotRunError, match=f"cannot listen on 127.0.0.1:{port}"):
        check(subject, replace(FEW, max_credits=5.0))


def test_only_what_a_clause_needs_is_sent(mock: MockServer) -> None:
    subject = subject_at(mock.base_url)
    report = check(subject, replace(FEW, clauses=frozenset({"query.unknown-id"})))
    assert list(words(report).items()) == [("query.unknown-id", "passed")]
    assert {entry.exchange.method for entry in report.trace.entries} == {"GET"}


def test_what_cannot_be_observed_here_is_not(mock: MockServer) -> None:
    report = check(subject_at(mock.base_url, cannot=frozenset({"query.unknown-id"})))
    assert words(report)["query.unknown-id"] == "not observed"


def test_a_server_that_is_not_there_cannot_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evolink_check.transport.target._RETRY_SECONDS", ())
    with pytest.raises(CouldNotRunError, match="cannot be reached") as problem:
        check(subject_at(f"http://127.0.0.1:{free_port()}"))
    assert problem.value.report is None


def test_a_base_url_with_the_version_in_it_is_said_to_be_one(mock: MockServer) -> None:
    with pytest.raises(CouldNotRunError, match=r"nothing found at .*/v1: remove the version"):
        check(subject_at(f"{mock.base_url}/v1"))


def test_a_key_that_is_refused_is_said_to_be() -> None:
    with MockServer(tokens=["another"]) as strict, pytest.raises(CouldNotRunError, match="refuses the key"):
        check(subject_at(strict.base_url))


def test_a_server_that_dies_in_the_middle_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evolink_check.transport.target._RETRY_SECONDS", ())
    running = MockServer()
    running.__enter__()
    sent = 0

    def tell(progress: Progress) -> None:
        nonlocal sent
        sent += 1
        if progress.phase == "invalid requests" and progress.done == 1:
            running.__exit__()

    with pytest.raises(CouldNotRunError, match="stopped responding in the middle") as problem:
        check(subject_at(running.base_url), replace(FEW, jobs=1), progress=tell)
    assert problem.value.report is not None
    assert words(problem.value.report)["query.unknown-id"] == "passed"


def test_a_bug_in_a_rule_is_no_pass(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(_: object) -> tuple[()]:
        raise ZeroDivisionError

    monkeypatch.setattr(runner, "RULES", {"credits.shape": buggy})
    with pytest.raises(CouldNotRunError, match=r"(?s)a check failed.*Traceback.*ZeroDivisionError"):
        check(subject_at(mock.base_url))


def test_a_bug_in_a_phase_is_no_pass(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(*_: object) -> tuple[()]:
        raise ZeroDivisionError

    monkeypatch.setattr(boundary_cases, "invalid_creates", buggy)
    with pytest.raises(
        CouldNotRunError, match=r"(?s)a phase of the run failed.*ZeroDivisionError"
    ) as problem:
        check(subject_at(mock.base_url))
    assert problem.value.report is not None, "what was seen until then is not lost"
    assert words(problem.value.report)["query.unknown-id"] == "passed"


def test_a_bug_in_a_thread_is_no_pass(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(*_: object) -> None:
        raise ZeroDivisionError

    stop = threading.Event()
    monkeypatch.setattr("evolink_check.engine.task_follower.TaskFollower.poll", buggy)
    with pytest.raises(CouldNotRunError, match="ZeroDivisionError"):
        check(subject_at(mock.base_url), replace(FEW, max_credits=10.0), stop=stop)
    assert stop.is_set()


@pytest.mark.parametrize("how", ["stop", "interrupt"])
def test_who_stops_a_run_gets_what_there_is(mock: MockServer, how: str) -> None:
    stop = threading.Event()

    def tell(progress: Progress) -> None:
        if progress.phase == "invalid requests" and progress.done == 0:
            if how == "interrupt":
                raise KeyboardInterrupt
            stop.set()

    report = check(subject_at(mock.base_url), progress=tell, stop=stop)
    assert words(report)["query.unknown-id"] == "passed"
    assert words(report)["mode.enum"] == "not observed"
    assert report.cut_short == "cut short: stopped"
    assert not [note for note in report.notes if "ended early" in note], "that is said once"
    assert stop.is_set()


def test_a_run_that_is_stopped_before_the_first_answer_says_so(mock: MockServer) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(CouldNotRunError, match="stopped before the server answered") as caught:
        check(subject_at(mock.base_url), stop=stop)
    assert caught.value.report is None


def test_a_run_that_is_out_of_time_says_so(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    target_left = iter([9.0] * 40)
    monkeypatch.setattr("evolink_check.transport.target.Target.left", lambda _: next(target_left, 0.0))
    report = check(subject_at(mock.base_url))
    assert report.cut_short == "cut short: the time of the run is over"
    assert len(report.trace.entries) < 40


def test_a_task_of_what_ought_to_be_refused_is_reported_and_counted() -> None:
    with MockServer(allow_callbacks_to=("127.0.0.1",)) as careless:
        subject = subject_at(careless.base_url)
        report = check(subject, replace(FEW, clauses=frozenset({"callback.no-internal"})))
    assert failures_of(report) == {"callback.no-internal": "200"}
    assert 1 <= report.created <= FEW.jobs
    assert (report.spent, report.exit_status) == (5.0 * report.created, 1)
    assert any("callback.no-internal" in note and "cost credits" in note for note in report.notes)


def test_with_a_receiver_that_a_server_was_permitted_to_call_internal_hosts_are_not_observed() -> None:
    port = free_port()
    with MockServer(allow_callbacks_to=("127.0.0.1",), duration="50ms") as permitted:
        subject = subject_at(
            permitted.base_url,
            callback_url=f"http://127.0.0.1:{port}",
            callback_listen=("127.0.0.1", port),
        )
        report = check(
            subject,
            replace(FEW, max_credits=100.0, clauses=frozenset({"callback.no-internal", "callback.post"})),
        )
    assert words(report)["callback.no-internal"] == "not observed"


def test_progress_counts_up_to_the_total(mock: MockServer) -> None:
    told: list[Progress] = []
    check(subject_at(mock.base_url), progress=told.append)
    refused = [one for one in told if one.phase == "invalid requests"]
    assert [one.done for one in refused] == list(range(refused[0].total + 1))
    assert refused[0].total > 5


def test_findings_of_schemathesis_name_the_entries_of_the_trace(
    mock: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evolink_check.analysis.verdicts import violation

    def explore(_: object, send: Any, *__: object, **___: object) -> schemathesis_check.SchemathesisFindings:
        entry: Entry = send(replace(CREDITS, name="strange"))
        found = violation(entry.number, expected="a", seen="b")
        send(replace(CREDITS, name="later"))
        return schemathesis_check.SchemathesisFindings({"credits.shape": (found,)}, 2)

    def with_findings(rules: Any, strange: schemathesis_check.SchemathesisFindings) -> Any:
        return {**rules, "credits.shape": lambda _: strange.findings["credits.shape"]}

    monkeypatch.setattr(schemathesis_check, "run_schemathesis", explore)
    monkeypatch.setattr(schemathesis_check, "with_findings", with_findings)
    monkeypatch.setattr(
        RunRecorder, "_ordered", lambda self: sorted(self.entries(), key=lambda one: one.case)
    )
    report = check(subject_at(mock.base_url))
    (found,) = (verdict for verdict in report.verdicts if verdict.clause.id == "credits.shape")
    (number,) = found.violations[0].entries
    assert (report.trace.entries[number].case, report.trace.entries[number].number) == ("strange", number)


# Before and after


def estimated(subject: Subject, effort: Effort) -> Estimate:
    return plan_run(subject, effort, SPEC, CLAUSES).estimate


def test_an_estimate_is_nothing_without_a_budget_and_at_most_what_was_granted() -> None:
    subject = subject_at("https://api.example.test", failing=FAILS)
    assert estimated(subject, FEW).tasks == 0
    small = estimated(subject, replace(FEW, max_credits=13.0))
    assert (small.tasks, small.credits) == (2, 10.0)
    large = estimated(subject, replace(FEW, max_credits=1000.0))
    assert 3 < large.tasks <= FEW.tasks
    assert large.credits == 5.0 * large.tasks
    watched = replace(subject, callback_url="https://hooks.example.test")
    assert estimated(watched, replace(FEW, max_credits=1000.0)).tasks == large.tasks + 6


@pytest.mark.parametrize(
    ("clause", "tasks"),
    [("mode.enum", 0), ("task.final", 2), ("prompt.length", 4), ("create.schema", 4 + 4)],
)
def test_what_one_clause_needs_is_estimated_for_that_clause(clause: str, tasks: int) -> None:
    effort = replace(FEW, max_credits=100.0, clauses=frozenset({clause}))
    assert estimated(subject_at(""), effort).tasks == tasks


def test_the_profiles_are_of_growing_effort() -> None:
    quick, ci, deep = (PROFILES[name] for name in ("quick", "ci", "deep"))
    assert quick.examples < ci.examples < deep.examples
    assert all(profile.max_credits is None and profile.tasks <= 30 for profile in PROFILES.values())
    assert [name for name, profile in PROFILES.items() if profile.profile != name] == []


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"data": {"user": {"remaining_credits": 9}, "token": {"remaining_credits": 4}}}, 4.0),
        (
            {
                "data": {
                    "user": {"remaining_credits": 9},
                    "token": {"remaining_credits": 0, "unlimited_credits": True},
                }
            },
            9.0,
        ),
        ({"data": {"user": {"remaining_credits": True}}}, None),
        ({"data": []}, None),
        ([], None),
    ],
)
def test_the_credits_that_are_left_are_those_of_the_key(body: Any, left: float | None) -> None:
    answer = httpx2.MockTransport(lambda _: httpx2.Response(200, json=body))
    with target_of(subject_at("https://api.example.test"), transport=answer) as target:
        assert remaining(target.send(CREDITS)) == left


@pytest.mark.parametrize(("granted", "known"), [(1000, True), (50, None)])
def test_credits_are_known_to_suffice_when_there_are_as_many_as_may_be_needed(
    mock: MockServer, *, granted: int, known: bool | None
) -> None:
    subject = subject_at(mock.base_url)
    account_of(mock, subject, credits=granted)
    with target_of(subject) as target:
        accounts = preflight(target, SPEC, 100.0)
    assert (accounts["main"].credits, accounts["main"].valid, accounts["main"].access) == (known, True, None)
    assert accounts["wrong"].valid is None


def test_access_is_known_once_a_task_was_made(mock: MockServer) -> None:
    report = check(subject_at(mock.base_url), replace(FEW, max_credits=10.0))
    assert report.trace.accounts["main"].access is True
    assert check(subject_at(mock.base_url)).trace.accounts["main"].access is None
