"""An account in the hands of a test: what it commands happens, and what happened is told."""

from __future__ import annotations

import itertools
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from evolink_mock import ContractViolationError, ControlError, MockServer, Receiver
from support.records.builders import BODY, OPERATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_mock import MockAccount

CREATE = "/v1/videos/generations"
DAY = 24 * 3600


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(duration="10s") as server:
        yield server


@pytest.fixture
def account(server: MockServer) -> MockAccount:
    return server.account(credits=100)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def ask(account: MockAccount, method: str, path: str, **more: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {account.token}"}
    return httpx2.request(method, account.base_url + path, headers=headers, trust_env=False, **more)


def create(account: MockAccount, **fields: Any) -> str:
    answer = ask(account, "POST", CREATE, json=BODY | fields)
    assert answer.status_code == 200, answer.text
    task_id: str = answer.json()["id"]
    return task_id


def status(account: MockAccount) -> int:
    return ask(account, "POST", CREATE, json=BODY).status_code


def test_a_frozen_clock_stands_and_an_advanced_one_has_moved_by_so_much(account: MockAccount) -> None:
    start = account.clock.freeze()
    assert account.clock.now() == start
    account.clock.advance("1.5h")
    account.clock.advance(30)
    assert account.clock.now() == start + 5430
    account.clock.set(start + 6000)
    assert account.clock.now() == start + 6000
    account.clock.set(datetime.fromtimestamp(int(start) + 7000, UTC))
    assert account.clock.now() == int(start) + 7000


def test_a_datetime_without_a_time_zone_is_no_time_for_the_clock(account: MockAccount) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        account.clock.set(datetime(2099, 1, 1))  # noqa: DTZ001


def test_the_links_of_one_task_can_expire_while_time_stands(account: MockAccount) -> None:
    now = account.clock.freeze()
    task_id, other = create(account), create(account)
    with pytest.raises(ControlError, match="no result links"):
        account.expire_links(task_id)
    account.finish(task_id)
    link = ask(account, "GET", f"/v1/tasks/{task_id}").json()["results"][0]
    assert httpx2.get(link, trust_env=False).status_code == 200
    assert account.expire_links(task_id).timetable.expires == now
    expired = httpx2.get(link, trust_env=False)
    assert (expired.status_code, "the control API has let the links" in expired.text) == (410, True)
    assert ask(account, "GET", f"/v1/tasks/{other}").json()["status"] == "pending"
    assert account.clock.now() == now


def test_an_outcome_that_is_misspelt_is_refused_with_the_nearest(account: MockAccount) -> None:
    task_id = create(account)
    with pytest.raises(ControlError, match=r"outcome: Invalid enum value 'canceled' .did you mean cancelled"):
        account.finish(task_id, outcome="canceled")  # type: ignore[arg-type]


def test_a_resumed_clock_runs_from_where_it_stood(account: MockAccount) -> None:
    account.clock.advance(DAY)
    stood = account.clock.now()
    account.clock.resume()
    assert account.clock.now() > stood
    assert not account.state.frozen


@pytest.mark.parametrize("by", ["soon", "-5s", "5 days"])
def test_what_is_no_duration_is_a_value_error(account: MockAccount, by: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        account.clock.advance(by)


def test_time_does_not_run_backwards(account: MockAccount) -> None:
    now = account.clock.freeze()
    with pytest.raises(ControlError) as caught:
        account.clock.set(now - 1)
    assert caught.value.status == 400


def test_advance_tells_what_happened_in_order(account: MockAccount) -> None:
    start = account.clock.freeze()
    task_id = create(account)
    happened = account.clock.advance("25h")
    assert [event.what for event in happened] == ["task.processing", "task.completed", "link.expired"]
    assert {event.task_id for event in happened} == {task_id}
    assert happened[1].at == pytest.approx(start + 10)


def test_a_day_later_the_link_is_dead(account: MockAccount) -> None:
    account.clock.freeze()
    create(account)
    account.clock.advance("10s")
    (task,) = account.tasks
    (link,) = task.body["results"]
    assert httpx2.head(link, trust_env=False).status_code == 200
    account.clock.advance("24h")
    assert httpx2.head(link, trust_env=False).status_code == 410


def test_a_task_is_told_with_its_whole_timetable(account: MockAccount) -> None:
    start = account.clock.freeze()
    task_id = create(account)
    (task,) = account.tasks
    assert (task.id, task.status, task.progress, task.outcome) == (task_id, "pending", 0, "completed")
    assert task.operation == OPERATION.id
    assert task.timetable.created == start
    assert task.timetable.ends == pytest.approx(start + 10)
    assert task.body["id"] == task_id


def test_advance_delivers_callbacks_with_their_retries(account: MockAccount, receiver: Receiver) -> None:
    receiver.fail(2)
    account.clock.freeze()
    task_id = create(account, callback_url=receiver.url)
    happened = account.clock.advance("1m")
    assert [event.status for event in happened if event.what == "callback.attempt"] == [500, 500, 204]
    assert [one.status for one in receiver.received] == [500, 500, 204]
    assert {one.json()["id"] for one in receiver.received} == {task_id}
    (callback,) = account.callbacks
    assert (callback.task_id, callback.state, callback.due) == (task_id, "delivered", None)
    times = [attempt.at for attempt in callback.attempts]
    assert [round(later - earlier) for earlier, later in itertools.pairwise(times)] == [1, 2]


def test_waiting_for_callbacks_gives_those_delivered(account: MockAccount, receiver: Receiver) -> None:
    task_id = create(account, callback_url=receiver.url)
    account.clock.freeze()
    assert len(account.callbacks) == 1
    assert account.callbacks[0].state == "owed"
    account.clock.advance("10s")
    assert [one.task_id for one in account.callbacks.wait()] == [task_id]
    assert account.callbacks[-1:] == account.callbacks.wait()
    assert task_id in repr(account.callbacks)


def test_waiting_in_vain_says_why(account: MockAccount) -> None:
    task_id = create(account)
    with pytest.raises(TimeoutError, match=r"0 of 1 callbacks were delivered; after 0\.01 s"):
        account.callbacks.wait(timeout=0.01)
    account.clock.freeze()
    with pytest.raises(
        TimeoutError, match="0 of 2 callbacks were delivered; the clock is frozen: advance it"
    ):
        account.callbacks.wait(2)
    with pytest.raises(TimeoutError, match=f"{task_id} is (pending|processing); the clock is frozen"):
        account.wait_for(task_id)


def test_a_callback_can_be_replayed(account: MockAccount, receiver: Receiver) -> None:
    task_id = create(account, callback_url=receiver.url)
    account.clock.advance("10s")
    assert len(account.callbacks.replay(task_id).attempts) == 2
    assert len(receiver.received) == 2


def test_a_task_can_be_waited_for(account: MockAccount) -> None:
    task_id = create(account)
    account.clock.advance("10s")
    assert account.wait_for(task_id).status == "completed"
    with pytest.raises(ControlError) as caught:
        account.wait_for("task-unified-1757169743-aaaaaaaa")
    assert caught.value.status == 404


def test_a_task_can_be_ended_now(account: MockAccount) -> None:
    done, failed, cancelled = create(account), create(account), create(account)
    assert account.finish(cancelled, outcome="cancelled").outcome == "cancelled"
    assert account.finish(done).status == "completed"
    ended = account.finish(failed, "resource_exhausted")
    assert (ended.status, ended.failure) == ("failed", "resource_exhausted")


def test_a_recipe_stands_for_so_many_requests(account: MockAccount) -> None:
    account.recipe("402", times=2)
    assert [status(account) for _ in range(3)] == [402, 402, 200]


def test_a_recipe_stands_until_it_is_cleared(account: MockAccount) -> None:
    account.recipe("429")
    assert [status(account) for _ in range(2)] == [429, 429]
    account.clear_recipes()
    assert status(account) == 200


def test_a_recipe_ends_with_its_block(account: MockAccount) -> None:
    with account.recipe("500"):
        assert status(account) == 500
    assert status(account) == 200


def test_a_recipe_is_for_its_operation(account: MockAccount) -> None:
    account.recipe("429", operation="create")
    account.recipe("404", operation="query")
    assert status(account) == 429
    account.clear_recipes()
    task_id = create(account)
    account.recipe("404", operation="query")
    assert ask(account, "GET", f"/v1/tasks/{task_id}").status_code == 404
    assert status(account) == 200


def test_an_unknown_recipe_is_refused_with_the_nearest(account: MockAccount) -> None:
    with pytest.raises(ControlError, match="fail=generation_timeout") as caught:
        account.recipe("fail=generation_timeot")
    assert caught.value.status == 400


def test_the_requests_are_told_without_the_token(account: MockAccount) -> None:
    create(account)
    ask(account, "GET", "/v1/credits")
    assert [(one.method, one.path, one.status) for one in account.requests] == [
        ("POST", CREATE, 200),
        ("GET", "/v1/credits", 200),
    ]
    assert account.token not in repr(account.requests)
    assert account.token not in repr(account)


def test_requests_that_are_in_order_pass_the_check(account: MockAccount) -> None:
    create(account)
    account.recipe("400")
    status(account)
    account.check()


def test_a_request_that_broke_the_contract_is_named_with_the_reason(account: MockAccount) -> None:
    ask(account, "POST", CREATE, json=BODY | {"duration": 7})
    with pytest.raises(ContractViolationError, match=f"(?s)POST {CREATE} was answered 400: .*duration"):
        account.check()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("task-unified-1757169743-aaaaaaaa", "404: task_not_found"), ("my-task", "400: invalid_task_id")],
)
def test_asking_for_a_task_that_is_unknown_breaks_the_contract(
    account: MockAccount, name: str, reason: str
) -> None:
    ask(account, "GET", f"/v1/tasks/{name}")
    with pytest.raises(ContractViolationError, match=f"{reason}: '{name}' is not a task of this account"):
        account.check()


