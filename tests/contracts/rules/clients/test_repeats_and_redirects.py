"""Second creates of tasks that exist, floods after lost answers, and keys that follow a redirect."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.rules import RULES
from evolink_check.traffic.trace import NOBODY, UNKNOWN
from support.records.trace_builders import BODY, CREATE, ID, SPEC, Tracing, completed, error, processing, task

PAGE = b"<html></html>"


def passed(clause: str, found: Tracing) -> list[bool]:
    return [finding.passed for finding in found.findings(RULES[clause])]


def after_gateway(task_id: str) -> Tracing:
    found = Tracing()
    found.create(PAGE, 504)
    found.entries[0] = replace(found.entries[0], task_id=task_id)
    found.create(after=2.0)
    return found


def test_a_second_create_after_a_gateway_whose_task_exists_pays_twice() -> None:
    assert False in passed("client.no-blind-repeat", after_gateway(ID))
    assert False not in passed("client.no-blind-repeat", after_gateway(""))


@pytest.mark.parametrize("answer", [processing(), error("task_not_found", "x")])
def test_a_second_create_while_the_first_task_runs_abandons_it(answer: dict[str, object]) -> None:
    found = Tracing()
    found.create()
    found.query(answer, 404 if "error" in answer else 200)
    found.create(task(id=ID[:-1] + "x"))
    found.query(completed(id=ID[:-1] + "x"), id_=ID[:-1] + "x")
    assert passed("client.no-abandon", found) == [False, True]


def test_two_equal_tasks_that_are_both_followed_are_abandoned_by_nobody() -> None:
    found = Tracing()
    found.create()
    found.create(task(id=ID[:-1] + "x"))
    for id_ in (ID, ID[:-1] + "x"):
        found.query(completed(id=id_), id_=id_)
    assert passed("client.no-abandon", found) == [True, True]


@pytest.mark.parametrize(("pause", "count", "ok"), [(0.0, 5, [False]), (1.0, 5, [True]), (0.0, 2, [])])
def test_repetitions_at_once_after_lost_answers_are_a_flood(pause: float, count: int, ok: list[bool]) -> None:
    found = Tracing()
    found.create()
    for _ in range(count):
        found.query(b"", 0, after=pause)
    found.query(completed(), after=pause)
    assert passed("client.backs-off", found) == ok


def test_a_library_that_repeats_each_lost_request_once_is_no_flood() -> None:
    found = Tracing()
    found.create()
    for pause in (2.0, 0.0, 3.0, 0.0, 4.0, 0.0):
        found.query(b"", 0, after=pause)
    found.query(completed(), after=5.0)
    assert passed("client.backs-off", found) == [True]


@pytest.mark.parametrize(
    ("url", "who", "ok"),
    [
        ("http://localhost:1/v1/tasks/x?redirected=1", "main", False),
        ("http://localhost:1/v1/tasks/x?redirected=1", NOBODY, True),
        ("https://api.example.test/v1/tasks/x?redirected=1", "main", True),
    ],
)
def test_the_key_does_not_follow_a_redirect_to_another_host(url: str, who: str, *, ok: bool) -> None:
    found = Tracing()
    found.create()
    found.query(b"", 302, headers=(("Location", url),))
    found.exchange("GET", url, 200, processing(), who=who)
    view = TraceView(replace(found.trace(), origin=""), SPEC)
    findings = list(RULES["auth.https"](view))
    assert all(finding.passed for finding in findings) is ok


def test_requests_of_unknown_senders_are_no_series() -> None:
    found = Tracing()
    for _ in range(2):
        found.exchange(
            "POST", CREATE, 429, error("rate_limit_exceeded", "x"), asked=BODY, who=UNKNOWN,
            headers=(("Content-Type", "application/json"), ("Retry-After", "60")),
        )  # fmt: skip
    assert passed("client.retry-after", found) == []


def test_a_null_that_the_server_refuses_is_an_invalid_request() -> None:
    for status, ok in ((400, False), (200, True)):
        found = Tracing()
        found.create(
            error("invalid_request", "x") if status == 400 else None, status, BODY | {"callback_url": None}
        )
        assert passed("client.valid-request", found) == [ok]


def test_a_redirected_request_to_another_host_needs_no_key() -> None:
    found = Tracing()
    url = "http://localhost:1/v1/tasks/x?redirected=1"
    found.query(b"", 302, headers=(("Location", url),))
    found.exchange("GET", url, 401, error("unauthorized", "x"), who=NOBODY)
    view = TraceView(replace(found.trace(), origin=""), SPEC)
    assert [finding.passed for finding in RULES["auth.header"](view)] == [True]


@pytest.mark.parametrize(
    ("after", "retry_after", "severities"),
    [(3.5, "3600", ["warning"]), (0.5, "3600", [None]), (3.5, "10", [None]), (20.0, "10", [])],
)
def test_a_very_long_wait_may_be_cut_short_with_a_warning(
    after: float, retry_after: str, severities: list[str | None]
) -> None:
    found = Tracing()
    headers = (("Content-Type", "application/json"), ("Retry-After", retry_after))
    found.create(error("rate_limit_exceeded", "x"), 429, headers=headers)
    found.create(after=after)
    findings = found.findings(RULES["client.retry-after"])
    assert [finding.severity for finding in findings if not finding.passed] == severities
