"""The checks of a request: their order, and the error of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.api import policy
from evolink_mock.api.operations import CompiledOperations
from evolink_mock.api.policy import AUTHENTICATION, CREATE, QUERY, first_error
from evolink_mock.domain.accounts import charge
from evolink_mock.domain.tasks import Outcome
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe
from hypothesis import given
from hypothesis import strategies as st
from support.records.builders import (
    BODY,
    FAILURE,
    MODEL,
    OPERATIONS,
    SPEC,
    START,
    a_context,
    a_task,
    a_timetable,
    an_account,
    an_operation,
)

if TYPE_CHECKING:
    from evolink_mock.api.request_context import RequestContext

UNREADABLE = ApiError(400, "the body is not valid JSON")
FORBIDDEN = ApiError(400, "callback_url: is internal", "callback_url")

# What can be wrong with a create, in the order of the checks.
CREATE_ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "no token": (401, {"token": None}),
    "too often": (429, {"retry_after": 12.0}),
    "no JSON": (400, {"document": UNREADABLE}),
    "schema": (400, {"document": BODY | {"duration": 7}}),
    "callback": (400, {"callback": FORBIDDEN}),
    "model": (403, {"denied": MODEL}),
    "credits": (402, {"granted": 4}),
}
QUERY_ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "no token": (401, {"token": None}),
    "too often": (429, {"retry_after": 12.0}),
    "prefix": (400, {"task_id": "job-1", "task": None}),
    "unknown": (404, {"task": None}),
    "foreign": (403, {"owner": "other"}),
}


def create(names: set[str]) -> RequestContext:
    """A create with these things wrong."""
    wrong: dict[str, Any] = {}
    for name in reversed(CREATE_ERRORS):  # the earlier error is the one to be seen
        wrong |= CREATE_ERRORS[name][1] if name in names else {}
    account = an_account(granted=wrong.pop("granted", 100), denied=wrong.pop("denied", None))
    return a_context(account=account, **wrong)


def query(names: set[str]) -> RequestContext:
    """A query with these things wrong."""
    wrong: dict[str, Any] = {}
    for name in reversed(QUERY_ERRORS):
        wrong |= QUERY_ERRORS[name][1] if name in names else {}
    task = a_task(account=wrong.pop("owner", "key"))
    return a_context(
        **{"task": task, "task_id": task.id, "documented": SPEC.query.errors, "compiled": None} | wrong
    )


def first(errors: dict[str, tuple[int, dict[str, Any]]], names: set[str]) -> int | None:
    return next((status for name, (status, _) in errors.items() if name in names), None)


def status(error: ApiError | None) -> int | None:
    return error.status if error else None


@given(st.sets(st.sampled_from(sorted(CREATE_ERRORS))))
def test_of_several_errors_of_a_create_the_first_of_401_429_400_403_402_is_returned(names: set[str]) -> None:
    assert status(first_error((*AUTHENTICATION, *CREATE), create(names))) == first(CREATE_ERRORS, names)


@given(st.sets(st.sampled_from(sorted(QUERY_ERRORS))))
def test_of_several_errors_of_a_query_the_first_of_401_429_400_404_403_is_returned(names: set[str]) -> None:
    assert status(first_error((*AUTHENTICATION, *QUERY), query(names))) == first(QUERY_ERRORS, names)


def test_the_errors_are_in_the_documented_order() -> None:
    assert [status for status, _ in CREATE_ERRORS.values()] == [401, 429, 400, 400, 400, 403, 402]
    assert [status for status, _ in QUERY_ERRORS.values()] == [401, 429, 400, 404, 403]


@pytest.mark.parametrize("check", [*AUTHENTICATION, *CREATE])
def test_every_check_accepts_a_valid_create(check: policy.Check) -> None:
    assert check(create(set())) is None


@pytest.mark.parametrize("check", QUERY)
def test_every_check_accepts_a_valid_query(check: policy.Check) -> None:
    assert check(query(set())) is None


@pytest.mark.parametrize(("wait", "seconds_sent"), [(0.001, b"1"), (1.0, b"1"), (1.001, b"2"), (59.5, b"60")])
def test_retry_after_is_in_whole_seconds_rounded_up(wait: float, seconds_sent: bytes) -> None:
    assert policy.check_rate_limit(a_context(retry_after=wait)) == ApiError(
        429, headers=((b"retry-after", seconds_sent),)
    )


def test_the_error_of_an_unreadable_body_is_returned_unchanged() -> None:
    assert policy.check_body(a_context(document=UNREADABLE)) is UNREADABLE


def test_the_error_of_an_unknown_model_is_returned_unchanged() -> None:
    unknown = ApiError(400, "model: no", "model")
    assert policy.check_schema(a_context(compiled=unknown)) is unknown


def test_the_error_of_an_invalid_body_names_the_field() -> None:
    error = policy.check_schema(a_context(document=BODY | {"duration": 7}))
    assert error == ApiError(400, "duration: 7 is not one of 6, 10", "duration")


def test_the_error_of_a_refused_callback_is_returned_unchanged() -> None:
    assert policy.check_callback_url(a_context(callback=FORBIDDEN)) is FORBIDDEN


def test_access_is_denied_to_one_model_and_no_other() -> None:
    assert policy.check_model_access(a_context(account=an_account(denied=MODEL))) == ApiError(403)
    assert policy.check_model_access(a_context(account=an_account(denied="another"))) is None


def test_access_is_denied_to_a_model_that_is_only_the_default() -> None:
    document, compiled = CompiledOperations(
        {None: an_operation(properties={}, defaults={"model": "auto"})}
    ).choose({})
    denied = a_context(account=an_account(denied="auto"), document=document, compiled=compiled)
    assert policy.check_model_access(denied) == ApiError(403)


@pytest.mark.parametrize("model", [["auto"], {"auto": 1}, None, 7])
def test_a_model_that_is_not_a_string_is_never_denied_where_the_schema_accepts_it(model: Any) -> None:
    document, compiled = CompiledOperations({None: an_operation(properties={})}).choose({"model": model})
    assert policy.check_schema(a_context(document=document, compiled=compiled)) is None
    assert (
        policy.check_model_access(
            a_context(account=an_account(denied="auto"), document=document, compiled=compiled)
        )
        is None
    )
    assert policy.check_model_access(a_context(document=document, compiled=compiled)) is None


@pytest.mark.parametrize(("granted", "error"), [(4.99, ApiError(402)), (5, None), (0, ApiError(402))])
def test_the_credits_left_have_to_cover_the_price(granted: float, error: ApiError | None) -> None:
    assert policy.check_credits(a_context(account=an_account(granted=granted))) == error


def test_returned_credits_can_be_spent_again() -> None:
    account = an_account(granted=5)
    charge(account, a_task(a_timetable(seconds=10.0, outcome=Outcome(FAILURE))), 5)
    assert policy.check_credits(a_context(account=account, now=START + 9)) == ApiError(402)
    assert policy.check_credits(a_context(account=account, now=START + 10)) is None


def test_a_foreign_id_names_the_parameter() -> None:
    assert policy.check_task_id(query({"prefix"})) == ApiError(400, param="task_id")


@pytest.mark.parametrize("requested", sorted(SPEC.query.errors))
def test_every_documented_error_of_a_query_can_be_asked_for(requested: int) -> None:
    assert (
        status(
            first_error(
                (*AUTHENTICATION, *QUERY), a_context(recipe=Recipe(requested), documented=SPEC.query.errors)
            )
        )
        == requested
    )


@pytest.mark.parametrize("requested", sorted(OPERATIONS.errors))
def test_every_documented_error_of_a_create_can_be_asked_for(requested: int) -> None:
    assert status(first_error(CREATE, a_context(recipe=Recipe(requested), document=UNREADABLE))) == requested


def test_a_recipe_with_an_undocumented_error_is_ignored() -> None:
    assert policy.check_recipe(a_context(recipe=Recipe(404))) is None


def test_without_a_token_a_recipe_is_ignored() -> None:
    assert status(first_error((*AUTHENTICATION, *CREATE), a_context(token=None, recipe=Recipe(500)))) == 401


def test_the_429_of_a_recipe_has_a_retry_after() -> None:
    assert policy.check_recipe(a_context(recipe=Recipe(429))) == ApiError(
        429, headers=((b"retry-after", b"1"),)
    )


@pytest.mark.parametrize(("seconds", "seconds_sent"), [(5.0, b"5"), (0.5, b"1"), (90.2, b"91")])
def test_the_429_of_a_recipe_has_the_requested_retry_after_in_whole_seconds(
    seconds: float, seconds_sent: bytes
) -> None:
    requested = policy.check_recipe(a_context(recipe=Recipe(429, retry_after=seconds)))
    assert requested == ApiError(429, headers=((b"retry-after", seconds_sent),))


def test_an_unknown_recipe_is_refused() -> None:
    unknown = ApiError(400, "there is no recipe")
    assert policy.check_recipe(a_context(recipe=unknown)) is unknown


@pytest.mark.parametrize("recipe", [NO_RECIPE, Recipe(outcome=Outcome(FAILURE))])
def test_a_recipe_for_the_task_is_not_an_error_of_the_request(recipe: Recipe) -> None:
    assert policy.check_recipe(a_context(recipe=recipe)) is None
