"""How a task ends: with results or with an error, each as documented."""

from __future__ import annotations

from typing import Any

import pytest
from evolink_check.rules import rules_of
from evolink_check.rules.tasks import outcomes
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.trace_builders import RESULT, SPEC, Tracing, completed, failed, processing, task

Body = dict[str, Any]
REASON = {"code": "service_error", "message": "It went wrong.\nTry again.", "type": "task_error"}
CODES = [failure.code for failure in SPEC.failures]


def told(*bodies: Body) -> Tracing:
    trace = Tracing()
    trace.create()
    for body in bodies:
        trace.query(body)
    return trace


def reason(**changes: Any) -> Body:
    return failed(error=REASON | changes)


VIOLATIONS: list[tuple[str, Body]] = [
    ("task.results-when-completed", completed(results=None)),
    ("task.results-when-completed", completed(results=[])),
    ("task.results-when-completed", completed() | {"results": None}),
    ("task.results-when-completed", processing(results=[RESULT])),
    ("task.results-when-completed", task(results=[RESULT])),
    ("task.results-when-completed", failed(results=[RESULT])),
    ("task.results-uri", completed(results=["/a.mp4"])),
    ("task.results-uri", completed(results=["a file.mp4"])),
    ("task.results-uri", completed(results=[RESULT, 5])),
    ("task.results-uri", completed(results=[None])),
    ("task.error-when-failed", completed(error=REASON)),
    ("task.error-when-failed", processing(error=REASON)),
    ("task.error-when-failed", processing(error={})),
    ("task.error-when-failed", failed(error=None)),
    ("task.error-when-failed", failed(error={})),
    ("task.error-when-failed", failed(error="it went wrong")),
    ("task.error-when-failed", reason(code=None)),
    ("task.error-when-failed", failed(error={"code": "service_error", "type": "task_error"})),
    ("failure.codes", reason(code="moderation_blocked")),
    ("failure.codes", reason(code="")),
    ("failure.codes", reason(code=500)),
    ("failure.type", reason(type="api_error")),
    ("failure.type", reason(type=1)),
    ("failure.message", reason(message="")),
    ("failure.message", reason(message=" \n")),
    ("failure.message", reason(message=["it", "failed"])),
    ("failure.cancelled", task(status="cancelled")),
    ("failure.cancelled", task(status="Canceled", error=REASON | {"code": "request_cancelled"})),
]


@pytest.mark.parametrize(("clause", "body"), VIOLATIONS)
def test_what_is_wrong_with_an_end_is_told_by_one_clause(clause: str, body: Body) -> None:
    assert told(body).accused().keys() == {clause}
    assert told(body, body).accused().keys() == {clause}


@pytest.mark.parametrize(
    "body",
    [
        completed() | {"error": None},
        failed() | {"results": None},
        failed(results=[]),
        processing(results=[]) | {"error": None},
        reason(message="One line only"),
        reason(message="Three\nlines\nthere"),
        failed(error=REASON | {"param": None, "more": 1}),
        completed(results=["ftp://files.example.test/a.mp4", "http://127.0.0.1:8000/b.mp4"]),
    ],
)
def test_an_end_that_the_documents_leave_open_accuses_nobody(body: Body) -> None:
    assert told(processing(), body).accused() == {}


@settings(deadline=None, max_examples=30)
@given(code=st.sampled_from(CODES), message=st.text(min_size=1).filter(str.strip))
def test_every_documented_failure_is_in_order(code: str, message: str) -> None:
    trace = told(reason(code=code, message=message))
    assert all(one.passed for rule in rules_of(outcomes).values() for one in rule(trace.reading()))


@settings(deadline=None, max_examples=30)
@given(code=st.text().filter(lambda text: text not in CODES))
def test_any_other_code_is_told(code: str) -> None:
    found = told(reason(code=code)).findings(outcomes.codes)
    assert [one.passed for one in found] == [False]
    assert "\n" not in found[0].seen
    assert len(found[0].seen) < 100


def test_a_cancelled_task_is_a_failed_one() -> None:
    trace = told(failed("request_cancelled"))
    assert trace.accused() == {}
    assert trace.passed()["failure.cancelled"] == 1


def test_nothing_is_said_of_failures_where_none_was_seen() -> None:
    passed = told(processing(), completed()).passed()
    assert not any(clause.startswith("failure.") for clause in passed)
    assert passed["task.results-when-completed"] == 2
    assert passed["task.error-when-failed"] == 2


def test_results_that_come_later_than_the_end_are_told_once() -> None:
    accused = told(completed(results=None), completed()).accused()
    assert accused.keys() == {"task.results-when-completed"}


def test_a_secret_of_a_link_is_not_shown() -> None:
    accused = told(completed(results=["/a.mp4?signature=secret"])).accused()
    assert "secret" not in accused["task.results-uri"]


def test_a_callback_is_judged_by_itself_where_no_query_tells_the_end() -> None:
    trace = told(processing())
    trace.delivery(completed(progress=99))
    assert trace.accused().keys() == {"task.progress-completed"}
    trace.delivery(failed(error=None, progress=5))
    assert trace.accused().keys() == {"task.progress-completed", "callback.body-equals-query"}


def test_a_callback_that_is_wrong_is_no_second_violation_of_a_life() -> None:
    trace = told(completed())
    trace.delivery(completed(results=None))
    assert trace.accused().keys() == {"callback.body-equals-query"}
