"""The server to check, known facts about it, and how hard it is tested. Records only; their repr shows no keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evolink_check.traffic.trace import MAIN, OTHER, Account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Key:
    """A key that the server knows, and the facts about its account. `limited`: its requests soon get a 429."""

    account: Account
    token: str = field(repr=False)
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Failing:
    """A request whose task is known to fail with the error `code`. `fields` replace those of the usual body."""

    code: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """The server. Clauses that need a fact which is missing here are not observed, which never counts as passed.

    `url` has no slash at its end. `keys` are by label; `main` is there. `any_key`: the server takes any key, so a
    wrong one says nothing. `scale`: seconds of its time in a real one. `callback_url` is the public prefix under
    which our receiver, bound to `callback_listen`, is reached; empty: callbacks are not watched. `advance_url` takes
    `{"seconds": N}` and moves the clock of the account that asks; empty: it cannot be moved. `cannot` are clause ids
    that cannot be observed here. `ca` is a PEM file of who signed its certificate; empty: who is usually trusted.
    """

    url: str
    keys: Mapping[str, Key]
    any_key: bool = False
    scale: float = 1.0
    failing: tuple[Failing, ...] = ()
    callback_url: str = ""
    callback_listen: tuple[str, int] | None = None
    advance_url: str = ""
    prompt: str = "The person starts dancing"
    image_url: str = "https://example.com/image.jpg"
    cannot: frozenset[str] = frozenset()
    ca: str = ""

    @classmethod
    def at(cls, url: str, key: str, other_key: str = "", **known: Any) -> Subject:
        """A server of which no more is known than its URL and one or two keys, and what else is said by name."""
        tokens = {MAIN: key, OTHER: other_key}
        keys = {label: Key(Account(label, valid=True), token) for label, token in tokens.items() if token}
        return cls(url.rstrip("/"), keys, **known)

    @property
    def main(self) -> Key:
        """The key of --token."""
        return self.keys[MAIN]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried. `max_credits` None: nothing that a correct server would make a task of is sent.

    `examples` are drawn from each strategy; `tasks` are created at most; `seconds` is the longest the run may take,
    `task_seconds` the longest that one task is waited for; `rate` is requests a second at most. `clauses`: only what
    may speak of these; empty: of all. `memory`: a directory where failing examples are kept, to be replayed first.
    """

    profile: str = "quick"
    examples: int = 25
    tasks: int = 30
    seconds: float = 120.0
    task_seconds: float = 60.0
    jobs: int = 4
    rate: float | None = None
    max_credits: float | None = None
    seed: int = 0
    clauses: frozenset[str] = frozenset()
    memory: Path | None = None