def test_asking_for_the_task_of_another_breaks_the_contract(server: MockServer, account: MockAccount) -> None:
    ask(account, "GET", f"/v1/tasks/{create(server.account())}")
    with pytest.raises(ContractViolationError, match="answered 403: permission_denied"):
        account.check()


@pytest.mark.parametrize("recipe", ["400", "403", "404", "502"])
def test_an_error_that_a_recipe_made_of_a_query_breaks_nothing(account: MockAccount, recipe: str) -> None:
    task_id = create(account)
    account.recipe(recipe, operation="query")
    assert ask(account, "GET", f"/v1/tasks/{task_id}").status_code >= 400
    account.check()


def test_what_is_let_pass_with_a_warning_may_be_expected_but_need_not(account: MockAccount) -> None:
    create(account, aspect_ratio="16:9")
    account.check()
    account.expect_violation("unknown field aspect_ratio")
    account.check()


def test_an_expected_violation_passes_and_another_does_not(account: MockAccount) -> None:
    account.expect_violation("duration.*7")
    ask(account, "POST", CREATE, json=BODY | {"duration": 7})
    account.check()
    ask(account, "GET", "/v1/tasks/task-unified-1757169743-aaaaaaaa")
    with pytest.raises(ContractViolationError) as caught:
        account.check()
    assert "duration" not in str(caught.value)
    assert "answered 404" in str(caught.value)


