"""Credits: what a task costs, when it comes back, and how a client asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.domain.units import Rate
from support.mocks.in_process import BODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.mocks.in_process import Mock

PRICE = 5
FAILING = {"prefer": "mock=fail=service_error"}


def credits_of(mock: Mock, token: str = "key") -> dict[str, Any]:
    answer = mock.get("/v1/credits", token=token)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body: dict[str, Any] = answer.json()
    return body


def test_the_credits_response_has_the_documented_shape(start: Callable[..., Mock]) -> None:
    mock = start(credits=100)
    mock.create()
    both = {"remaining_credits": 95, "used_credits": 5}
    data = {"user": both, "token": {**both, "unlimited_credits": False}}
    assert credits_of(mock) == {"success": True, "message": "", "data": data}


@pytest.mark.parametrize("token", [None, "unknown"])
def test_an_error_of_credits_carries_an_integer_code(start: Callable[..., Mock], token: str | None) -> None:
    answer = start(tokens=frozenset({"key"})).get("/v1/credits", token=token)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert (error["code"], error["type"]) == (401, "authentication_error")
    assert isinstance(error["message"], str)


def test_a_create_reserves_what_its_usage_says(mock: Mock) -> None:
    before = mock.left()
    task = mock.create()
    assert before - mock.left() == task["usage"]["credits_reserved"] == PRICE
    mock.clock.advance(60)
    assert before - mock.left() == PRICE, "a completed task is paid for"


@pytest.mark.parametrize(
    "body", [BODY | {"duration": 7}, [], {}, b"{", BODY | {"callback_url": "http://x.example"}]
)
def test_a_refused_create_reserves_nothing(mock: Mock, body: Any) -> None:
    before = mock.left()
    assert mock.post(body).status_code == 400
    assert mock.left() == before


def test_a_failed_task_returns_its_credits_when_it_fails_and_not_before(mock: Mock) -> None:
    before = mock.left()
    task = mock.post(BODY, headers=FAILING).json()
    mock.clock.advance(4.99)
    assert (mock.query(task)["status"], mock.left()) == ("processing", before - PRICE)
    mock.clock.advance(0.02)
    assert (mock.query(task)["status"], mock.left()) == ("failed", before)


def test_failures_return_credits_in_the_order_they_happen(mock: Mock) -> None:
    before = mock.left()
    mock.post(BODY, headers=FAILING)
    mock.post(BODY, headers={"prefer": "mock=fail=service_error@1"})
    mock.create()
    mock.clock.advance(1)
    assert mock.left() == before - 2 * PRICE
    mock.clock.advance(10)
    assert mock.left() == before - PRICE


@pytest.mark.parametrize("credits_left", [0, 4, 4.99])
def test_a_create_that_the_credits_do_not_cover_is_402(
    start: Callable[..., Mock], credits_left: float
) -> None:
    mock = start(credits=credits_left)
    assert mock.post(BODY).status_code == 402
    assert mock.left() == credits_left


def test_the_last_credits_can_be_spent(start: Callable[..., Mock]) -> None:
    mock = start(credits=10)
    assert [mock.post(BODY).status_code for _ in range(3)] == [200, 200, 402]
    assert mock.left() == 0


def test_credits_that_came_back_can_be_spent_again(start: Callable[..., Mock]) -> None:
    mock = start(credits=5)
    mock.post(BODY, headers=FAILING)
    assert mock.post(BODY).status_code == 402
    mock.clock.advance(6)
    assert mock.post(BODY).status_code == 200


def test_every_token_has_its_own_credits(start: Callable[..., Mock]) -> None:
    mock = start(credits=5)
    mock.create("one")
    assert (mock.left("one"), mock.left("two")) == (0, 5)
    mock.create("two")


def test_the_rate_limit_does_not_apply_to_the_credits(start: Callable[..., Mock]) -> None:
    mock = start(rate=Rate(1, 60.0))
    assert {credits_of(mock)["success"] for _ in range(5)} == {True}
