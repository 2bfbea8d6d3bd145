"""A scenario consists of recipes and the expected result of the client.

Recipes determine how the mock behaves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

Expected = Literal["success", "failure", "either"]
_USUAL_FIRST = re.compile(r"ok(?:\*(\d+))?, ")
ALWAYS = None  # as `times` of a recipe, this means all requests


@dataclass(frozen=True, slots=True)
class ScenarioRecipe:
    """A recipe for requests to an operation."""

    recipe: str
    operation: str = "create"  # `create`, `query` or `media`
    times: int | None = 1  # how many requests the recipe applies to; None if the recipe applies to all

    @property
    def usual_first(self) -> int:
        """The number of requests that get the usual response before the first unusual response."""
        match = _USUAL_FIRST.match(self.recipe)
        return int(match[1] or 1) if match else 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A behaviour of the server, and the result that a correct client reports."""

    id: str
    about: str  # a sentence that describes the behaviour
    orders: tuple[ScenarioRecipe, ...] = ()  # the recipes that cause the behaviour
    expected: Expected = "success"  # the result that a correct client reports
    endless: bool = False  # no response says that the task has ended
    unusual: bool = False  # the responses are unusual but documented, so the client must end as usual
    calls: bool = False  # the client must accept a callback URL
    hangs: bool = False  # a response never begins or never ends
    refuses: bool = False  # connections are refused at first
    lacks: str = ""  # the fields that are missing in responses
    adds: str = ""  # an undocumented field in the bodies of errors
    mute: frozenset[str] = frozenset()  # clauses that are not judged in this scenario
    only: frozenset[str] = frozenset()  # if not empty, only these clauses are judged

    def comes_too_late(self, queries: int) -> bool:
        """Whether a client misses the unusual response of this scenario, such as an error.

        The client has sent `queries` queries. In some scenarios, the first queries get the usual response.
        """
        return any(order.operation == "query" and 0 < queries <= order.usual_first for order in self.orders)

    @property
    def may_break_off(self) -> bool:
        """Whether a client may end before a slow response is complete."""
        return self.hangs or any("trickle" in order.recipe for order in self.orders)

    @property
    def at_once(self) -> Scenario:
        """The same scenario, but the first query already gets the unusual response."""
        orders = tuple(
            replace(order, recipe=_USUAL_FIRST.sub("", order.recipe)) if order.operation == "query" else order
            for order in self.orders
        )
        return replace(self, orders=orders)

    def judges(self, clause: str) -> bool:
        """Whether the clause is judged in this scenario."""
        return clause not in self.mute and (not self.only or clause in self.only)


def on_create(recipe: str, times: int | None = 1) -> tuple[ScenarioRecipe, ...]:
    """Return the `orders` of a scenario with one recipe for create requests."""
    return (ScenarioRecipe(recipe, "create", times),)


def on_query(recipe: str, times: int | None = 1) -> tuple[ScenarioRecipe, ...]:
    """Return the `orders` of a scenario with one recipe for queries of a task."""
    return (ScenarioRecipe(recipe, "query", times),)
