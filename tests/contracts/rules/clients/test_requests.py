"""What a client sends: each fault breaks its own clause, and no other of those that bind a client."""

from __future__ import annotations

from typing import Any

import pytest
from evolink_check.rules import RULES
from evolink_check.rules.clients.retries import waits
from evolink_check.traffic.known_keys import KEY
from evolink_check.traffic.trace import NOBODY
from evolink_spec.clauses import load_clauses
from support.records.trace_builders import (
    BODY,
    CREATE,
    ID,
    JSON,
    MODEL,
    ORIGIN,
    RESULT,
    Tracing,
    completed,
    error,
    failed,
    processing,
)
from support.records.trace_builders import task as created

CLIENT = [one.id for one in load_clauses() if one.binds == "client" and one.id in RULES]


DATED = (*JSON, ("Retry-After", "Sat, 06 Sep 2025 14:42:33 GMT"))  # ten seconds after START
FAULT = error("internal_error", "api_error")
REFUSAL = error("insufficient_quota", "insufficient_quota")


def told(value: float) -> tuple[tuple[str, str], ...]:
    return (*JSON, ("Retry-After", f"{value:g}"))


def violations(found: Tracing) -> dict[str, tuple[int, ...]]:
    """Every clause of a client that is broken, with the entries of the first violation."""
    reading = found.reading()
    judged = {id_: [one for one in RULES[id_](reading) if not one.passed] for id_ in CLIENT}
    assert all(one.expected and one.seen for ones in judged.values() for one in ones), (
        "a violation says what and why"
    )
    return {id_: ones[0].entries for id_, ones in judged.items() if ones}


def keeps(found: Tracing, clause: str) -> bool:
    """Whether something in the trace speaks for a clause, and nothing against it."""
    findings = found.findings(RULES[clause])
    return bool(findings) and all(one.passed for one in findings)


def good(**create: Any) -> Tracing:
    """A client that does everything right."""
    found = Tracing()
    found.create(**create)
    found.query(processing(), after=2.0)
    found.query(completed(), after=2.0)
    found.link(who=NOBODY)
    return found


def creating(**create: Any) -> Tracing:
    """The same, with one thing about its create that is refused or let pass."""
    return good(**create)


def with_body(**changes: Any) -> Tracing:
    return creating(body={**BODY, **changes})


def repeated(first: int, answer: Any = b"", after: float = 5.0, **more: Any) -> Tracing:
    """A create answered with this, then the same again, which goes well."""
    found = Tracing()
    found.create(answer, first, **more)
    found.create(after=after)
    found.query(completed(), after=2.0)
    return found


def failing(waits: list[float], role: str = "create", usual: float | None = None) -> Tracing:
    """Requests that are answered with 500, so many seconds apart."""
    found = Tracing()
    if role == "query":
        found.create()
        for _ in range(3 if usual else 0):
            found.query(processing(), after=usual)
    for wait in [usual or 2.0, *waits]:
        if role == "query":
            found.query(FAULT, 500, after=wait)
        else:
            found.create(FAULT, 500, after=wait)
    return found


def test_a_good_client_breaks_nothing() -> None:
    assert violations(good()) == {}
    for clause in (
        "auth.header",
        "auth.header-only",
        "auth.https",
        "client.valid-request",
        "client.content-type",
    ):
        assert keeps(good(), clause), clause
    for clause in ("client.actual-model", "client.no-unknown-fields", "client.link-without-key"):
        assert keeps(good(), clause), clause


@pytest.mark.parametrize(
    ("clause", "found"),
    [
        ("client.valid-request", with_body(duration=7)),
        ("client.valid-request", with_body(image_urls=["https://a.example/1", "https://a.example/2"])),
        ("client.valid-request", creating(body={"model": MODEL, "prompt": "A dance"})),
        ("client.valid-request", creating(body=b"not json")),
        ("client.actual-model", with_body(model=MODEL.removesuffix("-beta"))),
        ("client.no-unknown-fields", with_body(aspect_ratio="16:9")),
        ("client.callback-url", with_body(callback_url="http://hooks.example.com/x")),
        ("client.callback-url", with_body(callback_url="https://127.0.0.1/x")),
        ("client.callback-url", with_body(callback_url="https://hooks.example.com/" + "x" * 2048)),
        ("client.content-type", creating(sent=(("Content-Type", "text/plain"),))),
        ("client.content-type", creating(sent=(("X-Other", "1"),))),
        ("auth.header-only", with_body(prompt=f"use {KEY}")),
    ],
)
def test_a_create_with_one_fault_breaks_one_clause(clause: str, found: Tracing) -> None:
    assert violations(found) == {clause: (0,)}


