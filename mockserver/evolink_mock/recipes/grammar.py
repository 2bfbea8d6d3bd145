"""The grammar of recipes: text to words and back. Pure; what the words mean is not known here.

RECIPE := STEP ("," STEP)*          one step a request
STEP   := WORD ("+" WORD)* ["*" N]  for N requests
WORD   := NAME ["=" VALUE] ["@" PROGRESS]
"""

from __future__ import annotations

import re

from msgspec import Struct

LONGEST = 200  # characters of a recipe
_MOST = 1_000_000  # requests of a step
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
VALUE = r"[A-Za-z0-9][A-Za-z0-9_./:; -]*"
_WORD_TEXT = rf"{NAME}(?:\s*=\s*{VALUE})?(?:\s*@\s*[0-9]{{1,2}}%?)?"
_STEP_TEXT = rf"{_WORD_TEXT}(?:\s*\+\s*{_WORD_TEXT})*(?:\s*\*\s*[0-9]{{1,7}})?"
PATTERN = rf"^\s*{_STEP_TEXT}(?:\s*,\s*{_STEP_TEXT})*\s*$"  # of a JSON Schema; never matched here

_WORD = re.compile(rf"(?P<name>{NAME})(?:=(?P<value>{VALUE}))?(?:@(?P<progress>[0-9]{{1,2}})%?)?")
_SPACE = re.compile(r"\s*([=@,+*])\s*")
_COUNT = re.compile(r"[0-9]{1,7}")


class RecipeSyntaxError(ValueError):
    """A text is not written as recipes are; the message says why where that helps, and is empty elsewhere."""


class Word(Struct, frozen=True):
    """One effect as it was written."""

    name: str
    value: str | None = None
    progress: int | None = None

    def __str__(self) -> str:
        value = "" if self.value is None else f"={self.value}"
        return f"{self.name}{value}" + ("" if self.progress is None else f"@{self.progress}")


class Step(Struct, frozen=True):
    """What is to happen together, and to how many requests; None when that is not said."""

    words: tuple[Word, ...]
    times: int | None = None

    def __str__(self) -> str:
        return "+".join(map(str, self.words)) + ("" if self.times is None else f"*{self.times}")


def parse(text: str) -> tuple[Step, ...]:
    """The steps of a recipe. Space around signs is free. Raises `RecipeSyntaxError`."""
    if len(text) > LONGEST:
        raise RecipeSyntaxError(f"it has more than {LONGEST} characters")
    plain = _SPACE.sub(r"\1", text.strip())
    return tuple(_step(part) for part in plain.split(","))


def written(steps: tuple[Step, ...]) -> str:
    """The text of a recipe, as `parse` reads it."""
    return ", ".join(map(str, steps))


def _step(text: str) -> Step:
    words, star, count = text.partition("*")
    times = None
    if star:
        if not _COUNT.fullmatch(count) or not 1 <= int(count) <= _MOST:
            raise RecipeSyntaxError(f"a step is repeated 1 to {_MOST} times")
        times = int(count)
    return Step(tuple(_word(part) for part in words.split("+")), times)


def _word(text: str) -> Word:
    found = _WORD.fullmatch(text)
    if found is None:
        raise RecipeSyntaxError("")
    progress = found["progress"]
    return Word(found["name"], found["value"], None if progress is None else int(progress))
