"""Open the store that the settings name. All processes that use one store share its random seed and its clock."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evolink_spec.extras import install_command

from evolink_mock.domain.accounts import AccountTerms
from evolink_mock.domain.clock import SystemClock, wall_time
from evolink_mock.domain.store import StoreError
from evolink_mock.settings import environment
from evolink_mock.stores.memory import MemoryStore
from evolink_mock.stores.redis.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec import Spec

    from evolink_mock.domain.clock import Clock
    from evolink_mock.domain.store import SharedStore
    from evolink_mock.settings import Settings
    from evolink_mock.stores.records import OperationIndex
    from evolink_mock.stores.redis.store import RedisStore
    from evolink_mock.stores.sqlite.store import SqliteStore

# With a seed, the clock starts at this time, so that a script always sees the same times. It is the creation time in
# the example of the built-in document.
SEEDED_START = 1757169743.0
FILE = "sqlite:"  # the prefix of a file's path
PASSWORD = "EVOLINK_MOCK_STORE_PASSWORD"  # noqa: S105  (the environment variable of the server's password)


class State(NamedTuple):
    """A store, the clock of the server, and the initial state of new accounts."""

    store: MemoryStore | SqliteStore | RedisStore
    clock: Clock
    terms: AccountTerms


def open_state(spec: Spec, settings: Settings, clock: Clock | None, changed: Callable[[str], None]) -> State:
    """Open the store that the settings name. Raises `StoreError` if the store cannot be used.

    A store in memory calls `changed` with an account's token. The call means that the state of a callback has changed.
    Shared stores do not call `changed`.
    """
    if settings.store == "memory":
        seed = secrets.randbits(64) if settings.seed is None else settings.seed
        terms = _terms(settings, seed)
        clock = clock or SystemClock(None if settings.seed is None else SEEDED_START, settings.clock_scale)
        return State(MemoryStore(terms, changed), clock, terms)
    from evolink_mock.stores.records import OperationIndex

    store = open_shared(settings.store, OperationIndex(spec), _terms(settings, 0))
    seed = store.fact("seed", secrets.randbits(64)) if settings.seed is None else settings.seed
    store.terms = _terms(settings, seed)
    return State(store, clock or _shared_clock(store, settings), store.terms)


def open_shared(place: str, operations: OperationIndex, terms: AccountTerms) -> SqliteStore | RedisStore:
    """Open the store at `place`.

    `place` is `sqlite:` with a file path, or a Redis or Valkey URL. Raises ValueError if the URL is invalid. Raises
    `StoreError` if the store cannot be used.
    """
    if place.startswith(FILE):
        from evolink_mock.stores.sqlite.store import SqliteStore

        return SqliteStore(Path(place.removeprefix(FILE)), operations, terms, wall_time)
    address = parse_address(place)
    if address.password is None:
        address = address._replace(password=environment().get(PASSWORD))
    try:
        from evolink_mock.stores.redis.store import RedisStore
    except ImportError as error:
        raise StoreError(
            f"{address.shown}: the client library is missing: {install_command('redis')}"
        ) from error
    return RedisStore(address, operations, terms)


def server_now(store: SharedStore) -> float:
    """Return the current simulated time of the mocks that share a store.

    Returns real time if no mock has used the store yet.
    """
    start, since, scale = store.fact("clock") or (0.0, 0.0, 1.0)
    now: float = start + (store.wall_time() - since) * scale
    return now


def _terms(settings: Settings, seed: int) -> AccountTerms:
    return AccountTerms(
        seed=seed, credits=settings.credits, rate=settings.rate, denied_models=settings.denied_models
    )


def _shared_clock(store: SharedStore, settings: Settings) -> Clock:
    wall = store.wall_time()
    first = wall if settings.seed is None else SEEDED_START
    # The first process stores its start, so the clock is the same in every process and after a restart.
    start, since, scale = store.fact("clock", [first, wall, settings.clock_scale])
    now = start + (wall - since) * scale
    if scale != settings.clock_scale:
        store.set_fact("clock", [now, wall, settings.clock_scale])
    clock = SystemClock(now, settings.clock_scale)
    clock.now()  # starts the clock
    return clock