def test_what_the_documents_leave_open_accuses_nobody() -> None:
    assert violations(with_body(image_urls=[])) == {}
    assert violations(with_body(image_urls=["https://a.example/i?[removed]"])) == {}
    assert violations(with_body(callback_url="https://hooks.example.com/x")) == {}
    assert violations(creating(sent=(("Content-Type", "application/json; charset=utf-8"),))) == {}


def test_a_body_that_was_refused_unread_accuses_nobody() -> None:
    unread = Tracing()
    sent = (("Content-Type", "application/json"), ("Content-Length", "117"))
    unread.create(error("unauthorized", "authentication_error"), 401, body=b"", sent=sent)
    assert violations(unread) == {}
    assert keeps(unread, "client.content-type")
    bare = Tracing()
    bare.create(error("invalid_request", "invalid_request_error"), 400, body=b"")
    assert violations(bare) == {"client.valid-request": (0,)}


def test_a_request_without_the_key_is_told() -> None:
    found = Tracing()
    found.create(error("unauthorized", "authentication_error"), 401, who=NOBODY)
    assert violations(found) == {"auth.header": (0,)}


def test_a_key_in_the_url_is_told_once_whether_or_not_it_is_in_the_header() -> None:
    for who in (NOBODY, "main"):
        found = Tracing()
        found.exchange("GET", f"/v1/tasks/{ID}?key={KEY}", 200, processing(), who=who)
        assert violations(found) == {"auth.header-only": (0,)}


def test_a_recording_that_does_not_tell_of_keys_accuses_nobody() -> None:
    found = good(who="unknown")
    assert violations(found) == {}
    assert not any(0 in one.entries for one in found.findings(RULES["auth.header"]))


@pytest.mark.parametrize("more", [{"who": "main"}, {"who": NOBODY, "url": f"{RESULT}?token={KEY}"}])
def test_a_key_that_goes_to_a_result_link_is_told(more: dict[str, Any]) -> None:
    found = Tracing()
    found.create()
    found.query(completed(), after=2.0)
    found.link(**more)
    assert violations(found) == {"client.link-without-key": (2,)}


def test_plain_http_is_for_this_machine_only() -> None:
    found = Tracing()
    found.exchange("GET", f"http://api.example.test/v1/tasks/{ID}", 200, processing())
    trace = found.reading()
    trace.trace = type(trace.trace)(trace.trace.entries, origin="http://api.example.test")
    assert [one.passed for one in RULES["auth.https"](trace)] == [False]
    assert ORIGIN.startswith("https://")


# What is sent again


@pytest.mark.parametrize("status", [400, 401, 402, 403])
def test_what_was_refused_is_not_sent_again(status: int) -> None:
    assert violations(repeated(status, REFUSAL)) == {"client.no-retry-refused": (0, 1)}


def test_what_was_refused_may_be_sent_changed_or_after_somebody_has_thought() -> None:
    found = Tracing()
    found.create(error("invalid_request", "invalid_request_error"), 400)
    found.create(body={**BODY, "prompt": "Another"}, after=2.0)
    found.query(completed(), after=2.0)
    assert violations(found) == {}
    assert violations(repeated(402, REFUSAL, after=90.0)) == {}


def test_a_query_that_was_refused_is_not_repeated() -> None:
    found = Tracing()
    found.create()
    found.query(error("permission_denied", "invalid_request_error"), 403, after=2.0)
    found.query(error("permission_denied", "invalid_request_error"), 403, after=2.0)
    assert violations(found) == {"client.no-retry-refused": (1, 2)}


@pytest.mark.parametrize(("headers", "after"), [(told(3), 2.0), (DATED, 5.0)])
def test_a_client_waits_as_long_as_retry_after_says(headers: Any, after: float) -> None:
    limited = error("rate_limit_exceeded", "rate_limit_error")
    assert violations(repeated(429, limited, after, headers=headers)) == {"client.retry-after": (0, 1)}
    assert violations(repeated(429, limited, 10.0, headers=headers)) == {}