def test_an_expected_violation_that_does_not_come_is_one(account: MockAccount) -> None:
    account.expect_violation("duration")
    with pytest.raises(ContractViolationError, match="'duration' was expected, and none occurred"):
        account.check()


@pytest.mark.parametrize("recipe", ["drop", "hang", "cut", "504=done", "latency=30s", "trickle=30s"])
def test_a_violation_counts_whatever_a_network_fault_does_to_the_response(
    account: MockAccount, recipe: str
) -> None:
    account.recipe(recipe, operation="create")
    with suppress(httpx2.TransportError):
        ask(account, "POST", CREATE, json=BODY | {"duration": 7}, timeout=0.2)
    with pytest.raises(ContractViolationError, match="duration: 7 is not one of 6, 10"):
        account.check()


@pytest.mark.parametrize("recipe", ["drop", "504=done"])
def test_a_query_of_an_unknown_task_counts_though_its_response_is_lost(
    account: MockAccount, recipe: str
) -> None:
    account.recipe(recipe, operation="query")
    with suppress(httpx2.TransportError):
        ask(account, "GET", "/v1/tasks/task-unified-1757169743-aaaaaaaa")
    with pytest.raises(ContractViolationError, match="answered 404"):
        account.check()


def test_a_reset_account_has_its_terms_and_nothing_else(account: MockAccount) -> None:
    account.clock.freeze()
    account.recipe("429")
    account.expect_violation("never")
    status(account)
    account.reset()
    account.check()
    assert (account.requests, account.tasks, account.state.granted, account.state.frozen) == (
        [],
        [],
        100,
        False,
    )
    assert status(account) == 200
