"""Recipes: what a test asks for in a few characters, wherever it can put them.

    402                             the documented error with this status
    200                             the answer as it is without a recipe
    fail=generation_timeout@40      the task fails with this code after reaching 40 % (default: 99 %)

A recipe is given as `Prefer: mock=RECIPE` (or Prism's `Prefer: code=402`), as `[[RECIPE]]` anywhere
in the prompt, or after a `~` in the token.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.faults import Fault
from mockserver.plans import LAST_PROGRESS, SUCCESS, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spec import TaskFailure

# One preference or parameter after the other (RFC 7240); a quoted value is taken whole, so nothing within it counts.
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PREFERENCE = re.compile(rf'([^\s,;="]+)(?:\s*=\s*(?:{_QUOTED}|([^\s,;"]*)))?|{_QUOTED}')
_OURS = ("mock", "code")
_USUAL = "200"  # what Prism's users send who want no error
_IN_PROMPT = re.compile(r"\[\[([^\[\]]{1,200})\]\]")
_FAILURE = re.compile(r"fail=(?P<code>[\w-]+)(?:@(?P<progress>\d{1,2})%?)?")


class Recipe(Struct, frozen=True):
    """What was asked for: an error status for this request, or how the created task ends."""

    status: int | None = None
    outcome: Outcome = SUCCESS


NOTHING = Recipe()


class Cookbook:
    """Every recipe there is for a spec. Looking one up is pure; the same text always gives the same recipe."""

    def __init__(self, statuses: Iterable[int], failures: Iterable[TaskFailure]) -> None:
        self._statuses = {str(status): Recipe(status=status) for status in sorted(statuses)}
        self._failures = {failure.code: failure for failure in failures}

    @property
    def names(self) -> tuple[str, ...]:
        """Every recipe by name, as one would write it."""
        return (*self._statuses, *(f"fail={code}" for code in self._failures))

    def find(self, text: str, shown: str = "") -> Recipe | Fault:
        """The recipe that a text names, or a 400 with the nearest names; `shown` stands there for the text."""
        if text in self._statuses:
            return self._statuses[text]
        if text == _USUAL:
            return NOTHING
        named = _FAILURE.fullmatch(text)
        if named and (failure := self._failures.get(named["code"])):
            reach = int(named["progress"] or LAST_PROGRESS)
            return Recipe(outcome=Outcome(failure, max(1, reach)))
        near = get_close_matches(text, self.names, n=3, cutoff=0.4) or self.names[:3]
        problem = f"there is no recipe {shown or repr(text[:60])}; the nearest are {', '.join(near)}"
        return Fault(400, problem)

    def of_request(self, prefer: bytes, token: str) -> Recipe | Fault:
        """The recipe in a `Prefer` header, else the one in the token, else none."""
        if prefer:
            for found in _PREFERENCE.finditer(prefer.decode("latin-1")):
                if found[1] and found[1].lower() in _OURS:
                    return self.find(found[2] or found[3] or "")
        if "~" in token:
            # A key may hold a `~` of its own: no part of it is repeated.
            return self.find(token.partition("~")[2], "as in the token")
        return NOTHING

    def of_body(self, document: Mapping[str, Any]) -> Recipe | Fault | None:
        """The recipe in the prompt of a request body, or None."""
        prompt = document.get("prompt")
        if not isinstance(prompt, str) or "[[" not in prompt:
            return None
        found = _IN_PROMPT.search(prompt)
        return self.find(found[1].strip()) if found else None
