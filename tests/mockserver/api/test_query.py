"""Querying a task: its states as polls see them, and who may query it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.domain.units import REALTIME, Speed
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mocks.in_process import SPEC, shaped
from support.records.builders import BODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.mocks.in_process import Mock

DAY = 86_400.0
FIRST_WORDS = ["pending", "processing", "completed"]


def test_a_new_task_can_be_queried_at_once_with_the_body_of_its_create(mock: Mock) -> None:
    task = mock.create()
    assert mock.query(task) == task


def test_a_task_goes_from_pending_through_processing_to_completed(mock: Mock) -> None:
    task = mock.create()
    seen = [mock.query(task)]
    while seen[-1]["status"] != "completed":
        mock.clock.advance(0.07)
        seen.append(mock.query(task))
    assert list(dict.fromkeys(body["status"] for body in seen)) == FIRST_WORDS
    progress = [body["progress"] for body in seen]
    assert progress == sorted(progress)
    assert {body["progress"] for body in seen if body["status"] == "pending"} == {0}
    running = [body["progress"] for body in seen if body["status"] == "processing"]
    assert 1 <= running[0] < 5
    assert 95 < running[-1] <= 99
    assert progress[-1] == 100
    assert mock.clock.now() - task["created"] == pytest.approx(5, abs=0.1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 400), min_size=1, max_size=6))
def test_a_task_never_goes_back_however_it_is_polled(lasting: Mock, waits: list[float]) -> None:
    task = lasting.create()
    seen = [task]
    for wait in waits:
        lasting.clock.advance(wait)
        seen.append(lasting.query(task))
    order = [(FIRST_WORDS.index(body["status"]), body["progress"]) for body in seen]
    assert order == sorted(order)
    for body in seen:
        assert ("results" in body) == (body["status"] == "completed")
        assert body["task_info"]["can_cancel"] == (body["status"] != "completed")
        assert "error" not in body
        same = ("id", "created", "model", "object", "type", "usage")
        assert [body[name] for name in same] == [task[name] for name in same]


def test_a_late_poll_sees_the_final_state(mock: Mock) -> None:
    task = mock.create()
    mock.clock.advance(10 * 365 * DAY)
    assert mock.query(task)["status"] == "completed"


@pytest.mark.parametrize("recipe", ["", "mock=fail=service_error"])
def test_polls_after_the_end_give_the_same_answer_for_ever(mock: Mock, recipe: str) -> None:
    answer = mock.post(
        {"model": "grok-imagine-image-to-video", "prompt": "", "image_urls": []}, headers={"prefer": recipe}
    )
    url = f"/v1/tasks/{answer.json()['id']}"
    bodies = []
    for wait in (5, 0.001, 60, DAY, 365 * DAY):
        mock.clock.advance(wait)
        bodies.append(mock.get(url).content)
    assert len(set(bodies)) == 1
    assert mock.get(url).json()["status"] == ("failed" if recipe else "completed")


def test_realtime_tasks_take_80_to_250_seconds_with_a_wide_spread(start: Callable[..., Mock]) -> None:
    mock = start(duration=REALTIME, seed=1)
    tasks = [mock.create() for _ in range(30)]
    estimates = [task["task_info"]["estimated_time"] for task in tasks]
    assert 80 <= min(estimates) < 120
    assert 180 < max(estimates) <= 250
    mock.clock.advance(79)
    assert all(mock.query(task)["status"] == "processing" for task in tasks)
    mock.clock.advance(61)
    ended = [mock.query(task)["status"] == "completed" for task in tasks]
    assert ended == [estimate <= 140 for estimate in estimates]


def test_every_task_has_its_own_duration_within_the_range(start: Callable[..., Mock]) -> None:
    mock = start(duration=Speed(3.0, 20.0), seed=1)
    estimates = {mock.create()["task_info"]["estimated_time"] for _ in range(30)}
    assert len(estimates) > 5
    assert estimates <= set(range(3, 21))


@pytest.mark.parametrize(
    "task_id", ["task-123", "TASK-UNIFIED-1757169743-7cvnl5zw", "x", "%20", "a%00b", "é"]
)
def test_an_id_with_another_prefix_is_400_and_names_the_parameter(mock: Mock, task_id: str) -> None:
    answer = mock.get(f"/v1/tasks/{task_id}")
    assert answer.status_code == 400
    assert shaped(answer) == SPEC.query.errors[400].body["error"]
    assert shaped(answer)["param"] == "task_id"


@pytest.mark.parametrize(
    "task_id",
    [
        "task-unified-1757169743-00000000",
        "task-unified-",
        "task-unified-1757169743-7CVNL5ZW",
        "task-unified-%0A",
    ],
)
def test_an_id_that_was_never_issued_is_404(mock: Mock, task_id: str) -> None:
    answer = mock.get(f"/v1/tasks/{task_id}")
    assert answer.status_code == 404
    assert shaped(answer) == SPEC.query.errors[404].body["error"]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/?#\\"), min_size=1, max_size=30))
def test_any_text_for_an_id_gets_a_documented_response(lasting: Mock, word: str) -> None:
    for task_id in (word, f"task-unified-{word}"):
        answer = lasting.get("/v1/tasks/" + "".join(f"%{byte:02x}" for byte in task_id.encode()))
        assert answer.status_code == (404 if task_id.startswith("task-unified-") else 400)
        shaped(answer)


@pytest.mark.parametrize("wait", [0, 5])
def test_the_task_of_another_token_is_403_while_it_runs_and_after(mock: Mock, wait: float) -> None:
    task = mock.create("mine")
    mock.clock.advance(wait)
    answer = mock.get(f"/v1/tasks/{task['id']}", token="theirs")
    assert answer.status_code == 403
    assert shaped(answer) == SPEC.query.errors[403].body["error"]
    assert mock.query(task, token="mine")["id"] == task["id"]


DOCUMENTED_401 = SPEC.query.errors[401].body["error"]


def test_without_a_key_it_is_the_documented_401(mock: Mock) -> None:
    task = mock.create()
    for headers in ({}, {"authorization": ""}):
        answer = mock.get(f"/v1/tasks/{task['id']}", token=None, headers=headers)
        assert answer.status_code == 401
        assert shaped(answer) == DOCUMENTED_401


@pytest.mark.parametrize(
    ("header", "value", "problem"),
    [
        ("Authorization", "Bearer", "no key after Bearer"),
        ("Authorization", "Bearer ", "no key after Bearer"),
        ("Authorization", "Basic a2V5Og==", "the scheme is not Bearer"),
        ("Authorization", "sk-secret", "the scheme is not Bearer"),
        ("Authorization", "Token sk-secret", "the scheme is not Bearer"),
        ("Authorization", "Bearer: sk-secret", "a space must follow Bearer"),
        ("Authorization", "bearer\tsk-secret", "a space must follow Bearer"),
        ("Authorization", "Bearersk-secret", "a space must follow Bearer"),
        ("x-api-key", "sk-secret", "no key is read from this header"),
        ("api-key", "sk-secret", "no key is read from this header"),
        ("EVOLINK_API_KEY", "sk-secret", "no key is read from this header"),
        ("Authentication", "Bearer sk-secret", "no key is read from this header"),
        ("Authorizaton", "Bearer sk-secret", "no key is read from this header"),
        ("Bearer", "sk-secret", "no key is read from this header"),
        ("Cookie", "token=sk-secret", "no key is read from cookies"),
    ],
)
def test_a_key_in_a_wrong_form_gets_a_401_that_names_the_header_and_the_right_form(
    mock: Mock, header: str, value: str, problem: str
) -> None:
    task = mock.create()
    for path in (f"/v1/tasks/{task['id']}", "/v1/credits"):
        answer = mock.get(path, token=None, headers={header: value})
        assert answer.status_code == 401
        error = answer.json()["error"]
        assert error["param"].lower() == header.lower()
        header = error["param"]
        assert error["message"].endswith(f": {header}: {problem}: write `Authorization: Bearer KEY`")
        assert mock.noted[-1].notes == (f"{header}: {problem}: write `Authorization: Bearer KEY`",)
        assert "secret" not in answer.text + mock.logged()


@pytest.mark.parametrize("parameter", ["key", "api_key", "access_token"])
def test_a_key_in_the_query_string_gets_a_401_that_names_the_parameter(mock: Mock, parameter: str) -> None:
    answer = mock.get(f"/v1/tasks/x?{parameter}=sk-secret", token=None)
    assert (answer.status_code, shaped(answer)["param"]) == (401, parameter)
    assert "secret" not in answer.text + mock.logged()


def test_a_key_in_the_body_gets_a_401_that_names_the_field(mock: Mock) -> None:
    answer = mock.post(BODY | {"api_key": "sk-secret"}, token=None)
    assert (answer.status_code, shaped(answer)["param"]) == (401, "api_key")
    assert "secret" not in answer.text + mock.logged()


def test_the_log_names_the_right_form_to_a_client_that_sent_no_key_after_the_scheme(mock: Mock) -> None:
    mock.get("/v1/credits", token=None, headers={"Authorization": "Bearer"})
    assert "no key after Bearer: write `Authorization: Bearer KEY`" in mock.logged()


def test_a_key_that_is_not_accepted_gets_the_documented_401(start: Callable[..., Mock]) -> None:
    answer = start(tokens=frozenset({"good"})).get("/v1/tasks/x", token="bad", headers={"x-api-key": "good"})
    assert shaped(answer) == DOCUMENTED_401


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("Bearer good", "Bearer is given twice"),
        ('"good"', "the key is in quotes or brackets"),
        ("<good>", "the key is in quotes or brackets"),
        ("$EVOLINK_API_KEY", "a variable was not expanded"),
        ("b'good'", "the key is the text of bytes in Python, so it was not decoded"),
        ("YOUR_API_KEY", "the key is the name of a variable or a placeholder"),
        ("process.env.EVOLINK_API_KEY", "the key is the name of a variable or a placeholder"),
        *(
            (token, "the key contains a character that no key contains")
            for token in ("good,", "good\\n", "***", "K=good")
        ),
        ("{{key}}", "a variable was not expanded"),
        ("undefined", "the key is the text of a missing value"),
        ("None", "the key is the text of a missing value"),
    ],
)
def test_a_key_that_was_pasted_or_expanded_wrongly_gets_a_401_that_says_so(
    start: Callable[..., Mock], token: str, problem: str
) -> None:
    mock = start(tokens=frozenset({"good"}))
    error = shaped(mock.get("/v1/tasks/x", token=token))
    assert error["param"] == "Authorization"
    assert f"Authorization: {problem}" in error["message"]
    assert "good" not in mock.logged()


def test_the_case_of_the_scheme_does_not_matter(mock: Mock) -> None:
    task = mock.create()
    assert mock.query(task, headers={"authorization": "bEARER key"}) == task


def test_only_the_tokens_named_are_accepted(start: Callable[..., Mock]) -> None:
    mock = start(tokens=frozenset({"good"}))
    task = mock.create("good")
    assert mock.query(task, token="good") == task
    for token in ("bad", "GOOD", "good "[:3], "good2"):
        assert mock.get(f"/v1/tasks/{task['id']}", token=token).status_code == 401


@pytest.mark.parametrize("accepted", ["sk-a~b", "sk-a"])
def test_a_token_with_a_tilde_is_accepted_as_it_is_or_without_its_recipe(
    start: Callable[..., Mock], accepted: str
) -> None:
    mock = start(tokens=frozenset({accepted}))
    task = mock.create("sk-a~b")
    assert mock.query(task, token="sk-a~b") == task
    assert mock.get("/v1/tasks/x", token="sk~b").status_code == 401


def test_a_query_with_a_query_string_is_the_same_query(mock: Mock) -> None:
    task = mock.create()
    assert mock.get(f"/v1/tasks/{task['id']}?_=1757169743").json() == task


def test_a_query_changes_nothing_and_costs_nothing(mock: Mock) -> None:
    task = mock.create()
    left = mock.left()
    answers: list[Any] = [mock.query(task) for _ in range(5)]
    assert answers == [task] * 5
    assert mock.left() == left
