"""Recipes that an account has been given, and how far it is in each: nothing of it is seen by another account."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from evolink_mock.http.errors import ApiError
from evolink_mock.recipes.effects import ANY, OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Container

    from evolink_mock.domain.accounts import Account
    from evolink_mock.recipes.registry import Recipe, RecipeRegistry, RecipeSequence

_MANY = 1000  # sequences that are followed, and orders that wait, of one account


class AssignedRecipe(Struct):
    """A recipe placed on an account: for `left` requests that it concerns, or until changed when that is None."""

    series: RecipeSequence
    operation: str  # one of `OPERATIONS`, or `any`
    left: int | None
    turn: int = 0


def assign(
    account: Account, registry: RecipeRegistry, text: str, *, times: int | None, operation: str = ANY
) -> ApiError | None:
    """Order a recipe for the next `times` requests to an operation, or until changed when that is None.

    A sequence counts by itself, whatever `times` says. One order that stands until changed takes the place
    of another for the same operation; those that are counted wait in line. The 400 says what cannot be.
    """
    if operation not in {*OPERATIONS, ANY}:
        near = get_close_matches(operation, (*OPERATIONS, ANY), n=1) or (*OPERATIONS, ANY)
        return ApiError(400, f"operation: {operation[:60]!r} is none; {', '.join(near)}", "operation")
    if times is not None and times < 1:
        return ApiError(400, f"times: {times} is less than 1", "times")
    series = registry.find(text)
    if isinstance(series, ApiError):
        return series
    waiting = account.orders or []
    if len(waiting) >= _MANY:
        return ApiError(400, f"{_MANY} orders wait already")
    left = times if series.stands else series.length
    kept = [one for one in waiting if left is not None or one.left is not None or one.operation != operation]
    account.orders = [*kept, AssignedRecipe(series, operation, left)]
    if account.taken is not None:  # credits and rates of an order are set anew each time it is placed
        account.taken -= {(series.text, index) for index in range(len(series.steps))}
    return None


def clear(account: Account) -> None:
    """Withdraw all that is ordered; what a recipe has set of credits and rate stays."""
    account.orders = None


def list_assigned(account: Account) -> list[dict[str, Any]]:
    """What is ordered, as JSON: `recipe`, `operation`, and `left`, which is null until changed."""
    return [
        {"recipe": one.series.text, "operation": one.operation, "left": one.left}
        for one in account.orders or ()
    ]


def next_for(account: Account, operation: str, documented: Container[int] = range(400, 600)) -> Recipe | None:
    """The recipe ordered for this request, counted as taken; None when none is.

    Those that are counted go first, in the order they were placed; then one for the operation, then one for
    any. An order waits for a request that it can have an effect on: `documented` are the operation's errors.
    """
    waiting = account.orders or []
    for order in sorted(
        waiting, key=lambda one: (one.left is None, one.left is None and one.operation == ANY)
    ):
        recipe = order.series.at(order.turn)
        if order.operation in {operation, ANY} and recipe.concerns(operation, documented):
            return _taken(account, order)
    return None


def _taken(account: Account, order: AssignedRecipe) -> Recipe:
    turn, order.turn = order.turn, order.turn + 1
    if order.left is not None:
        order.left -= 1
        if order.left == 0:
            account.orders = [one for one in account.orders or () if one is not order] or None
    return _once(account, order.series, turn)


def step_of(account: Account, operation: str, series: RecipeSequence) -> Recipe:
    """The recipe for this request of a sequence that comes with each request: the next one after the last."""
    if series.stands:
        return _once(account, series, 0)
    turns = account.turns = {} if account.turns is None else account.turns
    key = (operation, series.text)
    turn = turns.pop(key, 0)
    turns[key] = turn + 1  # the one last used stands last
    if len(turns) > _MANY:
        del turns[next(iter(turns))]
    return _once(account, series, turn)


def _once(account: Account, series: RecipeSequence, turn: int) -> Recipe:
    """The recipe of a turn; credits and rate are set when its step is come to, not again each time it is used."""
    recipe = series.at(turn)
    if recipe.credits is None and recipe.rate is None:
        return recipe
    taken = account.taken = set() if account.taken is None else account.taken
    key = (series.text, series.index(turn))
    if key in taken:
        return replace(recipe, credits=None, rate=None)
    if len(taken) >= _MANY:
        taken.clear()
    taken.add(key)
    return recipe
