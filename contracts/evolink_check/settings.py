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
    """A request whose task fails with the error `code`. `fields` replace those of the usual body."""

    code: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """The server. Clauses that need a fact which is missing here are not observed, which never counts as passed.

    `url` has no trailing slash. `keys` are by label and include `main`. `any_key`: the server accepts any key, so its
    response to a wrong key shows nothing. `scale`: seconds of the server's time per real second. `callback_url` is the
    public URL prefix of our callback receiver, which listens on `callback_listen`; empty: callbacks are not watched.
    `advance_url` accepts `{"seconds": N}` and moves the clock of the requesting account forward; empty: the clock
    cannot be moved. `cannot` are ids of clauses that cannot be observed on this server. `ca` is a PEM file with the CA
    that signed the server's certificate; empty: the system's CAs. `task_limit`: seconds within which every task is
    over; 0: ten times its own estimated time. `callback_trust`: `callback_url` leads to our receiver although this
    machine cannot reach it.
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
    task_limit: float = 0.0
    callback_trust: bool = False

    @classmethod
    def at(cls, url: str, key: str, other_key: str = "", **facts: Any) -> Subject:
        """A server with this URL, one or two keys, and other fields as keyword arguments."""
        tokens = {MAIN: key, OTHER: other_key}
        keys = {label: Key(Account(label, valid=True), token) for label, token in tokens.items() if token}
        return cls(url.rstrip("/"), keys, **facts)

    @property
    def main(self) -> Key:
        """The main key (--token)."""
        return self.keys[MAIN]


@dataclass(frozen=True, slots=True)
class Effort:
    """The extent of the tests. `max_credits` None: nothing is sent for which a correct server would create a task.

    `examples` is the number of cases that each strategy generates. These are maximum values: `tasks` that are created,
    `seconds` of the run, `task_seconds` of waiting for one task, and `rate`, in requests per second. `clauses`: test
    only these; empty: all. `memory`: a folder in which failing examples are saved, to be tried first in the next run.
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
