"""What holds for every exchange: the key, the wire, other paths and methods, statuses, haste."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.rules import rules_of
from evolink_check.rules.exchanges import rate_limits, wire
from evolink_check.traffic.trace import Account
from support.records.trace_builders import BODY, CREATE, ID, JSON, Tracing, compact, error, processing, task

if TYPE_CHECKING:
    from collections.abc import Callable

UNAUTHORIZED = error("unauthorized", "authentication_error")
INVALID = error("invalid_request", "invalid_request_error", "duration/mode: no")
BAD_ID = error("invalid_task_id", "invalid_request_error", param="task_id")
UNKNOWN = error("task_not_found", "invalid_request_error")
NOT_THERE = error("not_found", "invalid_request_error")
HASTE = error("rate_limit_exceeded", "rate_limit_error")
HTML = (("Content-Type", "text/html"),)
NEW = "task-unified-1757169744-00000001"
BAD = BODY | {"duration": 7}


def waiting(seconds: str) -> tuple[tuple[str, str], ...]:
    return (*JSON, ("Retry-After", seconds))


def good() -> Tracing:
    """One exchange of every kind, each answered as it ought to be."""
    trace = Tracing()
    trace.create()
    trace.query(processing())
    trace.create(UNAUTHORIZED, 401, who="nobody")
    trace.create(UNAUTHORIZED, 401, BAD, who="wrong")
    trace.query(UNAUTHORIZED, 401, "abc", who="wrong")
    trace.exchange("GET", "/v1/credits", 401, error(401, "authentication_error"), who="nobody")
    trace.create(INVALID, 400, BAD)
    trace.query(BAD_ID, 400, "abc")
    trace.query(UNKNOWN, 404, NEW, case="an unknown id")
    trace.query(processing(), sent=(("X-Trace", "1"),))
    trace.exchange("GET", "/v2/nothing", 404, NOT_THERE)
    trace.exchange("PUT", CREATE, 405, NOT_THERE)
    trace.create(HASTE, 429, headers=waiting("2"))
    trace.query(processing(), after=2.0)
    return trace


def test_a_good_server_keeps_every_clause_of_these() -> None:
    assert good().accused() == {}
    assert rules_of(rate_limits, wire).keys() <= good().passed().keys()


def test_nothing_is_said_of_what_was_not_seen() -> None:
    trace = Tracing()
    trace.link()
    trace.create(b"", status=0, problem="the connection was lost")
    trace.exchange("GET", "https://elsewhere.test/v1/tasks/x", 500, b"oops")
    assert trace.passed() == {}
    assert trace.accused() == {}


def test_what_something_in_front_of_the_server_may_answer_is_not_judged() -> None:
    trace = Tracing()
    trace.exchange("HEAD", f"/v1/tasks/{ID}", 405, b"")
    trace.exchange("TRACE", CREATE, 501, b"<html>", headers=HTML)
    trace.exchange("GET", "/", 200, b"<html>", headers=HTML)
    trace.exchange("DELETE", f"/v1/tasks/{ID}", 204, b"")
    trace.exchange("GET", "/favicon.ico", 404, b"<html>", headers=HTML)
    trace.exchange("GET", "/v1/%00", 400, b"<html>", headers=HTML)
    trace.create(b"<html>", 413, BODY | {"prompt": "x" * 1_100_000}, headers=HTML)
    trace.query(b"<html>", 414, "x" * 9_000, headers=HTML)
    trace.query(b"", headers=(), exact=False)  # a recording without the body
    trace.query(b"", size=10_000_000)
    assert trace.passed() == {}
    assert trace.accused() == {}


@pytest.mark.parametrize(
    ("clause", "answer"),
    [
        ("auth.bearer", lambda t: t.create(b"", who="wrong", size=10_000_000)),
        ("auth.bearer", lambda t: t.query(b"", 401, size=10_000_000)),
        ("create.answers-200", lambda t: t.create(b"", 201, size=10_000_000)),
        ("error.documented-status", lambda t: t.query(b"", 418, size=10_000_000)),
        ("error.no-500", lambda t: t.create(b"", 500, BODY | {"duration": 7}, size=10_000_000)),
        ("duration.enum", lambda t: t.create(b"", 200, BODY | {"duration": 7}, size=10_000_000)),
        ("create.accepts", lambda t: t.create(b"", 400, size=10_000_000)),
    ],
)
def test_of_an_answer_that_was_too_large_to_keep_the_status_is_judged(
    clause: str, answer: Callable[[Tracing], Any]
) -> None:
    trace = Tracing()
    answer(trace)
    assert trace.accused().keys() == {clause}


def test_an_answer_that_was_too_large_to_keep_passes_only_what_its_status_shows() -> None:
    trace = Tracing()
    trace.create(b"", who="nobody", status=401, size=10_000_000)
    trace.create(b"", 400, BODY | {"duration": 7}, size=10_000_000)
    trace.query(b"", 400, "video-1", size=10_000_000)
    assert trace.passed() == {"auth.bearer": 1, "duration.enum": 1, "query.id-prefix": 1}
    assert trace.accused() == {}


BROKEN: dict[str, tuple[str, Callable[[Tracing], Any]]] = {
    "a query without a key": ("auth.bearer", lambda t: t.query(processing(), who="nobody")),
    "a task for a wrong key": ("auth.bearer", lambda t: t.create(task(id=NEW, created=NEW_AT), who="wrong")),
    "a wrong key is 403": (
        "auth.bearer",
        lambda t: t.query(error("permission_denied", "invalid_request_error"), 403, who="wrong"),
    ),
    "a wrong key is 500": (
        "auth.bearer",
        lambda t: t.query(error("internal_error", "api_error"), 500, who="wrong"),
    ),
    "a wrong key is 404": ("auth.bearer", lambda t: t.query(UNKNOWN, 404, NEW, who="nobody")),
    "a good key is refused": ("auth.bearer", lambda t: t.create(UNAUTHORIZED, 401)),
    "a good key is refused the credits": (
        "auth.bearer",
        lambda t: t.exchange("GET", "/v1/credits", 401, error(401, "authentication_error")),
    ),
    "credits for anybody": ("auth.bearer", lambda t: t.credits(5, who="wrong")),
    "the body is looked at before the key": (
        "error.order",
        lambda t: t.create(INVALID, 400, BAD, who="wrong"),
    ),
    "the id is looked at before the key": ("error.order", lambda t: t.query(BAD_ID, 400, "abc", who="wrong")),
    "money is looked at first": (
        "error.order",
        lambda t: t.create(error("insufficient_quota", "insufficient_quota"), 402, BAD, who="poor"),
    ),
    "a page for a task": ("wire.json", lambda t: t.query(b"<html>", headers=HTML)),
    "JSON as text": (
        "wire.json",
        lambda t: t.create(task(id=NEW, created=NEW_AT), headers=(("Content-Type", "text/plain"),)),
    ),
    "JSON that says nothing of itself": ("wire.json", lambda t: t.query(processing(), headers=())),
    "a cut error": ("wire.json", lambda t: t.create(compact(INVALID)[:-2], 400, BAD)),
    "an error for other paths as text": (
        "wire.json",
        lambda t: t.exchange("GET", "/nothing", 404, NOT_THERE, headers=HTML),
    ),
    "spaces": ("wire.compact", lambda t: t.query(json.dumps(processing()).encode())),
    "lines": ("wire.compact", lambda t: t.query(json.dumps(processing(), indent=1).encode())),
    "escaped slashes": (
        "wire.slashes",
        lambda t: t.create(
            compact(error("invalid_request", "invalid_request_error", r"a\/b")).replace(b"\\\\", b"\\"),
            400,
            BAD,
        ),
    ),
    "another header is refused": (
        "wire.unknown-headers",
        lambda t: t.create(INVALID, 400, sent=(("Idempotency-Key", "1"), JSON[0])),
    ),
    "another header of a query is refused": (
        "wire.unknown-headers",
        lambda t: t.query(BAD_ID, 400, sent=(("x-what", "1"),)),
    ),
    "the same key gives the same task": (
        "wire.unknown-headers",
        lambda t: [
            t.create(task(id=NEW, created=NEW_AT), sent=(("Idempotency-Key", "1"), JSON[0])) for _ in "ab"
        ],
    ),
    "a page for other paths": (
        "error.other-paths",
        lambda t: t.exchange("GET", "/v1/nothing", 404, b"<html>", headers=HTML),
    ),
    "a detail for other paths": (
        "error.other-paths",
        lambda t: t.exchange("GET", "/v1/tasks/", 404, {"detail": "Not Found"}),
    ),
    "text for other methods": (
        "error.other-methods",
        lambda t: t.exchange("GET", CREATE, 405, b"no", headers=(("Content-Type", "text/plain"),)),
    ),
    "nothing for other methods": ("error.other-methods", lambda t: t.exchange("PUT", CREATE, 405)),
    "422": ("error.documented-status", lambda t: t.create(INVALID, 422, BAD)),
    "410": ("error.documented-status", lambda t: t.query(UNKNOWN, 410, NEW)),
    "503": ("error.documented-status", lambda t: t.query(b"<html>", 503, headers=HTML)),
    "a redirect": ("error.documented-status", lambda t: t.create(b"", 307)),
    "500 for no JSON": (
        "error.no-500",
        lambda t: t.create(b"Internal Server Error", 500, b"{", headers=HTML),
    ),
    "500 for a bad field": (
        "error.no-500",
        lambda t: t.create(error("internal_error", "api_error"), 500, BAD),
    ),
    "500 for an odd id": (
        "error.no-500",
        lambda t: t.query(error("internal_error", "api_error"), 500, "%F0%9F%92%A9"),
    ),
    "no word how long": ("rate.retry-after", lambda t: t.create(HASTE, 429)),
    "a fraction of a second": ("rate.retry-after", lambda t: t.create(HASTE, 429, headers=waiting("1.5"))),
    "words how long": ("rate.retry-after", lambda t: t.create(HASTE, 429, headers=waiting("soon"))),
}
NEW_AT = 1_757_169_744


@pytest.mark.parametrize("name", BROKEN)
def test_each_violation_is_told_by_its_clause_alone(name: str) -> None:
    clause, violation = BROKEN[name]
    trace = good()
    trace.accounts["poor"] = Account("poor", valid=True, credits=False)
    violation(trace)
    assert trace.accused().keys() == {clause}


def test_what_breaks_every_answer_alike_is_told_once() -> None:
    trace = Tracing()
    trace.create({"error": "No"}, 400, BAD)
    trace.exchange("GET", "/nothing", 404, {"error": "No"})
    trace.exchange("PUT", CREATE, 405, {"error": "No"})
    trace.exchange("GET", "/v1/credits", 401, {"error": "No"}, who="wrong")
    assert trace.accused().keys() == {"error.shape"}


def test_who_asks_nobody_for_a_key_is_not_accused_of_an_order_as_well() -> None:
    trace = Tracing()
    trace.create(INVALID, 400, BAD, who="wrong")
    trace.create(who="wrong")
    assert trace.accused().keys() == {"auth.bearer"}


def test_nothing_is_expected_of_a_key_of_which_nothing_is_known() -> None:
    trace = Tracing()
    for status, body in ((401, UNAUTHORIZED), (400, INVALID), (402, INVALID), (403, INVALID)):
        trace.create(error(*code(status)) if body else body, status, who="unknown")
    assert trace.accused() == {}


def test_a_wrong_key_and_an_unknown_model_may_be_told_either_way() -> None:
    trace = Tracing()
    for status in (401, 400, 403):
        trace.create(error(*code(status)), status, BODY | {"model": "another"}, who="wrong")
    assert trace.accused().keys() == {"error.order"}


def code(status: int) -> tuple[str, str]:
    return {
        400: ("invalid_request", "invalid_request_error"),
        401: ("unauthorized", "authentication_error"),
        402: ("insufficient_quota", "insufficient_quota"),
        403: ("model_access_denied", "invalid_request_error"),
    }[status]


@pytest.mark.parametrize("text", ["a b: c, d", 'a ": b', "a\\", "\\\\ /", 'x\\" , "'])
def test_white_space_and_slashes_within_strings_are_nobodys_business(text: str) -> None:
    trace = Tracing()
    trace.create(error("invalid_request", "invalid_request_error", text), 400, BAD)
    trace.create(compact(error("invalid_request", "invalid_request_error", text)) + b"\n", 400, BAD)
    assert trace.accused() == {}


def test_what_a_recording_does_not_keep_to_the_byte_is_not_judged_by_its_bytes() -> None:
    trace = Tracing()
    trace.create(json.dumps(task()).replace("/", r"\/").encode(), exact=False)
    assert trace.accused() == {}
    assert not {"wire.compact", "wire.slashes"} & trace.passed().keys()


def test_a_header_that_was_let_pass_elsewhere_is_not_to_blame() -> None:
    trace = Tracing()
    odd = (("X-Sdk", "1"), JSON[0])
    trace.create(sent=odd)
    trace.create(INVALID, 400, BODY | {"duration": 10}, sent=odd)
    assert trace.accused().keys() == {"create.accepts"}


def test_a_refusal_with_a_header_as_without_is_not_the_headers() -> None:
    trace = Tracing()
    trace.create(INVALID, 400, BODY | {"duration": 10})
    trace.create(INVALID, 400, BODY | {"mode": "fun"}, sent=(("X-Trace", "1"), JSON[0]))
    assert trace.accused().keys() == {"create.accepts"}


@pytest.mark.parametrize(
    "said", ["0", "30", "9" * 20, "Sat, 06 Sep 2025 14:42:53 GMT", "Sat, 06 Sep 2025 14:42:23 GMT"]
)
def test_a_wait_is_given_in_seconds_or_as_a_date(said: str) -> None:
    trace = Tracing()
    trace.query(error("rate_limit_exceeded", "evo_api_error"), 429, headers=waiting(said))
    assert trace.accused() == {}
    assert trace.passed()["rate.retry-after"] == 1


@pytest.mark.parametrize(
    ("said", "waited", "scale", "passes", "fails"),
    [
        ("10", 10.5, 1.0, False, True),
        ("9.5", 10.5, 1.0, False, True),
        ("9" * 30, 10.5, 1.0, False, False),
        ("Sat, 06 Sep 99999999999 14:42:33 GMT", 10.5, 1.0, False, False),
        ("10", 9.5, 1.0, False, False),  # too early
        ("Sat, 06 Sep 2025 14:42:33 GMT", 10.5, 1.0, False, True),
        ("10", 1.5, 10.0, False, False),  # whose seconds are meant is not said
        ("10", 10.5, 10.0, False, True),
        ("10", 10.5, 0.5, False, False),
        ("soon", 99.0, 1.0, False, False),
    ],
)
def test_who_waits_is_let_in(said: str, waited: float, scale: float, *, passes: bool, fails: bool) -> None:
    trace = Tracing(scale=scale)
    trace.create(HASTE, 429, headers=waiting(said))
    trace.create(HASTE, 429, headers=waiting("60"), after=waited)
    assert ("rate.recovers" in trace.accused()) == fails
    trace.entries.pop()
    trace.create(after=0.0)
    assert not trace.accused().keys() & {"rate.recovers"}
    assert ("rate.recovers" in trace.passed()) == (passes or fails)


def test_a_date_says_when_and_not_how_long_where_the_server_does_not_tell_its_clock() -> None:
    trace = Tracing()
    for _ in range(2):
        said = ("Retry-After", "Sat, 06 Sep 2025 14:42:33 GMT")
        trace.create(HASTE, 429, headers=(*JSON[:1], said), after=60.0)
    assert trace.accused() == {}
    assert trace.passed()["rate.retry-after"] == 2
    assert "rate.recovers" not in trace.passed()


def test_a_wait_in_which_something_was_sent_proves_nothing() -> None:
    trace = Tracing()
    trace.create(HASTE, 429, headers=waiting("10"))
    trace.query(processing(), after=5.0)
    trace.create(HASTE, 429, headers=waiting("10"), after=6.0)
    trace.create(HASTE, 429, headers=waiting("10"), after=20.0, who="other")
    assert trace.accused() == {}
    trace = Tracing(complete=False)
    trace.create(HASTE, 429, headers=waiting("1"))
    trace.create(HASTE, 429, headers=waiting("1"), after=5.0)
    assert trace.accused() == {}
