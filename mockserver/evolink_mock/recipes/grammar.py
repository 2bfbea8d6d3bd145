"""The grammar of recipes.

RECIPE := STEP ("," STEP)*                 # steps for consecutive requests
STEP   := WORD ("+" WORD)* ["*" N]         # effects that apply together to N requests
WORD   := NAME ["=" VALUE] ["@" PROGRESS]  # one effect; "@" ends a task at PROGRESS percent

In a recipe of several steps, the default of N is 1. A recipe of a single step without N applies to any number of
requests. The module `effects` defines the meaning of each NAME.
"""

from __future__ import annotations

import re

from msgspec import Struct

LONGEST = 200  # maximum number of characters of a recipe, without the spaces around signs
_LONGEST_SPACED = 2 * LONGEST  # maximum with these spaces, which the canonical spelling has after commas
_MOST_TIMES = 1_000_000  # maximum number of requests per step
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
VALUE = r"[A-Za-z0-9][A-Za-z0-9_./:; -]*"
_WORD_TEXT = rf"{NAME}(?:\s*=\s*{VALUE})?(?:\s*@\s*[0-9]{{1,2}}%?)?"
_STEP_TEXT = rf"{_WORD_TEXT}(?:\s*\+\s*{_WORD_TEXT})*(?:\s*\*\s*[0-9]{{1,7}})?"
PATTERN = rf"^\s*{_STEP_TEXT}(?:\s*,\s*{_STEP_TEXT})*\s*$"  # only for the JSON Schema

_WORD = re.compile(rf"(?P<name>{NAME})(?:=(?P<value>{VALUE}))?(?:@(?P<progress>[0-9]{{1,2}})%?)?")
_SPACE = re.compile(r"\s*([=@,+*])\s*")
_COUNT = re.compile(r"[0-9]{1,7}")


class RecipeSyntaxError(ValueError):
    """The text does not follow the grammar. The message says why.

    For a malformed word, such as `fail=`, the message is empty. The caller then suggests similar recipes instead.
    """


class Word(Struct, frozen=True):
    """One effect, as it is written in a recipe, such as `fail=service_error@40`."""

    name: str
    value: str | None = None
    progress: int | None = None

    def __str__(self) -> str:
        value = "" if self.value is None else f"={self.value}"
        return f"{self.name}{value}" + ("" if self.progress is None else f"@{self.progress}")


class Step(Struct, frozen=True):
    """Effects that apply together to the next `times` requests. `times` is None if the step has no `*N`."""

    words: tuple[Word, ...]
    times: int | None = None

    def __str__(self) -> str:
        return "+".join(map(str, self.words)) + ("" if self.times is None else f"*{self.times}")


def parse_recipe(text: str) -> tuple[Step, ...]:
    """Parse the text of a recipe into steps. Spaces around the signs `= @ , + *` are ignored.

    Raises `RecipeSyntaxError` for invalid text.
    """
    if len(text) <= _LONGEST_SPACED:
        compact = _SPACE.sub(r"\1", text.strip())
        if len(compact) <= LONGEST:
            return tuple(_parse_step(part) for part in compact.split(","))
    raise RecipeSyntaxError(f"it has more than {LONGEST} characters")


def canonical(steps: tuple[Step, ...]) -> str:
    """Return the canonical text of these steps. `parse_recipe` is the inverse."""
    return ", ".join(map(str, steps))


def _parse_step(text: str) -> Step:
    words, star, count = text.partition("*")
    times = None
    if star:
        if not _COUNT.fullmatch(count) or not 1 <= int(count) <= _MOST_TIMES:
            raise RecipeSyntaxError(f"a step is repeated 1 to {_MOST_TIMES} times")
        times = int(count)
    return Step(tuple(_parse_word(part) for part in words.split("+")), times)


def _parse_word(text: str) -> Word:
    match = _WORD.fullmatch(text)
    if match is None:
        raise RecipeSyntaxError("")
    progress = match["progress"]
    return Word(match["name"], match["value"], None if progress is None else int(progress))
