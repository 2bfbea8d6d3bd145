"""The valid recipes for a set of OpenAPI documents.

The module `grammar` defines the syntax of recipes, and `effects` their meaning. The module `sources` defines where a
request can contain a recipe.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from evolink_spec import TaskFailure
from evolink_spec.options.suggestions import nearest

from evolink_mock.domain.tasks import Outcome
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes import grammar
from evolink_mock.recipes.effects import BY_NAME, CANCEL, CANCELLED, EFFECTS, FAIL, STATUS
from evolink_mock.recipes.recipe import DEFAULT_RECIPE, Recipe, RecipeSequence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec import Spec

    from evolink_mock.recipes.grammar import Step, Word

_CACHE_SIZE = 1000  # maximum number of cached texts
_SHOWN = 60  # maximum number of characters of an unknown recipe that are shown
_SUGGESTED = 3
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,79}")  # a failure code
_SIMILARITY = 0.8  # minimum similarity of a misspelled code, 0 to 1


def statuses_of(spec: Spec) -> set[int]:
    """Return the error statuses that are documented for at least one operation."""
    creates = (operation for by_model in spec.creates.values() for operation in by_model.values())
    return set(spec.query.errors).union(*(operation.errors for operation in creates))


class RecipeRegistry:
    """Parses recipes, for one set of OpenAPI documents. Recently parsed recipes are cached."""

    def __init__(self, statuses: Iterable[int], failures: Iterable[TaskFailure]) -> None:
        self._statuses = tuple(str(status) for status in sorted(statuses))
        self._failures = {failure.code: failure for failure in failures}
        self._cache: dict[str, RecipeSequence | ApiError] = {}
        effects = {name for name in BY_NAME if name != STATUS}
        self.effect_names = (*self._statuses, *sorted(effects - set(self._statuses)))
        self._suggest = lru_cache(_CACHE_SIZE)(
            self._nearest
        )  # cached, because a token that contains a ~ arrives with each request

    @property
    def names(self) -> tuple[str, ...]:
        """The catalog of recipes with a single effect.

        The catalog contains every documented error status and failure code. For every other effect, the catalog
        contains its examples.
        """
        examples = [
            example for effect in EFFECTS if effect.name not in {STATUS, FAIL} for example in effect.examples
        ]
        failures = (f"{FAIL}={code}" for code in self._failures)
        return tuple(dict.fromkeys((*self._statuses, *failures, *examples)))

    def find(self, text: str) -> RecipeSequence | ApiError:
        """Parse the text of a recipe, or return a 400 that suggests similar recipes."""
        cached = self._cache.get(text)
        if cached is not None:
            return cached
        result: RecipeSequence | ApiError
        try:
            result = self._sequence(grammar.parse_recipe(text))
        except ValueError as error:
            result = self._unknown(text, str(error))
        if len(self._cache) >= _CACHE_SIZE:
            self._cache.clear()
        if len(text) <= grammar.LONGEST:
            self._cache[text] = result
        return result

    def suggest(self, text: str) -> str:
        """Return the most similar recipes, as text for an error message."""
        return self._suggest(text[: grammar.LONGEST])

    def failure(self, text: str) -> TaskFailure:
        """Return the failure for a code or a kind, such as `content_policy_violation/nudity`.

        A kind selects one of the documented messages of the code. An undocumented code gets a generic message. Raises
        ValueError for an unknown kind or a malformed code. Raises ValueError if an undocumented code closely resembles
        a documented one.
        """
        code, slash, kind = text.partition("/")
        failure = self._failures.get(code)
        if failure is None:
            return self._undocumented_failure(text)
        if not slash:
            return failure
        kinds = dict(failure.kinds)
        if kind not in kinds:
            raise ValueError(
                f"the kinds of {code} are {', '.join(kinds)}" if kinds else f"{code} has no kinds"
            )
        return replace(failure, message=kinds[kind])

    def _nearest(self, text: str) -> str:
        spellings = {name: name for name in self.names}
        for name in self.effect_names:
            if name not in spellings:  # an effect that needs a value
                spellings[name] = f"{name}={_placeholder(name)}"
        near = get_close_matches(text, spellings, n=_SUGGESTED, cutoff=0.4)
        return ", ".join(dict.fromkeys(spellings[name] for name in near or self.names[:_SUGGESTED]))

    def _sequence(self, steps: tuple[Step, ...]) -> RecipeSequence:
        recipes = tuple((self._recipe(step), 1 if step.times is None else step.times) for step in steps)
        is_constant = len(steps) == 1 and steps[0].times is None
        return RecipeSequence(grammar.canonical(steps), recipes, is_constant)

    def _recipe(self, step: Step) -> Recipe:
        fields: dict[str, Any] = {}
        operations: frozenset[str] = frozenset()
        names = [word.name for word in step.words]
        if len(set(names)) < len(names):
            raise ValueError("an effect is named twice")
        for word in step.words:
            changes = self._recipe_fields(word)
            if fields.keys() & changes.keys():
                raise ValueError(f"{word.name} contradicts an effect before it")
            fields |= changes
            if "status" not in changes:  # a status affects only the operations that document it
                operations |= BY_NAME[word.name].operations
        if not fields:
            return DEFAULT_RECIPE
        return Recipe(**fields, operations=operations)

    def _recipe_fields(self, word: Word) -> dict[str, Any]:
        effect = BY_NAME[STATUS] if word.name in self._statuses else BY_NAME.get(word.name)
        if effect is None or word.name == STATUS:
            # An empty message: the caller reports an unknown recipe.
            raise ValueError("")
        if word.progress is not None and effect.name not in {FAIL, CANCEL}:
            raise ValueError(f"only {FAIL} and {CANCEL} take @PROGRESS")
        changes = effect.read(word)
        if "outcome" in changes:
            code, reach = changes["outcome"]
            return {"outcome": Outcome(self.failure(code), reach, is_cancelled=effect.name == CANCEL)}
        return changes

    def _undocumented_failure(self, code: str) -> TaskFailure:
        # A code that resembles a documented one is probably misspelled.
        if code != CANCELLED and (not _CODE.fullmatch(code) or nearest(code, self._failures, _SIMILARITY)):
            raise ValueError(f"{code[:_SHOWN]!r} is not a documented code")
        return TaskFailure(code, f"The task failed: {code}.\nNo document describes this code.", "give-up")

    def _unknown(self, text: str, why: str) -> ApiError:
        reason = f" ({why[:100]})" if why else ""
        shown = repr(text[:_SHOWN])
        return ApiError(400, f"unknown recipe {shown}{reason}; the nearest are {self.suggest(text)}")


def _placeholder(name: str) -> str:
    """Return the placeholder of an effect's value, such as `TIME` for `latency`."""
    return BY_NAME[name].form.partition("=")[2].partition(",")[0].partition("[")[0]
