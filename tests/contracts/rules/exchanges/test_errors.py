"""Refusals: their shape, their codes, and which query is refused how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.rules import rules_of
from evolink_check.rules.exchanges import errors
from evolink_check.traffic.trace import Account
from support.records.trace_builders import BODY, ID, JSON, SPEC, Tracing, completed, error, processing, task

if TYPE_CHECKING:
    from collections.abc import Callable

ERRORS = {*rules_of(errors), "query.id-prefix", "query.unknown-id", "query.own-tasks"}


CREATES = next(iter(SPEC.creates.values()))
OPERATION = next(iter(CREATES.values()))
NEW = "task-unified-1757169744-00000001"
WAIT = (*JSON, ("Retry-After", "1"))
BAD = BODY | {"duration": 7}
# A request that deserves each status: who asks, and what.
CREATE_ASKED: dict[int, dict[str, Any]] = {
    400: {"body": BAD},
    401: {"who": "wrong"},
    402: {"who": "poor"},
    403: {"who": "barred"},
    429: {},
    500: {},
}
QUERY_ASKED: dict[int, dict[str, Any]] = {
    400: {"id_": "abc"},
    401: {"who": "wrong"},
    402: {"who": "poor"},
    403: {"who": "other"},
    404: {"id_": NEW, "case": "an unknown id"},
    429: {},
    500: {},
}


def tracing() -> Tracing:
    trace = Tracing()
    trace.accounts["poor"] = Account("poor", valid=True, credits=False, access=True)
    trace.accounts["barred"] = Account("barred", valid=True, credits=True, access=False)
    trace.create()
    return trace


def documented(kind: str, status: int, **changes: Any) -> dict[str, Any]:
    found = (OPERATION if kind == "create" else SPEC.query).errors[status].body["error"]
    return {"error": {**found, **changes}}


def ask(trace: Tracing, kind: str, status: int, body: Any, **more: Any) -> None:
    if kind == "create":
        trace.create(body, status, headers=WAIT, **CREATE_ASKED[status] | more)
    else:
        trace.query(body, status, headers=WAIT, **QUERY_ASKED[status] | more)


EACH = [*(("create", status) for status in CREATE_ASKED), *(("query", status) for status in QUERY_ASKED)]


@pytest.mark.parametrize(("kind", "status"), EACH)
def test_the_documented_example_of_every_error_is_right(kind: str, status: int) -> None:
    trace = tracing()
    assert f"{kind}.error-{status}" not in trace.passed()
    ask(trace, kind, status, documented(kind, status))
    assert trace.accused() == {}
    assert trace.passed()[f"{kind}.error-{status}"] == 1


@pytest.mark.parametrize("part", ["code", "type"])
@pytest.mark.parametrize(("kind", "status"), EACH)
def test_another_code_or_type_is_told_by_the_clause_of_its_status(kind: str, status: int, part: str) -> None:
    trace = tracing()
    ask(trace, kind, status, documented(kind, status, **{part: "oops"}))
    assert trace.accused().keys() == {f"{kind}.error-{status}"}


def test_a_wrong_status_with_the_code_of_the_right_one_is_told_once() -> None:
    trace = Tracing(accounts={"wrong": Account("wrong", valid=False)})
    trace.create(error("unauthorized", "authentication_error"), 403, who="wrong")
    trace.query(error("unauthorized", "authentication_error"), 403, who="wrong")
    trace.exchange("GET", "/v1/credits", 403, error(401, "authentication_error"), who="wrong")
    assert trace.accused().keys() == {"auth.bearer"}


@pytest.mark.parametrize(("kind", "status"), EACH)
def test_the_words_of_a_message_are_free_and_more_may_stand_beside_them(kind: str, status: int) -> None:
    trace = tracing()
    more = {"message": "grok-imagine-image-to-video-beta: не сейчас", "details": [1], "hint": None}
    ask(trace, kind, status, documented(kind, status, **more))
    assert trace.accused() == {}


SHAPELESS: list[Any] = [
    *([], "No", 7, b"null", {}, {"error": None}, {"error": "No"}, {"error": []}, {"detail": "No"}),
    *({"error": documented("create", 400)["error"] | {name: 400}} for name in ("code", "message", "type")),
    *({"error": documented("create", 400)["error"] | {name: None}} for name in ("code", "message", "type")),
    {"error": {"code": "invalid_request", "message": "No"}},
    {"code": "invalid_request", "message": "No", "type": "invalid_request_error"},
]


@pytest.mark.parametrize("answer", SHAPELESS, ids=repr)
@pytest.mark.parametrize("kind", ["create", "query"])
def test_an_error_of_another_shape_is_told_once(kind: str, answer: Any) -> None:
    trace = tracing()
    ask(trace, kind, 400, answer)
    assert trace.accused().keys() == {"error.shape"}


@pytest.mark.parametrize(
    ("method", "path", "status", "who"),
    [
        ("GET", "/v1/tasks/abc", 400, "main"),
        ("GET", "/nothing", 404, "main"),
        ("PUT", "/v1/videos/generations", 405, "main"),
    ],
)
@pytest.mark.parametrize("where", ["top", "within", "deep"])
def test_an_id_anywhere_in_an_error_is_told_by_its_clause(
    method: str, path: str, status: int, who: str, where: str
) -> None:
    body = error("invalid_task_id", "invalid_request_error", param="task_id")
    place = {"top": body, "within": body["error"], "deep": body["error"].setdefault("more", [{}])[0]}[where]
    place["id"] = "req-1"
    trace = Tracing()
    trace.exchange(method, path, status, body, who=who)
    assert trace.accused().keys() == {"error.no-id"}


def test_an_id_in_a_task_or_in_a_word_is_no_id_of_an_error() -> None:
    trace = tracing()
    trace.query(processing())
    trace.create(documented("create", 400, message='"id": 5', request_id="x"), 400, BAD)
    assert trace.accused() == {}
    assert trace.passed()["error.no-id"] == 1


@pytest.mark.parametrize("code", ["unauthorized", "401", None, 401.5, True, 400])
def test_an_error_of_the_credits_has_its_status_for_a_code(code: Any) -> None:
    trace = Tracing()
    trace.exchange("GET", "/v1/credits", 401, error(401, "authentication_error"), who="wrong")
    assert trace.accused() == {}
    assert trace.passed()["credits.integer-codes"] == 1
    trace.exchange("GET", "/v1/credits", 401, error(code, "authentication_error"), who="wrong")
    assert trace.accused().keys() == {"credits.integer-codes"}


def test_a_server_without_credits_is_not_asked_for_integers() -> None:
    trace = Tracing()
    trace.exchange("GET", "/v1/credits", 404, error("not_found", "invalid_request_error"))
    assert trace.accused() == {}


BAD_ID = documented("query", 400)
UNKNOWN = documented("query", 404)
DENIED = documented("query", 403)
QUERIES: dict[str, tuple[str, Callable[[Tracing], Any]]] = {
    "404 for a foreign id": ("query.id-prefix", lambda t: t.query(UNKNOWN, 404, "abc")),
    "a task for a foreign id": ("query.id-prefix", lambda t: t.query(processing(id="abc"), 200, "abc")),
    "403 for a foreign id": ("query.id-prefix", lambda t: t.query(DENIED, 403, "TASK-UNIFIED-1")),
    "no param": (
        "query.id-prefix",
        lambda t: t.query(error("invalid_task_id", "invalid_request_error"), 400, "abc"),
    ),
    "another param": (
        "query.id-prefix",
        lambda t: t.query(error("invalid_task_id", "invalid_request_error", param="id"), 400, "abc"),
    ),
    "an unknown task is pending": (
        "query.unknown-id",
        lambda t: t.query(task(id=NEW), 200, NEW, case="an unknown id"),
    ),
    "an unknown task is a bad id": ("query.unknown-id", lambda t: t.query(BAD_ID, 400, NEW, case="unknown")),
    "an unknown task is somebody's": (
        "query.unknown-id",
        lambda t: t.query(DENIED, 403, NEW, case="unknown"),
    ),
    "a task of the year 1970": (
        "query.unknown-id",
        lambda t: t.query(processing(), 200, "task-unified-0000000001-abcdefgh"),
    ),
    "a task with half an id": (
        "query.unknown-id",
        lambda t: t.query(processing(), 200, "task-unified-1", case="half an id"),
    ),
    "anybody may look": ("query.own-tasks", lambda t: t.query(processing(), who="other")),
    "another's task is not there": ("query.own-tasks", lambda t: t.query(UNKNOWN, 404, who="other")),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_that_had_to_be_refused_otherwise_is_told_by_its_clause(name: str) -> None:
    clause, violation = QUERIES[name]
    trace = tracing()
    assert clause not in trace.passed()
    violation(trace)
    found = trace.accused().keys()
    assert found & ERRORS == {clause}


def test_the_documented_refusals_of_queries_are_right() -> None:
    trace = tracing()
    trace.query(BAD_ID, 400, "abc")
    trace.query(UNKNOWN, 404, NEW, case="an unknown id")
    trace.query(UNKNOWN, 404, "task-unified-0000000001-abcdefgh")
    trace.query(DENIED, 403, who="other")
    assert trace.accused() == {}
    passed = trace.passed()
    assert (passed["query.id-prefix"], passed["query.unknown-id"], passed["query.own-tasks"]) == (1, 2, 1)


@pytest.mark.parametrize(("status", "answer"), [(200, processing()), (403, DENIED), (404, UNKNOWN)])
def test_a_recording_may_ask_for_tasks_from_before_it_began(status: int, answer: Any) -> None:
    trace = Tracing()
    trace.query(answer, status)
    trace.query(answer, status, NEW)
    assert not trace.accused().keys() & ERRORS


@pytest.mark.parametrize(("status", "answer"), [(400, BAD_ID), (404, UNKNOWN)])
def test_a_malformed_id_behind_the_prefix_may_be_bad_or_unknown(status: int, answer: Any) -> None:
    trace = tracing()
    trace.query(answer, status, "task-unified-17571-x", case="a malformed id")
    trace.query(answer, status, "task-unified-1757169743-7CVNL5ZW", case="capitals")
    trace.query(answer, status, "%2e%2e%2fadmin", case="an odd id")
    assert trace.accused() == {}


def test_an_id_that_the_server_gave_is_its_own_fault_and_not_the_querys() -> None:
    trace = Tracing()
    trace.create(task(id="video-1"))
    trace.query(BAD_ID, 400, "video-1")
    trace.query(processing(id="video-1"), 200, "video-1")
    trace.query(UNKNOWN, 404, "video-1", who="other")
    assert trace.accused().keys() & (ERRORS | {"id.format"}) == {"id.format"}


def test_a_key_of_which_nothing_is_known_may_be_refused_whatever_the_id() -> None:
    trace = tracing()
    for id_ in ("abc", NEW, ID):
        trace.query(documented("query", 401), 401, id_, who="unknown", case="an id")
        trace.query(documented("query", 402), 402, id_, who="unknown", case="an id")
    assert trace.accused() == {}


def test_two_accounts_of_which_little_is_known_may_be_one() -> None:
    trace = Tracing(accounts={"a": Account("a"), "b": Account("b")})
    trace.create(who="a")
    trace.query(completed(), who="b")
    trace.query(processing(), 200, ID, who="unknown")
    assert not trace.accused().keys() & ERRORS


def test_a_recorder_whose_clock_stands_at_its_beginning_accuses_no_id_of_today() -> None:
    trace = Tracing(at=100.0)
    trace.query(processing())
    trace.query(DENIED, 403, NEW)
    assert trace.accused() == {}
