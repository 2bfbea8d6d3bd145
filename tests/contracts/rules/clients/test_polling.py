"""How a client follows its tasks: each fault breaks its own clause, and no other of those that bind a client."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from contracts.rules.clients.test_requests import keeps, violations
from evolink_check.traffic.trace import NOBODY
from support.records.trace_builders import BODY, ID, RESULT, Tracing, completed, error, failed, processing
from support.records.trace_builders import task as created

if TYPE_CHECKING:
    from evolink_check.traffic.trace import Entry

HOOK = "https://hooks.example.test/c/1"
GONE = error("task_not_found", "invalid_request_error")
CALLED = {**BODY, "callback_url": HOOK}


def following(*answers: Any, after: float = 2.0, body: Any = None) -> Tracing:
    """A create, then a query for each answer."""
    found = Tracing()
    found.create(body=body)
    for answer in answers:
        found.query(answer, after=after)
    return found


def called(*deliveries: int, body: Any = None, **more: Any) -> Tracing:
    """A create with a callback URL, whose deliveries are answered so."""
    found = Tracing(receiver=HOOK)
    found.create(body=CALLED)
    for status in deliveries:
        found.delivery(completed() if body is None else body, status, after=5.0, **more)
    return found


# Whom it asks about


def test_an_id_that_is_no_text_at_all_is_one_that_nobody_gave() -> None:
    found = following(processing(), completed())
    found.query(GONE, 404, id_="task-unified-1-\ud800")
    assert violations(found) == {"client.given-ids": (3,)}


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_id_that_nobody_gave_is_told(status: int) -> None:
    found = following(processing(), completed())
    found.query(GONE, status, id_="task-unified-1-abcdefgh")
    found.query(GONE, status, id_="task-unified-1-abcdefgh", after=2.0)
    assert violations(found) == {"client.given-ids": (3,)}


def test_a_client_that_queries_a_placeholder_although_it_got_an_id_breaks_one_clause() -> None:
    found = following()
    for _ in range(2):
        found.query(GONE, 400, id_="undefined", after=2.0)
    assert violations(found).keys() == {"client.no-guarantees"}


def test_who_asks_for_another_id_is_not_said_to_have_abandoned_the_right_one() -> None:
    found = following()
    found.query(error("internal_error", "api_error"), 500, id_="task-unified-1-abcdefgh")
    assert violations(found) == {}


def test_an_id_that_the_user_gave_is_none_of_ours() -> None:
    found = Tracing()
    found.query(GONE, 404)
    found.create()
    found.query(processing())
    assert violations(found) == {}


def test_an_id_that_vanished_was_given_all_the_same() -> None:
    found = following(processing())
    found.query(GONE, 404, after=2.0)
    assert violations(found) == {}
    assert keeps(found, "client.given-ids")


@pytest.mark.parametrize("id_", ["undefined", "None", "null", ""])
def test_a_value_that_was_not_there_is_no_id(id_: str) -> None:
    found = Tracing()
    found.create({"status": "pending"})
    found.query(GONE, 404, id_=id_, after=2.0)
    assert violations(found) == {"client.no-guarantees": (1,)}


def test_a_client_that_ends_where_there_is_no_id_takes_nothing_for_granted() -> None:
    found = Tracing()
    found.create({"status": "pending"})
    assert violations(found) == {}
    assert keeps(found, "client.no-guarantees")


def test_a_task_is_asked_for_with_the_key_that_made_it() -> None:
    found = Tracing()
    found.create()
    found.query(error("permission_denied", "invalid_request_error"), 403, who="other", after=2.0)
    assert violations(found) == {"client.same-account": (0, 1)}
    assert keeps(following(completed()), "client.same-account")


# How often


def test_a_task_is_not_asked_for_more_often_than_each_second() -> None:
    quick = following(processing(1), processing(20), processing(50), completed(), after=0.4)
    assert violations(quick) == {"client.poll-interval": (1, 2)}


def test_one_answer_that_a_network_held_up_is_no_haste() -> None:
    found = following(processing(1), processing(20), processing(50))
    found.query(completed(), after=0.2)
    assert violations(found) == {}
    assert keeps(found, "client.poll-interval")


def test_asking_again_at_once_after_each_429_is_haste() -> None:
    found = following(processing(1))
    for after in (2.0, 0.1, 0.1):
        found.query(error("rate_limit_exceeded", "evo_api_error"), 429, after=after)
    found.query(completed(), after=2.0)
    assert violations(found) == {"client.poll-interval": (2, 4)}


@pytest.mark.parametrize("waits", [(2.0, 0.1, 2.0), (2.0, 1.0, 1.0), (2.0, 0.4, 0.8)])
def test_one_repetition_at_once_after_a_429_is_no_haste(waits: tuple[float, ...]) -> None:
    found = following(processing(1))
    for after in waits:
        found.query(error("rate_limit_exceeded", "evo_api_error"), 429, after=after)
    found.query(completed(), after=2.0)
    assert violations(found) == {}
    assert keeps(found, "client.poll-interval")


def test_asking_when_called_is_no_haste() -> None:
    found = called(body=completed())
    found.query(processing(1), after=2.0)
    for _ in range(2):
        found.delivery(completed(), after=0.1)
        found.query(processing(60), after=0.1)
    found.query(completed(), after=2.0)
    assert violations(found) == {}


def test_asking_once_in_a_while_is_too_seldom_unless_somebody_calls() -> None:
    assert violations(following(processing(), completed(), after=90.0)) == {"client.poll-useful": (1, 2)}
    assert violations(following(processing(), completed(), after=90.0, body=CALLED)) == {}
    assert keeps(following(processing(), completed(), after=30.0), "client.poll-useful")


# Until when


@pytest.mark.parametrize("end", [completed(), failed()])
def test_asking_stops_at_the_end(end: Any) -> None:
    assert violations(following(processing(), end, end, end)) == {"client.stops-at-end": (2, 3, 4)}


def test_one_more_question_after_the_end_harms_nobody() -> None:
    found = following(processing(), completed(), completed())
    assert violations(found) == {}
    assert keeps(found, "client.stops-at-end")


def test_a_program_started_anew_may_ask_again() -> None:
    found = following(completed())
    for _ in range(3):
        found.query(completed(), after=3600.0)
    assert violations(found) == {}


def test_a_task_that_nobody_asks_for_is_abandoned() -> None:
    assert violations(following()) == {"client.no-abandon": (0,)}
    part = following()
    part.complete = False
    assert violations(part) == {}


def test_a_client_whose_query_is_lost_has_asked() -> None:
    found = following()
    found.query(b"", 0, after=2.0)
    assert violations(found) == {}
    assert not keeps(found, "client.no-abandon")


# What becomes of it


def test_a_failed_task_has_no_result_to_look_for() -> None:
    found = following(failed())
    found.exchange("GET", RESULT, 404, who=NOBODY)
    assert violations(found) == {"client.failed-is-failure": (1, 2)}
    assert keeps(following(failed()), "client.failed-is-failure")


@pytest.mark.parametrize(
    ("code", "clause"),
    [
        ("content_policy_violation", "client.fix-first"),
        ("image_processing_error", "client.fix-first"),
        ("service_error", "client.retry-later"),
        ("generation_timeout", "client.retry-later"),
        ("unknown_error", "client.give-up"),
    ],
)
def test_the_same_create_at_once_after_a_failure_is_told_by_what_was_advised(code: str, clause: str) -> None:
    found = following(failed(code))
    again = created(id=f"{ID[:-1]}a")
    found.create(again, after=0.5)
    found.query(completed(id=f"{ID[:-1]}a"), id_=f"{ID[:-1]}a", after=2.0)
    assert violations(found) == {clause: (1, 2)}
    assert keeps(following(failed(code)), clause)


def test_after_a_failure_that_passes_a_client_may_try_again_later() -> None:
    found = following(failed("service_error"))
    found.create(created(id=f"{ID[:-1]}a"), after=10.0)
    found.query(completed(id=f"{ID[:-1]}a"), id_=f"{ID[:-1]}a", after=2.0)
    assert violations(found) == {}


def test_a_changed_request_may_follow_any_failure() -> None:
    found = following(failed("content_policy_violation"))
    found.create(created(id=f"{ID[:-1]}a"), body={**BODY, "prompt": "A calm dance"}, after=0.5)
    found.query(completed(id=f"{ID[:-1]}a"), id_=f"{ID[:-1]}a", after=2.0)
    assert violations(found) == {}


def test_a_result_is_fetched_within_a_day() -> None:
    late = following(completed())
    late.link(404, who=NOBODY, after=90_000.0)
    assert violations(late) == {"client.fetch-in-24h": (1, 2)}
    soon = following(completed())
    soon.link(who=NOBODY)
    assert keeps(soon, "client.fetch-in-24h")


# Callbacks


def test_a_receiver_that_does_everything_right_breaks_nothing() -> None:
    found = called(204)
    found.query(completed(), after=0.5)
    found.link(who=NOBODY)
    found.delivery(completed(), 204)
    assert violations(found) == {}
    for clause in ("answers-2xx", "within-10s", "idempotent", "asks-back"):
        assert keeps(found, f"receiver.{clause}"), clause


@pytest.mark.parametrize("status", [500, 302, 404, 0])
def test_a_receiver_answers_2xx(status: int) -> None:
    found = called(status)
    found.query(completed(), after=2.0)
    assert violations(found) == {"receiver.answers-2xx": (1,)}
    assert keeps(found, "receiver.fallback")


@pytest.mark.parametrize(("status", "took"), [(0, 10.0), (204, 12.0)])
def test_a_receiver_answers_within_ten_seconds(status: int, took: float) -> None:
    found = called(status, took=took)
    found.query(completed(), after=2.0)
    assert violations(found) == {"receiver.within-10s": (1,)}


def test_a_repetition_is_answered_well_too() -> None:
    found = called(204)
    found.query(completed(), after=0.5)
    found.delivery(completed(), 409)
    assert violations(found) == {"receiver.idempotent": (3,)}


def test_a_repetition_makes_no_second_fetch() -> None:
    found = called(204)
    found.query(completed(), after=0.5)
    found.link(who=NOBODY)
    found.delivery(completed(), 204)
    found.link(who=NOBODY)
    assert violations(found) == {"receiver.idempotent": (4, 5)}


def test_a_callback_is_no_proof() -> None:
    found = called(204)
    found.link(who=NOBODY)
    assert violations(found) == {"receiver.asks-back": (1, 2)}
    assert violations(called(204)) == {"receiver.asks-back": (1,)}


def test_a_query_that_says_something_else_is_no_proof_either() -> None:
    found = called(204)
    found.query(processing(), after=0.5)
    found.link(who=NOBODY)
    found.query(completed(), after=2.0)
    assert violations(found) == {"receiver.asks-back": (1, 3)}


def test_where_no_callback_comes_a_client_asks() -> None:
    assert violations(called()) == {"receiver.fallback": (0,)}
    unwatched = called()
    unwatched.receiver = ""
    assert violations(unwatched) == {}


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_who_was_told_of_no_task_cannot_ask_for_it(kind: str) -> None:
    unread = kind == "text/html"
    found = called()
    found.entries[0] = answered_as(found.entries[0], kind)
    assert (violations(found) == {}) is unread
    found = called(204)
    found.entries[0] = answered_as(found.entries[0], kind)
    assert (violations(found) == {}) is unread


def answered_as(entry: Entry, kind: str) -> Entry:
    return replace(entry, exchange=replace(entry.exchange, response_headers=(("Content-Type", kind),)))
