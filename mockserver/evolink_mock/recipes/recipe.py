"""A parsed recipe: its effects on a request, its response and its task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from evolink_mock.domain.tasks import (
    SUCCESS,
    Anomalies,
    Outcome,
    Phase,
    Timetable,
    new_timetable,
    queued,
    stuck,
)
from evolink_mock.domain.units import Rate, Speed
from evolink_mock.recipes.effects import BY_NAME, GATEWAY, OPERATIONS, STATUS

if TYPE_CHECKING:
    from collections.abc import Container


class Recipe(Struct, frozen=True):
    """What a recipe does to one request."""

    status: int | None = None
    retry_after: float = 1.0  # the `Retry-After` of a 429, in seconds
    outcome: Outcome = SUCCESS
    seconds: float | None = None  # the whole duration of the task; None for the usual duration
    slowdown: float = 1.0  # factor of the usual duration
    stuck: Phase | None = None
    queued: bool = False
    link: str = ""
    callback: str = ""
    callback_delay: float = 0.0  # in seconds, if the callback is late
    is_forgotten: bool = False  # the task is unknown after its end
    latency: Speed | None = None  # in real time
    drop: bool = False
    cut: bool = False
    hang: bool = False
    trickle: float = 0.0  # seconds of real time in which the body is sent
    gateway: int | None = None  # status of the gateway's page that replaces the response
    body: str = ""  # the kind of body that replaces the body of the response
    redirect: str = ""
    omitted: tuple[str, ...] = ()  # dotted names of fields of the body
    added: tuple[str, ...] = ()
    nulled: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    skew: float = 0.0  # seconds that are added to the times in the response; may be negative
    retry_form: str = ""  # the form of the `Retry-After` of a 429
    content_type: bytes = b""
    shape: str = ""
    status_word: str = ""  # replaces the task's status
    credits: float | None = None
    rate: Rate | None = None
    operations: frozenset[str] = frozenset(
        OPERATIONS
    )  # operations that the effects can change; `status` is not considered here

    def affects(self, operation: str, documented: Container[int]) -> bool:
        """Return whether the recipe has an effect on an operation. `documented` are the operation's error statuses."""
        if self.status is None:
            return operation in self.operations
        is_documented = operation in BY_NAME[STATUS].operations and self.status in documented
        return is_documented or self.status in GATEWAY or operation in self.operations


NO_RECIPE = Recipe()  # the recipe of requests without a recipe; compared by identity
DEFAULT_RECIPE = Recipe(slowdown=1.0)  # `ok`: the usual response, even if a later source has a recipe


class RecipeSequence(Struct, frozen=True):
    """A recipe as written: one recipe for all requests, or steps for consecutive requests."""

    text: str  # in its canonical spelling
    steps: tuple[tuple[Recipe, int], ...]  # pairs of a recipe and its number of requests
    is_constant: bool  # whether there is one recipe for all requests

    @property
    def length(self) -> int:
        """The number of requests for which there are steps. Not meaningful if `is_constant` is true."""
        return sum(times for _, times in self.steps)

    def index(self, turn: int) -> int:
        """Return the index of the step for the request number `turn`.

        Both are counted from 0. After the last step, the number of steps is returned.
        """
        for index, (_, times) in enumerate(self.steps):
            if self.is_constant or turn < times:
                return index
            turn -= times
        return len(self.steps)

    def at(self, turn: int) -> Recipe:
        """Return the recipe for the request number `turn`, counted from 0.

        After the last step, the recipe `ok` is returned.
        """
        index = self.index(turn)
        return self.steps[index][0] if index < len(self.steps) else DEFAULT_RECIPE


def timetable_for_recipe(
    recipe: Recipe, created: float, random: int, speed: Speed, queue_end: float
) -> Timetable:
    """Return the timetable of a new task with this recipe.

    `queue_end` is the end of the account's earlier tasks. A task that the recipe queues starts after `queue_end`.
    """
    if recipe.seconds is not None:
        speed = Speed(recipe.seconds, recipe.seconds)
    elif recipe.slowdown != 1:
        speed = Speed(speed.shortest * recipe.slowdown, speed.longest * recipe.slowdown)
    timetable = new_timetable(created, random, speed, recipe.outcome)
    if recipe.queued:
        timetable = queued(timetable, queue_end)
    return timetable if recipe.stuck is None else stuck(timetable, recipe.stuck)


def anomalies_of(recipe: Recipe) -> Anomalies | None:
    """Return the faults that a recipe gives to a task; None if there are none.

    For example, result links are broken, or the callback is late.
    """
    if not recipe.link and not recipe.callback and not recipe.is_forgotten:
        return None
    return Anomalies(recipe.link, recipe.callback, recipe.callback_delay, recipe.is_forgotten)
