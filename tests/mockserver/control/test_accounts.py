"""The control API's accounts: opened on terms, changed, forgotten with all that is theirs; recipes ordered for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.mocks.control_calls import ask, creates, do, does
from support.mocks.in_process import BODY, MODEL, START, Mock, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_account_is_opened_on_its_own_terms(mock: Mock) -> None:
    terms = {"credits": 7, "rate": "2/minute", "denied_models": [MODEL]}
    account = do(mock, "POST", "/accounts", terms)
    assert account == do(mock, "GET", "/account")
    assert (account["remaining"], account["rate"], account["denied_models"]) == (7, "2/minute", [MODEL])
    assert [mock.post(BODY).status_code for _ in range(3)] == [403, 403, 429]
    assert mock.post(BODY, token="other").status_code == 200


def test_opening_an_account_afresh_forgets_the_one_that_was(mock: Mock) -> None:
    mock.create()
    do(mock, "POST", "/clock/advance", {"seconds": 60})
    account = do(mock, "POST", "/accounts", {"credits": 5})
    assert (account["tasks"], account["used"], account["now"], account["frozen"]) == (0, 0, START, False)


def test_what_is_not_changed_stays(mock: Mock) -> None:
    do(mock, "POST", "/accounts", {"credits": 100, "rate": "2/hour"})
    mock.create()
    changed = do(mock, "PATCH", "/account", {"credits": 5})
    assert (changed["remaining"], changed["used"], changed["rate"], changed["tasks"]) == (5, 5, "2/hour", 1)
    mock.create()
    assert mock.post(BODY).status_code == 429
    assert do(mock, "PATCH", "/account", {"rate": None})["rate"] is None
    assert mock.post(BODY).status_code == 402
    assert do(mock, "PATCH", "/account") == do(mock, "GET", "/account")


def test_a_rate_window_moves_with_the_account_s_clock(mock: Mock) -> None:
    do(mock, "POST", "/accounts", {"rate": "1/day"})
    do(mock, "POST", "/clock/freeze")
    assert [mock.post(BODY).status_code for _ in range(2)] == [200, 429]
    do(mock, "POST", "/clock/advance", {"seconds": 86400})
    assert mock.post(BODY).status_code == 200


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"denied_models": [MODEL[:-1]]}, f"is not served (did you mean {MODEL}?)"),
        ({"rate": "30 per fortnight"}, "rate: "),
        ({"rate": "0/minute"}, "rate: "),
        ({"credits": -1}, "credits: "),
        ({"credit": 1}, "did you mean credits?"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused_and_change_nothing(mock: Mock, terms: Any, says: str) -> None:
    mock.create()
    before = do(mock, "GET", "/account")
    for method, path in (("POST", "/accounts"), ("PATCH", "/account")):
        answer = ask(mock, method, path, terms)
        assert answer.status_code == 400
        assert says in answer.json()["error"]["message"]
    assert do(mock, "GET", "/account") == before


def test_a_dropped_account_takes_all_of_its_own_along(start: Callable[..., Mock]) -> None:
    mock = start(allow_callbacks_to=("127.0.0.1",))

    async def scene() -> None:
        async with Receiver() as receiver:
            await creates(mock, receiver.url("/other"), token="other")
            task = await creates(mock, receiver.url("/dropped"))
            await does(mock, "POST", "/recipes", {"recipe": "402"})
            await does(mock, "POST", "/clock/advance", {"seconds": 1})
            await does(mock, "DELETE", "/account")
            assert (await mock.asks("GET", f"/v1/tasks/{task['id']}")).status_code == 404
            await does(mock, "DELETE", "/journal")
            for path, name in (
                ("/tasks", "tasks"),
                ("/callbacks", "callbacks"),
                ("/recipes", "recipes"),
                ("/journal", "entries"),
            ):
                assert (await does(mock, "GET", path))[name] == [], path
            account = await does(mock, "GET", "/account")
            assert (account["used"], account["frozen"]) == (0, False)
            mock.clock.advance(60)
            (got,) = await receiver.until(1)
            assert got.line.split()[1] == "/other"

    mock.run(scene())


def test_a_reset_forgets_everybody(mock: Mock) -> None:
    for token in "abc":
        mock.create(token=token)
    assert do(mock, "POST", "/reset") == {"accounts": 3}
    assert do(mock, "GET", "/accounts") == {"accounts": [], "next": None}
    assert do(mock, "GET", "/account", token="a")["tasks"] == 0


def test_an_ordered_recipe_is_followed_so_many_times_by_that_operation_only(mock: Mock) -> None:
    order = {"recipe": "402", "times": 2, "operation": "create"}
    assert do(mock, "POST", "/recipes", order)["recipes"] == [
        {"recipe": "402", "operation": "create", "left": 2}
    ]
    assert mock.left() > 0
    assert [mock.post(BODY).status_code for _ in range(3)] == [402, 402, 200]
    assert do(mock, "GET", "/recipes") == {"recipes": []}


def test_a_recipe_without_a_number_stands_until_it_is_cleared(mock: Mock) -> None:
    do(mock, "POST", "/recipes", {"recipe": "402", "times": None})
    assert do(mock, "GET", "/recipes")["recipes"][0]["left"] is None
    assert {mock.post(BODY).status_code for _ in range(3)} == {402}
    do(mock, "DELETE", "/recipes")
    assert mock.post(BODY).status_code == 200


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"recipe": "fail=generation_timeot"}, "generation_timeout"),
        ({"recipe": "402", "operation": "creat"}, "create"),
        ({"recipe": "402", "times": 0}, "times: "),
        ({"recipe": ""}, "recipe: "),
    ],
)
def test_a_recipe_that_is_none_is_refused_with_the_nearest(mock: Mock, order: Any, says: str) -> None:
    answer = ask(mock, "POST", "/recipes", order)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert do(mock, "GET", "/recipes") == {"recipes": []}


def test_every_recipe_of_the_catalog_can_be_assigned(mock: Mock) -> None:
    names = do(mock, "GET", "/recipes/catalog")["recipes"]
    assert {"402", "fail=generation_timeout"} <= set(names)
    for name in names:
        do(mock, "POST", "/recipes", {"recipe": name}, token=f"for {name}".replace(" ", "-"))


def test_a_recipe_for_an_account_is_a_409_where_the_mock_reads_none_from_accounts(
    start: Callable[..., Mock],
) -> None:
    mock = start(recipes="header,prompt")
    answer = ask(mock, "POST", "/recipes", {"recipe": "402"})
    assert (answer.status_code, "--recipes" in answer.json()["error"]["message"]) == (409, True)
    assert mock.create()["status"] == "pending"
