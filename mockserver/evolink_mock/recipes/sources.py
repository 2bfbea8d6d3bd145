"""Find the recipe of a request. The first source in this list that names a recipe is used.

- `header`: `Prefer: mock=RECIPE`, or Prism's `Prefer: code=STATUS`;
- `prompt`: `[[RECIPE]]` anywhere in the prompt of a create request;
- `assigned`: the recipes that were assigned to the account through the control API;
- `token`: the text after a `~` in the bearer token.

An unknown recipe in a header or an assignment is an error. An unknown recipe in a prompt or a token is ignored, with a
note in the log. In a prompt, `[[!TEXT]]` is never a recipe.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from evolink_mock.http.errors import ApiError
from evolink_mock.recipes import assignments
from evolink_mock.recipes.prefer_header import recipe_text
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe, RecipeSequence

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from evolink_mock.domain.accounts import Account
    from evolink_mock.recipes.registry import RecipeRegistry

SOURCES = ("header", "prompt", "assigned", "token")
_BRACKETS = re.compile(r"\[\[([^\[\]]{1,200})\]\]")
_ESCAPE = "!"
_MOST_BRACKETS = 20  # maximum number of texts in brackets that are looked up per prompt


def parse_sources(text: str) -> str:
    """Check a list of sources, such as `token,header`.

    Returns the list sorted by precedence, in this example `header,token`. `off` means no sources. Raises ValueError for
    an unknown source.
    """
    names = {name.strip() for name in text.strip().lower().split(",")}
    if names == {"off"}:
        return "off"
    if not names <= {*SOURCES}:
        raise ValueError(f"invalid sources of recipes {text!r}: write off, or a list of {','.join(SOURCES)}")
    return ",".join(source for source in SOURCES if source in names)


class RecipeRequest(Struct, frozen=True):
    """The parts of a request that may name a recipe."""

    operation: str  # create, query, media or credits
    documented: Container[int]  # the documented error statuses of the operation
    prefer: bytes | None = None  # all `Prefer` lines, joined by commas
    prompt: Any = None
    token: str = ""


class Resolution(NamedTuple):
    """The recipe of a request with notes for the access log."""

    recipe: Recipe | ApiError
    notes: tuple[str, ...] = ()


_NOTHING = Resolution(NO_RECIPE)
NO_SOURCE = RecipeRequest("create", ())  # stands for a request to which no source can give a recipe


def resolve_recipe(
    registry: RecipeRegistry,
    account: Account,
    request: RecipeRequest,
    enabled: Container[str] = SOURCES,
) -> Resolution:
    """Return the recipe from the first source that names one.

    A sequence of steps counts this request. Later requests then reach the following steps.
    """
    notes: tuple[str, ...] = ()
    sequence: RecipeSequence | ApiError | None = None
    if request is NO_SOURCE:  # almost all requests
        return _NOTHING
    if request.prefer is not None and "header" in enabled:
        sequence = _in_header(registry, request.prefer)
    if sequence is None and isinstance(request.prompt, str) and "prompt" in enabled:
        sequence, notes = _in_prompt(registry, request.prompt)
    if sequence is None and account.assigned is not None and "assigned" in enabled:
        recipe = assignments.next_for(account, registry, request.operation, request.documented)
        if recipe is not None:
            return Resolution(recipe, notes)
    if sequence is None and "~" in request.token and "token" in enabled:
        sequence, token_notes = _in_token(registry, request.token)
        notes += token_notes
    if sequence is None:
        return Resolution(NO_RECIPE, notes) if notes else _NOTHING
    if isinstance(sequence, ApiError):
        return Resolution(sequence, notes)
    return Resolution(assignments.step_of(account, request.operation, sequence), notes)


def _in_header(registry: RecipeRegistry, prefer: bytes) -> RecipeSequence | ApiError | None:
    text = recipe_text(prefer.decode("latin-1"), registry.effect_names)
    return None if text is None else registry.find(text)


def _in_prompt(registry: RecipeRegistry, prompt: str) -> tuple[RecipeSequence | None, tuple[str, ...]]:
    """Return the first valid recipe in double brackets, and notes."""
    notes: tuple[str, ...] = ()
    for text in _texts_in_brackets(prompt):
        sequence = registry.find(text)
        if not isinstance(sequence, ApiError):
            return sequence, notes
        notes = notes or (f"the prompt is used as it is: {sequence.detail}",)
    return None, notes


def _texts_in_brackets(prompt: str) -> Iterator[str]:
    if "[[" in prompt:
        for match in islice(_BRACKETS.finditer(prompt), _MOST_BRACKETS):
            if not match[1].lstrip().startswith(_ESCAPE):
                yield match[1].strip()


def _in_token(registry: RecipeRegistry, token: str) -> tuple[RecipeSequence | None, tuple[str, ...]]:
    """Return the recipe after the first `~`, or a note."""
    text = token.partition("~")[2]
    sequence = registry.find(text)
    if not isinstance(sequence, ApiError):
        return sequence, ()
    nearest = registry.suggest(text)
    # The note does not show the text, because an API key may itself contain a `~`.
    return None, (f"the token is used as it is: the part after ~ is not a recipe; the nearest are {nearest}",)
