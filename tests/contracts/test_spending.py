"""In which order a run with a budget does what it does, and that nothing of it is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from serving import free_port
from subjects import SCALE, quick_mock, subject_at
from tracing import SPEC

from contracts import drawing, spending, stranger, tables
from contracts.checking import check_api, estimate
from contracts.living import Living
from contracts.reaching import CouldNotRun
from contracts.receiver import CLOSE
from contracts.subject import Effort, Failing
from contracts.target import OutOfTime
from spec.clauses import load_clauses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.errands import Errand
    from contracts.report import Report
    from contracts.subject import Subject

CLAUSES = load_clauses()
EFFORT = Effort(examples=1, task_seconds=10.0, seconds=60.0, max_credits=150.0)
FAILS = (Failing("service_error", {"prompt": "[[fail=service_error]]"}),)
EXPLORE = stranger.explore


@pytest.fixture(autouse=True)
def few_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few of each: here it counts when they are sent."""
    negative, creating = tables.negative_cases(SPEC, subject_at(""))[::20], tables.creating_cases
    monkeypatch.setattr(tables, "negative_cases", lambda *_: negative)
    monkeypatch.setattr(tables, "read_only_cases", lambda *_: ())
    monkeypatch.setattr(tables, "creating_cases", lambda *given: creating(*given)[:2])
    monkeypatch.setattr(tables, "guarded_cases", lambda *_: ())
    monkeypatch.setattr(drawing, "strategies", lambda *_: ())
    monkeypatch.setattr(drawing, "creating", lambda *_: ())
    monkeypatch.setattr(stranger, "explore", lambda *_, **__: stranger.Strange({}, 0))
    monkeypatch.setattr("contracts.lifecycle.fetch", lambda *_: None)
    monkeypatch.setattr("contracts.errands.never", lambda _: CLOSE)  # the mock's ten seconds are real ones
    monkeypatch.setattr("contracts.living.settling", lambda _: 0.0)


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
    return {verdict.clause.id: verdict.word for verdict in report.verdicts}


def sent(report: Report, beginning: str) -> list[float]:
    """When the creates whose case begins so were sent."""
    return [
        one.began
        for one in report.trace.entries
        if one.case.startswith(beginning) and one.exchange.method == "POST" and one.kind == "exchange"
    ]


def test_callbacks_are_waited_for_while_what_is_free_goes_on(watched: Subject) -> None:
    report = check(watched)
    assert report.exit_status == 0
    calling, free = sent(report, "callback: "), sent(report, "a callback to")
    assert len(calling) == 6
    assert max(sent(report, "it fails")) < min(calling + free), "what it takes has to show"
    called = [one.began for one in report.trace.entries if one.kind == "delivery"]
    assert max(free) < max(called), "a callback was still to come when all of it was sent"
    assert words(report)["callback.only-when-asked"] == "kept", (
        "one that does not call back is watched as long"
    )


def test_with_little_to_spend_what_is_free_comes_first(watched: Subject) -> None:
    report = check(watched, replace(EFFORT, max_credits=25.0))
    assert report.created == 5
    assert max(sent(report, "a callback to")) < min(sent(report, "it fails"))


def test_schemathesis_makes_tasks_that_are_followed_to_their_end(
    watched: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def explore(*given: Any, creates: int = 0) -> stranger.Strange:
        told.append(creates)
        return EXPLORE(*given, creates=creates) if creates else stranger.Strange({}, 0)

    monkeypatch.setattr(stranger, "explore", explore)
    quiet = replace(watched, callback_url="", callback_listen=None)
    report = check(quiet)
    assert told == [0, spending.STRANGE]
    made = [one for one in report.trace.entries if one.case == "Schemathesis"]
    creates = [one for one in made if one.exchange.method == "POST"]
    assert [one.exchange.status for one in creates] == [200] * spending.STRANGE
    assert any(one.exchange.method == "GET" for one in made), "the link of the documents"
    ended = [one for one in report.trace.entries if one.case == "Schemathesis: asked for"]
    assert sum(b'"status":"completed"' in one.exchange.response_body for one in ended) >= spending.STRANGE
    assert report.created <= estimate(quiet, EFFORT, SPEC).tasks
    assert report.exit_status == 0


@pytest.mark.parametrize("block", [None, OutOfTime("stopped")])
def test_a_bug_beside_the_free_phases_is_no_pass(
    watched: Subject, monkeypatch: pytest.MonkeyPatch, block: OutOfTime | None
) -> None:
    def buggy(_: Living, errands: list[Errand], __: Any) -> None:
        if any(one.address for one in errands):
            raise ZeroDivisionError

    monkeypatch.setattr(Living, "all", buggy)
    if block:
        monkeypatch.setattr("contracts.phases.Run.free", lambda _: (_ for _ in ()).throw(block))
    with pytest.raises(CouldNotRun, match="ZeroDivisionError"):
        check(watched)


def test_what_stops_the_free_phases_stops_what_is_beside_them(
    watched: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("contracts.phases.Run.free", interrupted)
    report = check(watched)
    assert any("interrupted" in note for note in report.notes)
    assert len(sent(report, "callback: ")) <= 6
    assert sent(report, "a callback to") == []
