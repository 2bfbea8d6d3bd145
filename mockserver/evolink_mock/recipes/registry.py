"""Recipes: what a test asks for in a few characters, wherever it can put them.

A recipe is given as `Prefer: mock=RECIPE` (or Prism's `Prefer: code=402`), as `[[RECIPE]]` anywhere in the
prompt, by an order placed on the account, or after a `~` in the token; the first of these that there is counts.
`grammar` says how it is written, `effects` what there is to write.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from evolink_mock.domain.tasks import SUCCESS, Outcome, Phase
from evolink_mock.http.errors import ApiError
from evolink_mock.recipes import grammar
from evolink_mock.recipes.effects import BY_NAME, EFFECTS, FAIL, GATEWAY, OPERATIONS, STATUS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from evolink_spec import TaskFailure

    from evolink_mock.domain.units import Rate, Speed
    from evolink_mock.recipes.grammar import Step, Word

# One preference or parameter after the other (RFC 7240); a quoted value is taken whole, so nothing within it counts.
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PREFERENCE = re.compile(rf'([^\s,;="]+)(?:\s*=\s*(?:{_QUOTED}|([^\s,;"]*)))?|{_QUOTED}')
_OURS = ("mock", "code")
_IN_PROMPT = re.compile(r"\[\[([^\[\]]{1,200})\]\]")
_REMEMBERED = 1000  # texts that are not read twice


class Recipe(Struct, frozen=True):
    """What happens to one request: an error, the task it makes, how its answer travels and looks."""

    status: int | None = None
    retry: float = 1.0  # seconds that a 429 says to wait
    outcome: Outcome = SUCCESS
    seconds: float | None = None  # the task's whole duration
    longer: float = 1.0  # or so many times its usual one
    stuck: Phase | None = None
    queued: bool = False
    link: str = ""
    callback: str = ""
    wait: float = 0.0  # seconds of a late callback
    latency: Speed | None = None  # of real time
    drop: bool = False
    cut: bool = False
    kind: bytes = b""  # the Content-Type
    shape: str = ""
    word: str = ""  # of the status
    credits: float | None = None
    rate: Rate | None = None
    operations: frozenset[str] = frozenset(OPERATIONS)  # where it can have an effect, its status aside

    def concerns(self, operation: str, documented: Container[int]) -> bool:
        """Whether it can have an effect on an operation that documents these errors."""
        if self.status is None:
            return operation in self.operations
        stated = operation in BY_NAME[STATUS].operations and self.status in documented
        return stated or self.status in GATEWAY or operation in self.operations


NO_RECIPE = Recipe()  # of a request that asks for none: known by its identity
DEFAULT_RECIPE = Recipe(
    longer=1.0
)  # of a request that asks for the usual answer, which ends the search for another


class RecipeSequence(Struct, frozen=True):
    """A recipe as it was written: recipes for one request after the other, each for so many."""

    text: str
    steps: tuple[tuple[Recipe, int], ...]
    stands: bool  # it is one recipe for all requests, and no sequence

    @property
    def length(self) -> int:
        """The requests that it is for, when it is a sequence."""
        return sum(times for _, times in self.steps)

    def index(self, turn: int) -> int:
        """The step of a turn, counted from 0; the number of steps when it is over."""
        for index, (_, times) in enumerate(self.steps):
            if self.stands or turn < times:
                return index
            turn -= times
        return len(self.steps)

    def at(self, turn: int) -> Recipe:
        """The recipe of a turn: after the last step, the usual."""
        index = self.index(turn)
        return self.steps[index][0] if index < len(self.steps) else DEFAULT_RECIPE


class RecipeRegistry:
    """Every recipe there is for a spec. Looking one up is pure; the same text always gives the same recipe."""

    def __init__(self, statuses: Iterable[int], failures: Iterable[TaskFailure]) -> None:
        self._statuses = tuple(str(status) for status in sorted(statuses))
        self._failures = {failure.code: failure for failure in failures}
        self._read: dict[str, RecipeSequence] = {}
        known = {name for name in BY_NAME if name != STATUS}
        self._words = (*self._statuses, *sorted(known - set(self._statuses)))

    @property
    def names(self) -> tuple[str, ...]:
        """Recipes of one word, each effect with each of its examples, as one would write them."""
        told = [one for effect in EFFECTS if effect.name not in {STATUS, FAIL} for one in effect.examples]
        return tuple(dict.fromkeys((*self._statuses, *(f"{FAIL}={code}" for code in self._failures), *told)))

    def find(self, text: str, shown: str = "") -> RecipeSequence | ApiError:
        """The recipe that a text names, or a 400 with the nearest names; `shown` stands there for the text."""
        found = self._read.get(text)
        if found is not None:
            return found
        try:
            found = self._series(grammar.parse(text))
        except ValueError as error:
            return self._unknown(text, shown, "" if shown else str(error))
        if len(self._read) >= _REMEMBERED:
            self._read.clear()
        self._read[text] = found
        return found

    def of_header(self, prefer: bytes) -> RecipeSequence | ApiError | None:
        """The recipe in a `Prefer` header, or None."""
        text = prefer.decode("latin-1")
        for found in _PREFERENCE.finditer(text):
            if found[1] and found[1].lower() in _OURS:
                if found[2] is not None or found[3] is None:
                    return self.find(found[2] or "")
                return self.find(self._unquoted(text[found.start(3) :]))
        return None

    def of_token(self, token: str) -> RecipeSequence | ApiError | None:
        """The recipe behind the first `~` of a token, or None. A key may hold a `~` of its own: nothing is repeated."""
        _, sign, text = token.partition("~")
        return self.find(text, "as in the token") if sign else None

    def of_body(self, document: Mapping[str, Any]) -> RecipeSequence | ApiError | None:
        """The recipe in the prompt of a request body, or None."""
        prompt = document.get("prompt")
        if not isinstance(prompt, str) or "[[" not in prompt:
            return None
        found = _IN_PROMPT.search(prompt)
        return self.find(found[1].strip()) if found else None

    def _unquoted(self, rest: str) -> str:
        """The value of a preference that should have been quoted: the steps after a comma are hardly preferences."""
        first, *others = rest.partition(";")[0].split(",")
        kept = [first.split(maxsplit=1)[0] if first.strip() else ""]
        for other in others:
            name = re.split(r"[=@*+]", other.strip(), maxsplit=1)[0].strip()
            if name not in self._words:
                break
            kept.append(other)
        return ",".join(kept)

    def _series(self, steps: tuple[Step, ...]) -> RecipeSequence:
        read = tuple((self._recipe(step), 1 if step.times is None else step.times) for step in steps)
        return RecipeSequence(grammar.written(steps), read, stands=len(steps) == 1 and steps[0].times is None)

    def _recipe(self, step: Step) -> Recipe:
        fields: dict[str, Any] = {}
        operations: frozenset[str] = frozenset()
        names = [word.name for word in step.words]
        if len(set(names)) < len(names):
            raise ValueError("an effect is named twice")
        for word in step.words:
            changes = self._changes(word)
            if fields.keys() & changes.keys():
                raise ValueError(f"{word.name} contradicts what stands before it")
            fields |= changes
            if "status" not in changes:  # which has an effect where it is documented
                operations |= BY_NAME[word.name].operations
        if not fields:
            return DEFAULT_RECIPE
        return Recipe(**fields, operations=operations)

    def _changes(self, word: Word) -> dict[str, Any]:
        """The fields of a recipe that a word sets."""
        effect = BY_NAME[STATUS] if word.name in self._statuses else BY_NAME.get(word.name)
        if effect is None or word.name == STATUS:
            raise ValueError("")
        if word.progress is not None and effect.name != FAIL:
            raise ValueError(f"@ goes with {FAIL}")
        changes = effect.read(word)
        if effect.name == FAIL:
            text, reach = changes["outcome"]
            return {"outcome": Outcome(self._failure(text), reach)}
        return changes

    def _failure(self, text: str) -> TaskFailure:
        """The failure of a code, or of one of its kinds, which have messages of their own."""
        code, slash, kind = text.partition("/")
        failure = self._failures.get(code)
        if failure is None:
            raise ValueError("")
        if not slash:
            return failure
        kinds = dict(failure.kinds)
        if kind not in kinds:
            raise ValueError(f"{code} is of kind {', '.join(kinds)}" if kinds else f"{code} has no kinds")
        return replace(failure, message=kinds[kind])

    def _unknown(self, text: str, shown: str, why: str) -> ApiError:
        near = get_close_matches(text[: grammar.LONGEST], self.names, n=3, cutoff=0.4) or self.names[:3]
        reason = f" ({why[:100]})" if why else ""
        problem = f"there is no recipe {shown or repr(text[:60])}{reason}; the nearest are {', '.join(near)}"
        return ApiError(400, problem)