def test_another_matter_may_go_on_while_one_waits() -> None:
    found = Tracing()
    found.create()
    found.create(error("rate_limit_exceeded", "x"), 429, headers=told(30), body={**BODY, "prompt": "More"})
    found.query(completed(), after=2.0)
    assert violations(found) == {}


@pytest.mark.parametrize(("after", "violated"), [(0.01, {}), (0.5, {"client.retry-after": (0, 1)})])
def test_another_create_may_have_been_on_its_way(after: float, violated: Any) -> None:
    found = Tracing()
    found.create(error("rate_limit_exceeded", "x"), 429, headers=told(3))
    found.create(after=after, body={**BODY, "prompt": "More"})
    found.query(completed(), after=2.0)
    assert violations(found) == violated


def test_a_429_without_a_time_accepts_any_wait() -> None:
    assert violations(repeated(429, error("rate_limit_exceeded", "x"), 0.5)) == {}


def test_a_retry_after_is_seconds_or_a_date_or_nothing() -> None:
    assert waits("17", 0.0) == 17.0
    assert waits("Thu, 01 Jan 1970 00:01:00 GMT", 0.0) == 59.0
    assert waits("soon", 0.0) is None
    assert waits("1.5", 0.0) is None, "not valid: a client may wait as it likes"
    assert waits("", 0.0) is None


@pytest.mark.parametrize(
    ("found", "clause"),
    [
        (failing([0.0]), "client.backs-off"),
        (failing([1.0, 1.0, 1.0]), "client.backs-off"),
        (failing([0.1, 0.1], "query"), "client.backs-off"),
        (failing([1.0] * 5, "query", usual=1.0), "client.backs-off"),
    ],
)
def test_after_a_500_a_client_waits_longer_each_time(found: Tracing, clause: str) -> None:
    assert violations(found).keys() == {clause}


@pytest.mark.parametrize(
    "found",
    [
        failing([0.5, 1.0, 2.0]),
        failing([1.0, 1.0]),
        failing([2.0, 4.0, 8.0, 16.0], "query", usual=2.0),
        failing([2.0] * 3, "query", usual=2.0),
        failing([15.0] * 6, "query", usual=15.0),
        failing([0.0], "query", usual=2.0),
        failing([0.0, 1.2, 2.4, 4.8, 1.5, 0.0, 1.2, 2.4], "query", usual=1.5),
    ],
)
def test_patience_after_a_500_is_kept(found: Tracing) -> None:
    assert violations(found) == {}
    assert keeps(found, "client.backs-off")


def test_a_client_that_is_always_too_quick_is_not_accused_of_its_repetitions_too() -> None:
    assert violations(failing([0.1, 0.1, 0.1], "query", usual=0.1)).keys() == {"client.poll-interval"}


@pytest.mark.parametrize(("status", "answer"), [(0, b""), (200, b'{"created":17,"id":'), (200, {})])
def test_a_create_whose_answer_was_lost_is_not_sent_blindly_again(status: int, answer: Any) -> None:
    assert violations(repeated(status, answer)) == {"client.no-blind-repeat": (0, 1)}


def test_a_create_that_is_answered_with_a_page_may_be_taken_for_lost() -> None:
    page = (("Content-Type", "text/html"),)
    lost = Tracing()
    lost.create(headers=page)
    assert violations(lost) == {}
    assert keeps(lost, "client.no-blind-repeat")
    assert violations(repeated(200, created(), headers=page)) == {"client.no-blind-repeat": (0, 1)}


def test_a_create_that_surely_made_nothing_may_be_sent_again() -> None:
    page = b"<html>503</html>"
    assert violations(repeated(503, page)) == {}
    assert violations(repeated(0, after=90.0)) == {}


def test_two_equal_creates_that_both_went_well_are_two_orders() -> None:
    found = Tracing()
    found.create()
    found.create(created(id=f"{ID[:-1]}a"), after=0.1)
    found.query(failed("service_error"), after=2.0)
    found.query(completed(id=f"{ID[:-1]}a"), id_=f"{ID[:-1]}a")
    assert violations(found) == {}
    assert CREATE
