"""Schemathesis through our door: it finds what is wrong, accuses nobody else, and makes no more tasks than it may."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from evolink_check.analysis.request_faults import create_faults
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import passed, violation
from evolink_check.fuzzing.schemathesis_adapter import BASE, CaseAdapter, NotSentError
from evolink_check.fuzzing.schemathesis_check import SchemathesisFindings, run_schemathesis, with_findings
from evolink_check.fuzzing.schemathesis_search import clause_of
from evolink_check.generation.case_builders import bodyless_case, create_case, query_case
from evolink_check.settings import Effort
from evolink_check.traffic.trace import Entry, Exchange, Trace
from evolink_check.transport.target import OutOfTimeError
from schemathesis.core.failures import Failure
from support.mocks.in_process import BODY, CREATE, SPEC
from support.mocks.sending import VIOLATIONS, Sending, body_of, sending, silent

if TYPE_CHECKING:
    from evolink_check.generation.case import Case

EFFORT = Effort(examples=3, seed=1)
TASK = "/v1/tasks/task-unified-1000000000-abcdefgh"


OPERATION = next(iter(SPEC.creates["POST", CREATE].values()))


def explored(
    twist: Any = None, creates: int = 0, effort: Effort = EFFORT
) -> tuple[SchemathesisFindings, Sending]:
    """What it finds when our own rules are silent."""
    with sending(twist) as send:
        return run_schemathesis(SPEC, send, silent, effort, creates=creates), send


@pytest.fixture(scope="module")
def free() -> tuple[SchemathesisFindings, Sending]:
    return explored()


@pytest.fixture(scope="module")
def paid() -> tuple[SchemathesisFindings, Sending]:
    return explored(creates=5)


def test_it_finds_nothing_on_the_correct_mock_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    found, send = explored(creates=4)
    assert found == SchemathesisFindings({}, len(send.entries))
    assert capfd.readouterr() == ("", "")


def test_without_leave_it_makes_no_task(free: tuple[SchemathesisFindings, Sending]) -> None:
    found, send = free
    assert send.accepted == []
    assert not any(case.creates for case in send.cases)
    assert found == SchemathesisFindings({}, len(send.cases))
    assert found.sent > 60


def test_it_makes_as_many_tasks_as_it_may_and_follows_the_link_of_one(
    paid: tuple[SchemathesisFindings, Sending],
) -> None:
    found, send = paid
    assert found.findings == {}
    assert len(send.accepted) == 5
    followed = [
        one for one in send.entries if "/v1/tasks/" in one.exchange.url and one.exchange.status == 200
    ]
    assert followed


def test_no_stranger_is_called_or_fetched_for_a_task_that_it_makes(
    paid: tuple[SchemathesisFindings, Sending],
) -> None:
    for case in paid[1].accepted:
        body = body_of(case)
        assert body["image_urls"] in ([], ["https://example.com/image.jpg"])
        assert body.get("callback_url", "https://example.com/").startswith("https://example.com/")


def test_equal_seeds_send_equal_requests(free: tuple[SchemathesisFindings, Sending]) -> None:
    assert explored()[1].cases == free[1].cases


def accepts_any_mode(case: Case, status: int, body: Any) -> tuple[int, Any]:
    """A server that does not look at the mode."""
    if case.path != CREATE or status != 400:
        return status, body
    faults = {fault.clause for fault in create_faults(case.headers, case.body, SPEC.creates["POST", CREATE])}
    return (200, created()) if faults == {"mode.enum"} else (status, body)


def created() -> dict[str, Any]:
    return {**OPERATION.answer, "id": "task-unified-1757169743-7cvnl5zw", "created": 1757169743}


def test_values_that_are_not_listed_are_found_accepted() -> None:
    found, send = explored(accepts_any_mode)
    assert found.findings.keys() == {"mode.enum"}
    (number,) = found.findings["mode.enum"][-1].entries
    assert body_of(send.cases[number])["mode"] not in {"fun", "normal", "spicy"}


def test_answers_that_are_not_documented_are_found() -> None:
    def twist(_: Case, status: int, body: Any) -> tuple[int, Any]:
        return (418 if status == 404 else status), ({"error": {"code": 400}} if status == 400 else body)

    found, _ = explored(twist)
    assert found.findings.keys() == {"error.documented-status", "error.shape"}
    assert all(
        not one.passed and one.expected and one.seen for some in found.findings.values() for one in some
    )


@pytest.mark.parametrize(("clause", "path"), [("create.schema", CREATE), ("query.schema", "/v1/tasks/")])
def test_tasks_that_break_their_schema_are_found(clause: str, path: str) -> None:
    def twist(case: Case, status: int, body: Any) -> tuple[int, Any]:
        return status, body | {"progress": 101} if status == 200 and case.path.startswith(path) else body

    found, _ = explored(twist, creates=3)
    assert found.findings.keys() == {clause}


def test_what_our_own_rules_say_is_not_said_again() -> None:
    with sending(accepts_any_mode) as send:
        assert run_schemathesis(SPEC, send, VIOLATIONS, EFFORT).findings == {}


def test_a_server_that_refuses_what_the_documents_leave_open_is_not_accused() -> None:
    def strict(case: Case, status: int, body: Any) -> tuple[int, Any]:
        faults = (
            create_faults(case.headers, case.body, SPEC.creates["POST", CREATE])
            if case.path == CREATE
            else ()
        )
        refused = {"error": {"code": "invalid_request", "message": "No", "type": "invalid_request_error"}}
        return (400, refused) if faults or status == 404 else (status, body)

    found, _ = explored(strict, creates=5)
    assert found.findings == {}


def test_refusing_what_is_valid_is_found() -> None:
    refused = {"error": {"code": "invalid_request", "message": "No", "type": "invalid_request_error"}}
    found, _ = explored(
        lambda case, status, body: (400, refused) if case.creates else (status, body), creates=1
    )
    assert found.findings.keys() == {"create.accepts"}


ANY = create_case("x", OPERATION, SPEC, BODY)
OPEN = create_case("x", OPERATION, SPEC, BODY | {"image_urls": []})
WRONG = create_case("x", OPERATION, SPEC, BODY | {"duration": 7})
QUERY = query_case("x", SPEC, "task-unified-1000000000-abcdefgh")
DELETE = bodyless_case("x", "DELETE", CREATE)


@pytest.mark.parametrize(
    ("check", "case", "status", "clause"),
    [
        ("positive_data_acceptance", ANY, 400, "create.accepts"),
        ("positive_data_acceptance", ANY, 500, None),
        ("positive_data_acceptance", OPEN, 400, None),
        ("positive_data_acceptance", QUERY, 400, None),
        ("negative_data_rejection", WRONG, 200, "duration.enum"),
        ("negative_data_rejection", OPEN, 200, None),
        ("negative_data_rejection", QUERY, 200, None),
        ("response_schema_conformance", ANY, 200, "create.schema"),
        ("response_schema_conformance", QUERY, 200, "query.schema"),
        ("response_schema_conformance", QUERY, 404, "error.shape"),
        ("content_type_conformance", WRONG, 400, "wire.json"),
        ("response_headers_conformance", QUERY, 429, "rate.retry-after"),
        ("status_code_conformance", QUERY, 418, "error.documented-status"),
        ("status_code_conformance", DELETE, 405, None),
        ("unsupported_method", ANY, 200, None),
    ],
)
def test_a_complaint_is_taken_only_where_it_cannot_be_mistaken(
    check: str, case: Case, status: int, clause: str | None
) -> None:
    class Complaint(Failure):
        checks = (check,)

    exchange = Exchange(case.method, case.path, case.headers, case.body, status, (), b"")
    found = clause_of(Complaint(operation="x", message="x"), case, Entry(0, exchange, 0.0, 0.0), SPEC)
    assert found == clause


def test_the_end_of_the_time_ends_it() -> None:
    with sending() as send:

        def limited(case: Case) -> Entry:
            if len(send.entries) >= 90:
                raise OutOfTimeError("the time is over")
            return send(case)

        found = run_schemathesis(SPEC, limited, silent, replace(EFFORT, examples=50))
    assert found == SchemathesisFindings({}, 90, "the time is over")


@pytest.fixture
def door() -> CaseAdapter:
    def none(_: Case) -> Entry:
        raise AssertionError

    return CaseAdapter(SPEC, none, 0)


def case_of(door: CaseAdapter, method: str, path: str, **more: Any) -> Case | None:
    return door.case_of(requests.Request(method, f"{BASE}{path}", **more).prepare())


def test_a_request_becomes_a_labelled_case(door: CaseAdapter) -> None:
    case = case_of(
        door, "POST", CREATE, json=BODY | {"duration": 7}, headers={"X-Y": "1", "Authorization": "x"}
    )
    assert case is not None
    assert (case.clauses[0], case.creates, case.key) == ("duration.enum", False, "main")
    assert {name.lower() for name, _ in case.headers} == {"content-type", "x-y"}
    assert body_of(case) == BODY | {"duration": 7}


def test_what_could_make_a_task_does_not_pass_a_closed_door(door: CaseAdapter) -> None:
    with pytest.raises(NotSentError):
        door.session().post(f"{BASE}{CREATE}", json=BODY)
    assert (door.sent, door.limit_reached) == (0, True)


def test_a_request_without_an_answer_is_nothing_to_judge() -> None:
    with sending() as send:
        door = CaseAdapter(
            SPEC, lambda case: replace(lost := send(case), exchange=replace(lost.exchange, status=0)), 1
        )
        with pytest.raises(NotSentError):
            door.session().post(f"{BASE}{CREATE}", json=BODY)
    assert (door.sent, door.creates) == (1, 0), "it may have made a task"


def test_an_answer_is_read_as_it_was_decoded_whatever_its_headers_say() -> None:
    packed = (("Content-Encoding", "gzip"), ("Content-Length", "4"), ("Content-Type", "application/json"))

    def zipped(case: Case) -> Entry:
        found = send(case)
        return replace(found, exchange=replace(found.exchange, response_headers=packed))

    with sending() as send:
        answer = CaseAdapter(SPEC, zipped, 0).session().get(f"{BASE}{TASK}")
    assert answer.json()["error"]["code"] == "task_not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", TASK),
        ("HEAD", TASK),
        ("GET", f"{TASK}?x=1"),
        ("GET", "/v1/tasks/task-unified-1756817821-4x3rx6ny"),
        ("GET", "/v1/tasks/a%2Fb"),
        ("GET", "/v1/tasks/"),
        ("GET", "/elsewhere"),
    ],
)
def test_what_says_nothing_sure_is_not_sent(door: CaseAdapter, method: str, path: str) -> None:
    assert case_of(door, method, path) is None


def test_another_method_with_a_body_is_not_sent(door: CaseAdapter) -> None:
    assert case_of(door, "PUT", CREATE, json=BODY) is None
    assert case_of(door, "PUT", CREATE) is not None


@pytest.mark.parametrize("value", ["\x80".encode("latin-1"), b"a\x00b", b"a\x7f"])
def test_headers_that_no_client_sends_are_not_sent(door: CaseAdapter, value: bytes) -> None:
    request = requests.Request("GET", f"{BASE}{TASK}").prepare()
    request.headers["X-Y"] = value.decode("latin-1")
    assert door.case_of(request) is None


def test_findings_stand_behind_those_of_the_rules() -> None:
    mine, more = passed(0), violation(1, expected="a", seen="b")
    rules = with_findings(
        {"a.b": lambda _: [mine], "c.d": lambda _: [mine]},
        SchemathesisFindings({"a.b": (more,), "e.f": (more,)}, 2),
    )
    reading = TraceView(Trace(()), SPEC)
    assert {clause: list(rule(reading)) for clause, rule in rules.items()} == {
        "a.b": [mine, more],
        "c.d": [mine],
        "e.f": [more],
    }
