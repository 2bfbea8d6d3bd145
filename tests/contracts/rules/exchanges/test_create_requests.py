"""Creates: which are accepted, and what the answer of one says of its task."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.rules import RULES, rules_of
from evolink_check.rules.exchanges import create_requests, create_responses, statuses
from evolink_check.traffic.trace import Account
from support.records.trace_builders import (
    BODY,
    CREATE,
    ID,
    JSON,
    MODEL,
    Tracing,
    compact,
    error,
    processing,
    task,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CREATES = {
    clause
    for clause in rules_of(create_requests, create_responses, statuses)
    if not clause.startswith("query.")
}


OLD = MODEL.removesuffix("-beta")
INVALID = error("invalid_request", "invalid_request_error", "Invalid request parameters: no")
DENIED = error(
    "model_access_denied", "invalid_request_error", f"Token does not have access to model: {MODEL}"
)
POOR = error("insufficient_quota", "insufficient_quota")
BROKEN_DOWN = error("internal_error", "api_error")
UNKNOWN = error("task_not_found", "invalid_request_error")
TEXT = (("Content-Type", "text/plain"),)
HOOK = "https://hooks.example.test/c/1"
LONG = HOOK + "?x=".ljust(2048 - len(HOOK), "x")
AT = 1_757_169_744
TWINS = b'{"duration":6,' + compact(BODY)[1:-1] + b',"duration":7}'


def new(place: int = 1, **changes: Any) -> dict[str, Any]:
    """The answer of another create."""
    return task(**{"id": f"task-unified-{AT}-{place:08}", "created": AT} | changes)


# What must be refused, by the clause that says so.
FAULTY: list[tuple[str, Any, dict[str, Any]]] = [
    ("body.json", b"{", {}),
    ("body.json", b"[]", {}),
    ("body.json", BODY, {"sent": TEXT}),
    ("body.required", b"", {}),
    *(("create.required", {k: v for k, v in BODY.items() if k != name}, {}) for name in BODY),
    ("create.types", BODY | {"prompt": 5}, {}),
    ("create.types", BODY | {"duration": "6"}, {}),
    ("create.types", BODY | {"model": 5}, {}),
    ("model.enum", BODY | {"model": "another"}, {}),
    ("create.image-urls-max-one", BODY | {"image_urls": BODY["image_urls"] * 2}, {}),
    ("create.image-urls-uri", BODY | {"image_urls": ["words"]}, {}),
    ("duration.enum", BODY | {"duration": 7}, {}),
    ("duration.enum", BODY | {"duration": 6.5}, {}),
    ("mode.enum", BODY | {"mode": "Normal"}, {}),
    ("quality.enum", BODY | {"quality": "4k"}, {}),
    ("callback.https-only", BODY | {"callback_url": "http://hooks.example.test/"}, {}),
    ("callback.max-length", BODY | {"callback_url": LONG + "x"}, {}),
    ("callback.uri", BODY | {"callback_url": "words"}, {}),
    ("callback.no-internal", BODY | {"callback_url": "https://127.1/"}, {}),
]
# What must be accepted, by the clause that says so.
ALLOWED: list[tuple[str, dict[str, Any]]] = [
    ("create.accepts", {}),
    ("create.accepts", {"duration": 10, "mode": "spicy", "quality": "720p"}),
    ("create.accepts", {"prompt": "🤸\u202e\0"}),
    ("model.alias", {"model": OLD}),
    ("create.unknown-fields", {"aspect_ratio": "16:9"}),
    ("prompt.length", {"prompt": "x" * 3000}),
    ("callback.unresolved", {"callback_url": HOOK}),
]


def test_a_good_server_keeps_every_clause_of_these() -> None:
    trace = Tracing()
    trace.accounts["barred"] = Account("barred", valid=True, credits=True, access=False)
    trace.create()
    trace.query(processing())
    for _, body, more in FAULTY:
        trace.create(INVALID, 400, body, **more)
    for place, (_, fields) in enumerate(ALLOWED):
        trace.create(new(place), body=BODY | fields)
    trace.create(DENIED, 403, who="barred")
    trace.create(INVALID, 400, BODY | {"image_urls": []})
    trace.create(INVALID, 400, BODY | {"prompt": "x" * 1_100_000})
    trace.create(INVALID, 400, TWINS)
    assert trace.accused() == {}
    assert trace.passed().keys() & CREATES == CREATES


def test_nothing_is_said_of_what_was_not_seen() -> None:
    trace = Tracing()
    trace.credits(5)
    assert not trace.passed().keys() & CREATES


@pytest.mark.parametrize(("clause", "body", "more"), FAULTY)
def test_what_must_be_refused_is_told_by_its_clause_alone(
    clause: str, body: Any, more: dict[str, Any]
) -> None:
    trace = Tracing()
    trace.create(body=body, **more)
    assert trace.accused().keys() == {clause}


@pytest.mark.parametrize(("clause", "body", "more"), FAULTY)
def test_a_refusal_with_the_wrong_status_is_told_by_the_same_clause(
    clause: str, body: Any, more: dict[str, Any]
) -> None:
    trace = Tracing()
    trace.create(POOR, 402, body, **more)
    assert trace.accused().keys() == {clause}


@pytest.mark.parametrize(("clause", "body", "more"), FAULTY)
def test_a_refusal_for_another_documented_reason_says_nothing(
    clause: str, body: Any, more: dict[str, Any]
) -> None:
    trace = Tracing(accounts={"main": Account("main", valid=True)})
    trace.create(POOR, 402, body, **more)
    trace.create(DENIED, 403, body, **more)
    trace.create(
        error("rate_limit_exceeded", "rate_limit_error"),
        429,
        body,
        headers=(*JSON, ("Retry-After", "1")),
        **more,
    )
    assert trace.accused() == {}
    assert clause == "model.enum" or clause not in trace.passed()


@pytest.mark.parametrize("status", [400, 402, 403])
@pytest.mark.parametrize(("clause", "fields"), ALLOWED)
def test_what_must_be_accepted_is_told_by_its_clause_alone(
    clause: str, fields: dict[str, Any], status: int
) -> None:
    trace = Tracing()
    trace.create()
    trace.create({400: INVALID, 402: POOR, 403: DENIED}[status], status, BODY | {"prompt": "y"} | fields)
    assert trace.accused().keys() == {clause}


def test_an_unknown_model_may_be_400_or_403() -> None:
    trace = Tracing()
    trace.create(INVALID, 400, BODY | {"model": "another"})
    trace.create(DENIED, 403, BODY | {"model": "another"})
    assert trace.accused() == {}
    assert trace.passed()["model.enum"] == 2


@pytest.mark.parametrize(
    "body",
    [
        BODY | {"image_urls": []},
        BODY | {"prompt": ""},
        BODY | {"prompt": "x" * 200_000},
        BODY | {"duration": 6.0},
        BODY | {"mode": None},
        BODY | {"callback_url": "https://8.8.8.8/"},
        BODY | {"callback_url": "https://printer.local/"},
        BODY | {"image_urls": ["data:image/png;base64,AAAA"]},
        b'{"x":NaN,' + compact(BODY)[1:],
        b"\xef\xbb\xbf" + compact(BODY),
        TWINS,
    ],
    ids=lambda body: repr(body)[-60:],
)
def test_where_the_documents_are_silent_any_sensible_answer_is_right(body: Any) -> None:
    trace = Tracing()
    trace.create(INVALID, 400, body)
    assert trace.accused() == {}
    trace.create(body=body)
    assert trace.accused().keys() <= {"body.duplicate-keys"}  # advice


def test_two_faults_speak_of_neither_unless_both_are_let_pass() -> None:
    trace = Tracing()
    body = BODY | {"duration": 7, "mode": "dull"}
    trace.create(INVALID, 400, body)
    assert not trace.passed().keys() & {"duration.enum", "mode.enum"}
    trace.create(body=body)
    assert trace.accused().keys() == {"duration.enum"}


def test_a_key_that_stands_twice_counts_where_it_stands_last() -> None:
    trace = Tracing()
    trace.create(INVALID, 400, TWINS)
    assert (trace.accused(), trace.passed().get("body.duplicate-keys")) == ({}, 1)
    trace.create(body=TWINS)
    assert trace.accused().keys() == {"body.duplicate-keys"}


def test_the_culprit_among_several_features_is_found_by_other_creates() -> None:
    trace = Tracing()
    trace.create(body=BODY | {"aspect_ratio": 1})
    trace.create(INVALID, 400, BODY | {"aspect_ratio": 1, "model": OLD})
    assert trace.accused().keys() == {"model.alias"}
    trace.create(INVALID, 400, BODY | {"model": OLD, "prompt": "x" * 5000})
    assert trace.accused().keys() == {"model.alias"}


def test_a_limit_of_the_prompt_is_found_beyond_what_was_accepted() -> None:
    trace = Tracing()
    trace.create(body=BODY | {"prompt": "x" * 2000})
    trace.create(INVALID, 400, BODY | {"prompt": "x" * 1999})
    assert trace.accused().keys() == {"create.accepts"}
    trace.create(INVALID, 400, BODY | {"prompt": "x" * 2001})
    assert trace.accused().keys() == {"create.accepts"}  # something else is refused as well
    del trace.entries[1]
    assert trace.accused().keys() == {"prompt.length"}


def test_a_long_callback_is_to_blame_only_when_its_host_was_accepted() -> None:
    trace = Tracing()
    trace.create(INVALID, 400, BODY | {"callback_url": LONG})
    assert trace.accused().keys() == {"callback.unresolved"}
    trace.create(body=BODY | {"callback_url": HOOK})
    assert trace.accused().keys() == {"callback.max-length"}


def test_who_takes_a_host_that_cannot_be_refuses_none_for_its_name() -> None:
    trace = Tracing()
    trace.create(INVALID, 400, BODY | {"callback_url": LONG})
    trace.create(body=BODY | {"callback_url": "https://hooks.nobody.invalid/done"})
    assert trace.accused().keys() == {"callback.max-length"}


def test_a_callback_to_the_receiver_that_the_server_was_told_of_must_be_accepted() -> None:
    trace = Tracing(receiver="http://127.0.0.1:9999/")
    trace.create(INVALID, 400, BODY | {"callback_url": "http://127.0.0.1:9999/c/1"})
    assert trace.accused().keys() == {"create.accepts"}


def test_a_passing_500_is_no_violation_and_nothing_but_500_is_one() -> None:
    trace = Tracing()
    trace.create(BROKEN_DOWN, 500)
    trace.create(BROKEN_DOWN, 500)
    trace.create(BROKEN_DOWN, 500, BODY | {"duration": 10})
    assert trace.accused() == {}
    trace.create(BROKEN_DOWN, 500)
    assert trace.accused().keys() == {"create.accepts"}
    trace.create()
    assert trace.accused() == {}


@pytest.mark.parametrize(
    ("clause", "changes"),
    [
        ("prompt.length", {"prompt": "x" * 5_000}),
        ("prompt.length", {"prompt": "x" * 200_000}),
        ("create.unknown-fields", {"x": 1}),
        ("create.types", {"callback_url": None}),
        ("create.accepts", {"duration": 10}),
    ],
)
def test_a_lasting_500_is_a_violation_of_what_the_request_may_have(
    clause: str, changes: dict[str, Any]
) -> None:
    trace = Tracing()
    trace.create()
    for _ in range(2):
        trace.create(BROKEN_DOWN, 500, BODY | changes)
    assert trace.accused() == {}
    trace.create(BROKEN_DOWN, 500, BODY | changes)
    assert trace.accused().keys() == {clause}


def test_a_lasting_500_of_an_unknown_id_and_of_the_credits_is_a_violation() -> None:
    trace = Tracing()
    for _ in range(3):
        trace.query(BROKEN_DOWN, 500, "task-unified-1000000000-zzzzzzzz", case="an unknown id")
        trace.exchange("GET", "/v1/credits", 500, error(500, "server_error"))
    assert trace.accused().keys() == {"query.unknown-id", "credits.shape"}
    trace.credits(5.0)
    trace.query(error("task_not_found", "invalid_request_error"), 404, "task-unified-1000000000-zzzzzzzz")
    assert trace.accused() == {}


def test_a_task_for_another_method_is_a_violation_and_a_list_of_tasks_none() -> None:
    trace = Tracing()
    trace.exchange("PUT", CREATE, 200, {"data": [task()]}, asked=BODY)
    trace.exchange("DELETE", f"/v1/tasks/{ID}", 200, task())
    trace.exchange("PATCH", CREATE, 405, error("method_not_allowed", "invalid_request_error"), asked=BODY)
    assert trace.accused() == {}
    trace.exchange("PUT", CREATE, 200, task(), asked=BODY)
    assert trace.accused().keys() == {"error.other-methods"}


def test_a_documented_property_that_was_never_seen_is_named() -> None:
    trace = Tracing()
    for place in range(3):
        made = task(id=f"{ID[:-8]}{place:08}", usage=None, task_info={"estimated_time": 120})
        trace.create(made)
        trace.query(processing(id=made["id"], usage=None, task_info={}), id_=made["id"])
    names = [found.expected for found in trace.findings(RULES["wire.all-properties"]) if not found.passed]
    assert names == [
        "`task_info.can_cancel` in some answer to a create",
        "`usage` in some answer to a create",
        "`task_info.can_cancel` in some answer to a query",
    ]
    trace.create(task(id=f"{ID[:-8]}zzzzzzzz"))
    trace.query(processing(id=made["id"]), id_=made["id"])
    assert trace.accused() == {}


def test_a_barred_account_gets_403_with_the_name_of_the_model() -> None:
    for status, answer, clauses in (
        (200, task(), {"model.access"}),
        (400, INVALID, {"model.access"}),
        (403, error("model_access_denied", "invalid_request_error", "No"), {"model.access"}),
        (403, DENIED, set()),
        (402, POOR, set()),
    ):
        trace = Tracing(accounts={"barred": Account("barred", valid=True, access=False)})
        trace.create(answer, status, who="barred")
        assert trace.accused().keys() == clauses
        assert ("model.access" in trace.passed()) == (status == 403 and not clauses)


def test_a_huge_body_is_refused_or_accepted_but_never_a_500() -> None:
    for size, clause in ((1_100_000, "body.limit"), (20, "")):
        trace = Tracing()
        trace.create(BROKEN_DOWN, 500, BODY | {"prompt": "x" * size})
        assert set(trace.accused()) == ({clause} if clause else set())


def test_a_huge_body_with_another_fault_shows_that_its_size_is_borne() -> None:
    for size, status, seen in ((1_100_000, 400, True), (1_100_000, 200, True), (20, 400, False)):
        trace = Tracing()
        trace.create(INVALID if status == 400 else task(), status, BODY | {"x": "x" * size})
        assert ("body.limit" in trace.passed()) is seen


def test_thousands_of_creates_with_features_are_judged_in_a_moment() -> None:
    trace = Tracing()
    for place in range(3000):
        body = BODY | {"callback_url": f"https://host-{place}.example/", "x": place}
        trace.create(task(id=f"{ID[:-8]}{place:08}"), body=body)
        trace.create(INVALID, 400, body=BODY | {"callback_url": f"https://no-{place}.example/"})
    reading = trace.reading()
    assert len(reading.seen) == 6000  # understood before the watch runs
    began = process_time()
    assert sum(not one.passed for one in RULES["callback.unresolved"](reading)) == 3000
    assert process_time() - began < 2.0


CASES: list[Callable[[Tracing], Any]] = [
    lambda t: t.create(b"<html>", headers=TEXT),
    lambda t: t.create({"error": "No"}, 400),
    lambda t: t.create(INVALID, 422),
    lambda t: t.create(b"", status=0),
]


@pytest.mark.parametrize("spoiled", CASES)
def test_a_spoiled_exchange_is_nobody_elses_business(spoiled: Callable[[Tracing], Any]) -> None:
    trace = Tracing()
    spoiled(trace)
    assert not trace.accused().keys() & CREATES
    assert not trace.passed().keys() & CREATES


def test_an_answer_about_the_key_says_nothing_of_what_may_be_accepted_or_not() -> None:
    haste = error("rate_limit_exceeded", "rate_limit_error")
    for answer, status in ((haste, 429), (BROKEN_DOWN, 500), (POOR, 402)):
        trace = Tracing()
        trace.create(
            answer, status, BODY | {"image_urls": [], "prompt": " "}, headers=(*JSON, ("Retry-After", "1"))
        )
        assert not trace.passed().keys() & {"create.image-urls-empty", "prompt.length"}
