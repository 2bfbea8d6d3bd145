"""Stores in files and on a server, and what several of their tests do with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evolink_mock.domain.accounts import AccountTerms, charge
from evolink_mock.domain.deliveries import first_delivery
from evolink_mock.domain.store import NO_CHANGE, Change
from evolink_mock.http.urls import parse_url
from evolink_mock.stores.records import OperationIndex
from evolink_mock.stores.redis.address import parse_address
from evolink_mock.stores.redis.store import RedisStore
from evolink_mock.stores.sqlite.store import SqliteStore

from support.mocks.redis_server import BUNDLED, new_place
from support.records.builders import SPEC, a_task

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import IsTaken, Store
    from evolink_mock.domain.tasks import Task

T = TypeVar("T")
TERMS = AccountTerms(seed=1, credits=100)
OPERATIONS = OperationIndex(SPEC)
WALL = 1_800_000_000.0


class Wall:
    """Real time that a test moves."""

    def __init__(self) -> None:
        self.now = WALL

    def __call__(self) -> float:
        return self.now


def place(kind: str, folder: Path, name: str = "mock.db") -> str:
    """What `--store` takes: for a server, a new place at each call."""
    if kind == "memory":
        return kind
    if kind == "sqlite":
        return f"sqlite:{folder / name}"
    return new_place() if kind == "redis" else new_place(BUNDLED)


def open_store(place: str, wall: Callable[[], float] | None = None) -> SqliteStore | RedisStore:
    if place.startswith("sqlite:"):
        return a_store(Path(place.removeprefix("sqlite:")), wall)
    return RedisStore(parse_address(place), OPERATIONS, TERMS, wall or Wall())


def a_store(path: Path, wall: Callable[[], float] | None = None) -> SqliteStore:
    return SqliteStore(path, OPERATIONS, TERMS, wall or Wall())


def result(work: Coroutine[object, object, T]) -> T:
    """What a call gives. A local store never waits, so it needs no loop."""
    try:
        work.send(None)
    except StopIteration as done:
        answer: T = done.value
        return answer
    raise AssertionError("it waits")


def create(
    store: Store, token: str = "key", url: str | None = None, price: float = 5, **changes: Any
) -> bool:
    """Create a task as an endpoint does: the id that is asked for, or none if the credits do not suffice."""
    task = a_task(account=token, **changes)
    is_created = False

    def step(account: Account, is_taken: IsTaken) -> Change:
        nonlocal is_created
        is_created = account.granted - account.used >= price and not is_taken(task.id)
        if not is_created:
            return NO_CHANGE
        charge(account, task, price)
        return Change(task, None if url is None else delivery_of(task, url))

    result(store.change(token, step))
    return is_created


def delivery_of(task: Task, url: str) -> Delivery:
    delivery = first_delivery(task, parse_url(url))
    assert delivery is not None
    return delivery
