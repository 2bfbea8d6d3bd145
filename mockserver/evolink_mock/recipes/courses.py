"""From a recipe to the plan and the anomalies of the task that is made with it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.domain.tasks import Anomalies, Plan, plan, queued, stuck
from evolink_mock.domain.units import Speed

if TYPE_CHECKING:
    from evolink_mock.recipes.registry import Recipe


def plan_for_recipe(recipe: Recipe, created: float, draw: int, speed: Speed, behind: float) -> Plan:
    """The plan of a task; `behind` is the end of the account's earlier tasks, for one that queues."""
    if recipe.seconds is not None:
        speed = Speed(recipe.seconds, recipe.seconds)
    elif recipe.longer != 1:
        speed = Speed(speed.shortest * recipe.longer, speed.longest * recipe.longer)
    made = plan(created, draw, speed, recipe.outcome)
    if recipe.queued:
        made = queued(made, behind)
    return made if recipe.stuck is None else stuck(made, recipe.stuck)


def anomalies_of(recipe: Recipe) -> Anomalies | None:
    """What is odd about the task; None when nothing is."""
    odd = recipe.link or recipe.callback
    return Anomalies(recipe.link, recipe.callback, recipe.wait) if odd else None
