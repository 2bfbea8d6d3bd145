"""The control API's tasks and callbacks: seen whole, ended on purpose, called back again, waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from support.mocks.control_calls import ask, asks, creates, do, does
from support.mocks.in_process import SPEC, START, Mock, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

TROUBLE = b"500 Internal Server Error"
FAILED = {"outcome": "failed", "failure": "generation_timeout"}
DONE = {"outcome": "completed"}


@pytest.fixture
def calling(start: Callable[..., Mock]) -> Mock:
    return start(allow_callbacks_to=("127.0.0.1",))


def test_a_task_is_shown_with_its_whole_timetable_and_what_a_query_answers(mock: Mock) -> None:
    made = mock.create()
    (task,) = do(mock, "GET", "/tasks")["tasks"]
    assert task == do(mock, "GET", f"/tasks/{made['id']}")
    ends = START + 5
    assert task["timetable"] == {
        "created": START,
        "starts": START + 0.5,
        "ends": ends,
        "expires": ends + 86400,
    }
    assert (task["status"], task["progress"], task["outcome"], task["failure"]) == (
        "pending",
        0,
        "completed",
        None,
    )
    assert task["body"] == mock.query(made) == made


def test_a_task_of_another_account_is_not_there(mock: Mock) -> None:
    made = mock.create()
    assert do(mock, "GET", "/tasks", token="other")["tasks"] == []
    for method, path, body in (
        ("GET", f"/tasks/{made['id']}", None),
        ("POST", f"/tasks/{made['id']}/outcome", DONE),
        ("GET", f"/callbacks/{made['id']}", None),
        ("POST", f"/callbacks/{made['id']}/replay", None),
        ("POST", "/wait/task", {"task_id": made["id"]}),
    ):
        assert ask(mock, method, path, body, "other").status_code == 404, path


@pytest.mark.parametrize("failure", SPEC.failures, ids=lambda failure: failure.code)
def test_every_documented_failure_can_be_forced(lasting: Mock, failure: Any) -> None:
    mock = lasting
    made = mock.create()
    forced = do(mock, "POST", f"/tasks/{made['id']}/outcome", {"outcome": "failed", "failure": failure.code})
    assert (forced["status"], forced["failure"]) == ("failed", failure.code)
    assert mock.query(made)["error"]["code"] == failure.code
    assert forced["timetable"]["ends"] == START


def test_a_success_can_be_forced_and_its_result_is_there(mock: Mock) -> None:
    made = mock.create(prompt="[[fail=generation_timeout]]")
    mock.clock.advance(2)
    forced = do(mock, "POST", f"/tasks/{made['id']}/outcome", DONE)
    assert (forced["status"], forced["timetable"]["ends"]) == ("completed", START + 2)
    (link,) = mock.query(made)["results"]
    assert mock.run(mock.client.head(link)).status_code == 200


def test_a_task_can_be_cancelled_and_fails_where_the_document_has_no_such_status(mock: Mock) -> None:
    made = mock.create()
    forced = do(mock, "POST", f"/tasks/{made['id']}/outcome", {"outcome": "cancelled"})
    assert (forced["status"], forced["outcome"], forced["failure"]) == (
        "cancelled",
        "cancelled",
        "request_cancelled",
    )
    body = mock.query(made)
    assert (body["status"], body["error"]["code"]) == ("failed", "request_cancelled")


def test_what_is_over_does_not_change(mock: Mock) -> None:
    made = mock.create()
    mock.clock.advance(5)
    before = mock.query(made)
    answer = ask(mock, "POST", f"/tasks/{made['id']}/outcome", FAILED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert mock.query(made) == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"outcome": "stuck"},
        {"outcome": "failed"},
        {"outcome": "failed", "failure": "unknown_eror"},
        DONE | {"failure": "unknown_error"},
    ],
)
def test_an_outcome_that_is_none_is_refused(mock: Mock, body: Any) -> None:
    made = mock.create()
    assert ask(mock, "POST", f"/tasks/{made['id']}/outcome", body).status_code == 400
    assert mock.query(made) == made


@pytest.mark.parametrize(("planned", "forced"), [("", FAILED), ("[[fail=unknown_error]]", DONE), ("", DONE)])
def test_credits_follow_the_end_that_was_forced(mock: Mock, planned: str, forced: dict[str, Any]) -> None:
    before = mock.left()
    made = mock.create(prompt=f"x {planned}")
    assert mock.left() == before - 5
    do(mock, "POST", f"/tasks/{made['id']}/outcome", forced)
    expected = before if forced is FAILED else before - 5
    assert mock.left() == expected
    mock.clock.advance(100)
    assert mock.left() == expected


@pytest.mark.parametrize("frozen", [True, False])
def test_a_forced_end_is_called_back_at_once(calling: Mock, frozen: bool) -> None:  # noqa: FBT001
    async def scene() -> None:
        async with Receiver() as receiver:
            if frozen:
                await does(calling, "POST", "/clock/freeze")
            task = await creates(calling, receiver.url())
            await does(calling, "POST", f"/tasks/{task['id']}/outcome", FAILED)
            if not frozen:
                await receiver.until(1)
            (got,) = receiver.received
            assert b'"code":"generation_timeout"' in got.body
            await does(calling, "POST", "/clock/advance", {"seconds": 100})
            assert len(receiver.received) == 1

    calling.run(scene())


def test_a_callback_is_shown_with_each_attempt_and_no_secret(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver([TROUBLE]) as receiver:
            task = await creates(calling, receiver.url("/hook?secret=x"))
            (owed,) = (await does(calling, "GET", "/callbacks"))["callbacks"]
            url = f"http://{receiver.host}/hook?[removed]"
            assert owed == {
                "task_id": task["id"],
                "url": url,
                "state": "owed",
                "due": START + 5,
                "attempts": [],
            }
            await does(calling, "POST", "/clock/advance", {"seconds": 10})
            done = await does(calling, "GET", f"/callbacks/{task['id']}")
            assert (done["state"], done["due"]) == ("delivered", None)
            seen = [(one["at"] - START, one["status"], one["problem"]) for one in done["attempts"]]
            assert seen == [(5, 500, None), (6, 204, None)]
            body = (await calling.asks("GET", f"/v1/tasks/{task['id']}")).json()
            assert done["attempts"][0]["request"] == {"method": "POST", "url": url, "body": body}

    calling.run(scene())


def test_a_callback_that_nobody_takes_is_given_up_and_can_be_replayed(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver([TROUBLE] * 4) as receiver:
            task = await creates(calling, receiver.url())
            replay = f"/callbacks/{task['id']}/replay"
            assert (await asks(calling, "POST", replay)).status_code == 409
            await does(calling, "POST", "/clock/advance", {"seconds": 60})
            assert (await does(calling, "GET", f"/callbacks/{task['id']}"))["state"] == "given up"
            again = await does(calling, "POST", replay)
            assert (again["state"], len(again["attempts"])) == ("delivered", 5)
            assert again["attempts"][4]["at"] == START + 60
            assert len({got.body for got in receiver.received}) == 1

    calling.run(scene())


def test_a_replay_is_not_retried(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            task = await creates(calling, receiver.url())
            await does(calling, "POST", "/clock/advance", {"seconds": 5})
            receiver.answers = [TROUBLE]
            again = await does(calling, "POST", f"/callbacks/{task['id']}/replay")
            assert (again["state"], again["due"], len(again["attempts"])) == ("delivered", None, 2)
            await does(calling, "POST", "/clock/advance", {"seconds": 60})
            assert len(receiver.received) == 2

    calling.run(scene())


def test_a_task_without_a_callback_has_none(mock: Mock) -> None:
    made = mock.create()
    assert do(mock, "GET", "/callbacks")["callbacks"] == []
    assert ask(mock, "GET", f"/callbacks/{made['id']}").status_code == 404


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_who_waits_for_a_task_is_answered_at_its_end(mock: Mock) -> None:
    async def scene() -> None:
        task = await creates(mock)
        waiting = asyncio.create_task(does(mock, "POST", "/wait/task", {"task_id": task["id"]}))
        await turns()
        mock.clock.advance(4.9)
        await turns()
        assert not waiting.done()
        mock.clock.advance(0.1)
        answer = await waiting
        assert (answer["reached"], answer["why"], answer["task"]["status"]) == (True, "reached", "completed")

    mock.run(scene())


@pytest.mark.parametrize("way", ["forced", "advanced", "dropped"])
def test_who_waits_for_a_task_hears_of_an_end_that_comes_otherwise(mock: Mock, way: str) -> None:
    async def scene() -> None:
        task = await creates(mock)
        waiting = asyncio.create_task(asks(mock, "POST", "/wait/task", {"task_id": task["id"]}))
        await turns()
        if way == "forced":
            await does(mock, "POST", f"/tasks/{task['id']}/outcome", FAILED)
        elif way == "advanced":
            await does(mock, "POST", "/clock/advance", {"seconds": 5})
        else:
            await does(mock, "DELETE", "/account")
        async with asyncio.timeout(5):
            answer = await waiting
        if way == "dropped":
            assert answer.status_code == 404
        else:
            assert answer.json()["why"] == "reached"

    mock.run(scene())


@pytest.mark.parametrize("early", [True, False])
def test_where_time_is_frozen_nobody_waits(mock: Mock, early: bool) -> None:  # noqa: FBT001
    async def scene() -> None:
        task = await creates(mock)
        body = {"task_id": task["id"], "timeout": 600}
        if early:
            await does(mock, "POST", "/clock/freeze")
        waiting = asyncio.create_task(does(mock, "POST", "/wait/task", body))
        await turns()
        await does(mock, "POST", "/clock/freeze")
        answer = await waiting
        assert (answer["reached"], answer["why"], answer["task"]["status"]) == (False, "frozen", "pending")
        for wanted in ({"count": 1, "timeout": 600}, {"count": 1}):
            assert (await does(mock, "POST", "/wait/callbacks", wanted))["why"] == "frozen"

    mock.run(scene())


def test_patience_has_an_end(mock: Mock) -> None:
    made = mock.create()
    answer = do(mock, "POST", "/wait/task", {"task_id": made["id"], "timeout": 0})
    assert (answer["reached"], answer["why"]) == (False, "timeout")
    assert do(mock, "POST", "/wait/callbacks", {"count": 1, "timeout": 0.001})["why"] == "timeout"


def test_who_waits_for_callbacks_is_answered_when_so_many_were_taken(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver([TROUBLE]) as receiver:
            for name in "ab":
                await creates(calling, receiver.url(f"/{name}"))
            waiting = asyncio.create_task(does(calling, "POST", "/wait/callbacks", {"count": 2}))
            await turns()
            calling.clock.advance(5)
            await receiver.until(2)
            await calling.callbacks.until(2)
            await turns()
            assert not waiting.done()
            calling.clock.advance(1)
            answer = await waiting
            assert answer["reached"]
            assert [one["state"] for one in answer["callbacks"]] == ["delivered"] * 2

    calling.run(scene())


def test_who_waits_for_callbacks_while_time_is_advanced_hears_when_they_came_or_not(calling: Mock) -> None:
    async def scene(answers: list[bytes], why: str) -> None:
        async with Receiver(answers) as receiver:
            await creates(calling, receiver.url())
            advancing = asyncio.create_task(does(calling, "POST", "/clock/advance", {"seconds": 60}))
            await receiver.until(1)
            answer = await does(calling, "POST", "/wait/callbacks", {"count": 1, "timeout": 30})
            assert answer["why"] == why
            await advancing
            await does(calling, "DELETE", "/account")

    calling.run(scene([TROUBLE] * 3, "reached"))
    calling.run(scene([TROUBLE] * 4, "frozen"))
