"""A scenario: the recipes that are assigned to an account, and how the client is expected to end."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

Expected = Literal["success", "failure", "either"]
_USUAL_FIRST = re.compile(r"ok(?:\*(\d+))?, ")
ALWAYS = None  # as `times` of a recipe, this means all requests


@dataclass(frozen=True, slots=True)
class ScenarioRecipe:
    """A recipe for requests to an operation: create, query or media.

    It applies to the next `times` requests, or to all if `times` is None.
    """

    recipe: str
    operation: str = "create"
    times: int | None = 1

    @property
    def usual_first(self) -> int:
        """The number of requests that get the usual response before the first unusual one."""
        match = _USUAL_FIRST.match(self.recipe)
        return int(match[1] or 1) if match else 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A behaviour of the server.

    `about` describes the behaviour in a sentence, and `expected` is how a correct client ends.

    `endless` means that no response says that the task has ended. `unusual` means that the responses are unusual but
    documented, and must not change what the client does. `calls` means that the scenario needs a client that accepts a
    callback URL. `hangs` means that a response never comes or never ends. `refuses` means that connections are refused
    at first. `lacks` names the fields that responses lack, and `adds` an unknown field in bodies about failures. The
    clauses in `mute` are not judged in this scenario. If `only` is not empty, no other clauses are judged.
    """

    id: str
    about: str
    orders: tuple[ScenarioRecipe, ...] = ()
    expected: Expected = "success"
    endless: bool = False
    unusual: bool = False
    calls: bool = False
    hangs: bool = False
    refuses: bool = False
    lacks: str = ""
    adds: str = ""
    mute: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()

    def comes_too_late(self, queries: int) -> bool:
        """Whether a client that sent this number of queries ended before it reached the query with the fault."""
        return any(order.operation == "query" and 0 < queries <= order.usual_first for order in self.orders)

    @property
    def may_break_off(self) -> bool:
        """Whether a client may end while a response is unfinished."""
        return self.hangs or any("trickle" in order.recipe for order in self.orders)

    @property
    def at_once(self) -> Scenario:
        """The same scenario with its faults on the first query, for a client that queries rarely."""
        orders = tuple(
            replace(order, recipe=_USUAL_FIRST.sub("", order.recipe)) if order.operation == "query" else order
            for order in self.orders
        )
        return replace(self, orders=orders)

    def judges(self, clause: str) -> bool:
        """Whether this scenario judges the clause."""
        return clause not in self.mute and (not self.only or clause in self.only)


def on_create(recipe: str, times: int | None = 1) -> tuple[ScenarioRecipe, ...]:
    """Return a recipe for create requests."""
    return (ScenarioRecipe(recipe, "create", times),)


def on_query(recipe: str, times: int | None = 1) -> tuple[ScenarioRecipe, ...]:
    """Return a recipe for status queries."""
    return (ScenarioRecipe(recipe, "query", times),)
