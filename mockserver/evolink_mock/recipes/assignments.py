"""The recipes assigned to an account, and the steps that they have reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_spec.options.suggestions import did_you_mean
from msgspec.structs import replace

from evolink_mock.domain.accounts import AssignedRecipe
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes.effects import ANY, OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Container

    from evolink_mock.domain.accounts import Account
    from evolink_mock.recipes.recipe import Recipe, RecipeSequence
    from evolink_mock.recipes.registry import RecipeRegistry

_LIMIT = 1000  # maximum per account, for assigned recipes, for sequences in progress, and for applied steps


def assign(
    account: Account, registry: RecipeRegistry, text: str, *, times: int | None, operation: str = ANY
) -> ApiError | None:
    """Assign a recipe to the next `times` requests of an operation.

    If `times` is None, the recipe is permanent. A permanent recipe replaces the earlier permanent recipe for the
    operation. A limited recipe is appended to a queue. A sequence of steps ignores `times`, and lasts as long as its
    steps. Returns a 400 for invalid arguments, otherwise None.
    """
    if operation not in {*OPERATIONS, ANY}:
        names, shown = (*OPERATIONS, ANY), operation[:60]
        hint = did_you_mean(shown, names) or f"; the operations are {', '.join(names)}"
        problem = f"operation: unknown operation {shown!r}{hint}"
        return ApiError(400, problem, "operation")
    if times is not None and times < 1:
        return ApiError(400, f"times: {times} is less than 1", "times")
    sequence = registry.find(text)
    if isinstance(sequence, ApiError):
        return sequence
    waiting = account.assigned or []
    if len(waiting) >= _LIMIT:
        return ApiError(400, f"the account already has {_LIMIT} assigned recipes")
    left = times if sequence.is_constant else sequence.length
    kept = [
        entry
        for entry in waiting
        if left is not None or entry.left is not None or entry.operation != operation
    ]
    account.assigned = [*kept, AssignedRecipe(sequence.text, operation, left)]
    if account.applied is not None:  # each assigned recipe sets credits and rate limits again
        account.applied -= {_step_key(sequence, index) for index in range(len(sequence.steps))}
    return None


def clear(account: Account) -> None:
    """Remove all assigned recipes. Credits and a rate limit that a recipe has set are kept."""
    account.assigned = None


def list_assigned(account: Account) -> list[dict[str, Any]]:
    """Return the assigned recipes as JSON data.

    The member `left` is the remaining number of requests. For a permanent recipe, `left` is null.
    """
    return [
        {"recipe": entry.recipe, "operation": entry.operation, "left": entry.left}
        for entry in account.assigned or ()
    ]


def next_for(
    account: Account,
    registry: RecipeRegistry,
    operation: str,
    documented: Container[int] = range(400, 600),
) -> Recipe | None:
    """Return the assigned recipe for a request, and count the request.

    Returns None if no recipe applies. `documented` are the error statuses that the operation documents. Limited recipes
    come first, in the order of assignment. Permanent recipes for the operation follow, then permanent recipes for all
    operations. A recipe without an effect on this request is kept for a later request.
    """
    waiting = account.assigned or []
    for position in sorted(range(len(waiting)), key=lambda position: _precedence(waiting[position])):
        entry = waiting[position]
        if entry.operation not in {operation, ANY}:
            continue
        sequence = registry.find(entry.recipe)
        assert not isinstance(sequence, ApiError)  # noqa: S101  (`assign` stores only valid recipes)
        if sequence.at(entry.turn).affects(operation, documented):
            left = None if entry.left is None else entry.left - 1
            rest = [] if left == 0 else [replace(entry, left=left, turn=entry.turn + 1)]
            account.assigned = [*waiting[:position], *rest, *waiting[position + 1 :]] or None
            return _with_pending_terms(account, sequence, entry.turn)
    return None


def _precedence(entry: AssignedRecipe) -> int:
    if entry.left is not None:
        return 0
    return 2 if entry.operation == ANY else 1


def step_of(account: Account, operation: str, sequence: RecipeSequence) -> Recipe:
    """Count a request of the account, and return the step of `sequence` for this request.

    The account keeps one count for each operation and sequence. The count selects the step.
    """
    if sequence.is_constant:
        return _with_pending_terms(account, sequence, 0)
    turns = account.turns = {} if account.turns is None else account.turns
    key = f"{operation} {sequence.text}"
    turn = turns.pop(key, 0)
    turns[key] = turn + 1  # the most recently used sequence is last
    if len(turns) > _LIMIT:
        del turns[next(iter(turns))]
    return _with_pending_terms(account, sequence, turn)


def _with_pending_terms(account: Account, sequence: RecipeSequence, turn: int) -> Recipe:
    recipe = sequence.at(turn)
    if recipe.credits is None and recipe.rate is None:
        return recipe
    applied = account.applied = set() if account.applied is None else account.applied
    key = _step_key(sequence, sequence.index(turn))
    # A step can cover several requests. The first of these requests sets the credits and the rate limit.
    if key in applied:
        return replace(recipe, credits=None, rate=None)
    if len(applied) >= _LIMIT:
        applied.clear()
    applied.add(key)
    return recipe


def _step_key(sequence: RecipeSequence, index: int) -> str:
    return f"{index} {sequence.text}"
