"""The server to check, facts about the server, and how thoroughly it is tested.

The `repr` of the dataclasses in this module contains no API keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evolink_check.traffic.trace import MAIN, OTHER, Account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Key:
    """An API key for the server, and facts about its account."""

    account: Account
    token: str = field(repr=False)
    limited: bool = False  # a few requests in a row with this key get a 429


@dataclass(frozen=True, slots=True)
class Failing:
    """A create request whose task fails with the error `code`."""

    code: str
    fields: Mapping[str, Any]  # set in a valid body to make the task fail


@dataclass(frozen=True, slots=True)
class Subject:
    """The server to check, and facts about it. If a fact is missing, the clauses that need it are not observed."""

    url: str  # the base URL, without a slash at the end
    keys: Mapping[str, Key]  # the API keys by their labels, one of which is always `main`
    any_key: bool = False  # the server accepts any key, so its response to a wrong key proves nothing
    scale: float = 1.0  # how many seconds pass on the server in one real second
    failing: tuple[Failing, ...] = ()
    # The public URL prefix of evolink-check's callback receiver. If it is empty, callbacks are not checked.
    callback_url: str = ""
    callback_listen: tuple[str, int] | None = None  # the host and port on which the callback receiver listens
    # The URL to which `{"seconds": N}` is sent, so that the server advances the clock of the account by N seconds. If
    # it is empty, the clock cannot be advanced.
    advance_url: str = ""
    prompt: str = "The person starts dancing"
    image_url: str = "https://example.com/image.jpg"
    cannot: frozenset[str] = frozenset()  # the ids of clauses that cannot be observed on this server
    # A PEM file with the CA that signed the server's certificate. If it is empty, the system's CAs are used.
    ca: str = ""
    # Real seconds within which each task must end. If it is 0, the limit is ten times the task's estimated time, but at
    # least ten seconds.
    task_limit: float = 0.0
    callback_trust: bool = False  # assume that `callback_url` leads to the receiver, without testing it

    @classmethod
    def at(cls, url: str, key: str, other_key: str = "", **facts: Any) -> Subject:
        """Create a `Subject` from a URL, API keys and values of further fields."""
        tokens = {MAIN: key, OTHER: other_key}
        keys = {label: Key(Account(label, valid=True), token) for label, token in tokens.items() if token}
        return cls(url.rstrip("/"), keys, **facts)

    @property
    def main(self) -> Key:
        """The main API key, which --token sets."""
        return self.keys[MAIN]


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly the server is tested, and the limits of the run."""

    profile: str = "quick"
    examples: int = 25  # the number of cases that each Hypothesis strategy generates
    tasks: int = 30  # the maximum number of tasks to create
    seconds: float = 120.0  # the maximum duration of the run
    task_seconds: float = 60.0  # the maximum time to wait for one task to end
    jobs: int = 4  # the maximum number of requests at the same time
    rate: float | None = None  # the maximum number of requests per second; None if unlimited
    # The budget. If it is None, only requests from which a correct server creates no task are sent.
    max_credits: float | None = None
    seed: int = 0
    clauses: frozenset[str] = frozenset()  # the ids of the clauses to test; empty to test all
    memory: Path | None = None  # a folder of saved failing examples, which the next run tries first
