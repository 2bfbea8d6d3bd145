"""The server to check, facts about it, and how thoroughly it is tested. The `repr` of a record contains no API keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evolink_check.traffic.trace import MAIN, OTHER, Account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Key:
    """An API key for the server, and facts about its account.

    `limited` means that the server's rate limit for this key is low, so that a few requests in a row get a 429.
    """

    account: Account
    token: str = field(repr=False)
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Failing:
    """A create request whose task fails with the error `code`. `fields` replace fields of a valid body."""

    code: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """The server to check, and facts about it. If a fact is missing, the clauses that need it are not observed.

    `url` does not end in a slash. `keys` maps labels to API keys and always has the label `main`. `any_key` means that
    the server accepts any key, so its response to a wrong key proves nothing. `scale` is the number of seconds that
    pass on the server in one real second. `callback_url` is the public URL prefix of the callback receiver of
    evolink-check, which listens on `callback_listen`; if `callback_url` is empty, callbacks are not checked.
    `advance_url` accepts `{"seconds": N}` and moves the clock of the requesting account forward; if it is empty, the
    clock cannot be moved. `cannot` contains the ids of clauses that cannot be observed on this server. `ca` is a PEM
    file with the CA that signed the server's certificate; if it is empty, the system's CAs are used. Every task must
    end within `task_limit` seconds; 0 means ten times the estimated time of the task, but at least ten seconds.
    `callback_trust` means that `callback_url` leads to the callback receiver, even if this machine cannot reach it.
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
        """Create a `Subject` from a URL, one or two API keys, and values for any of its other fields."""
        tokens = {MAIN: key, OTHER: other_key}
        keys = {label: Key(Account(label, valid=True), token) for label, token in tokens.items() if token}
        return cls(url.rstrip("/"), keys, **facts)

    @property
    def main(self) -> Key:
        """The main API key, which --token sets."""
        return self.keys[MAIN]


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly the server is tested.

    If `max_credits` is None, no request is sent for which a correct server would create a task. `examples` is the
    number of cases that each strategy generates. At most `tasks` tasks are created, at most `rate` requests per second
    are sent, the whole run takes at most `seconds`, and it waits at most `task_seconds` for one task to end. If
    `clauses` is not empty, only these clauses are tested. Failing examples are saved in the folder `memory`, and the
    next run tries them first.
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
