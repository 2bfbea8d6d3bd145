"""`evolink-mock store`, which inspects, checks, exports or fills a store."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evolink_mock.domain.accounts import AccountTerms
from evolink_mock.service.store_opening import FILE, open_shared, server_now
from evolink_mock.stores.export import Header, export, read_accounts, read_header
from evolink_mock.stores.records import OperationIndex
from evolink_mock.stores.sqlite import inspection as file_inspection
from evolink_mock.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec import Spec

    from evolink_mock.stores.redis.store import RedisStore

ACTIONS = ("info", "check", "export", "import")
DAMAGED = 1  # the exit status of `check` if the store is damaged


def run(action: str, store: str, file: Path | None, spec: Spec) -> int:
    """Run `action` on a store. Return the exit status.

    `action` is `info`, `check`, `export` or `import`. Raises `StoreError` if the store cannot be used. Raises
    ValueError if `file` cannot be used.
    """
    try:
        return _run(action, store, file, OperationIndex(spec))
    except OSError as error:
        raise ValueError(f"{file or 'the standard streams'}: {error.strerror}") from error


def _run(action: str, place: str, file: Path | None, operations: OperationIndex) -> int:
    with _opened(place, operations, create=action == "import") as store:
        if action == "export":
            asyncio.run(_export(store, operations, file))
        elif action == "import":
            click.echo(f"{asyncio.run(_import(store, operations, file))} accounts imported")
        elif action == "info":
            for name, value in _summary(store).items():
                click.echo(f"{name:<12} {value}")
        else:
            problems = _problems(store)
            click.echo("\n".join(problems) or "no problem found")
            return DAMAGED if problems else 0
    return 0


@contextmanager
def _opened(place: str, operations: OperationIndex, *, create: bool) -> Iterator[SqliteStore | RedisStore]:
    path = Path(place.removeprefix(FILE))
    if place.startswith(FILE) and not create and not path.exists():
        raise ValueError(f"--store: there is no file {path}")
    store = open_shared(place, operations, AccountTerms(0, 0))
    try:
        yield store
    finally:
        store.close()


def _summary(store: SqliteStore | RedisStore) -> dict[str, Any]:
    if isinstance(store, SqliteStore):
        return file_inspection.summary(store)
    from evolink_mock.stores.redis import inspection

    return inspection.summary(store)


def _problems(store: SqliteStore | RedisStore) -> list[str]:
    if isinstance(store, SqliteStore):
        return file_inspection.problems(store)
    from evolink_mock.stores.redis import inspection

    return inspection.problems(store)


async def _export(store: SqliteStore | RedisStore, operations: OperationIndex, file: Path | None) -> None:
    header = Header(server_now(store), store.fact("seed"), store.fact("clock"))
    target = nullcontext(sys.stdout.buffer) if file is None else file.open("wb")
    with target as stream:
        async for line in export(store, operations, header):
            stream.write(line)


async def _import(store: SqliteStore | RedisStore, operations: OperationIndex, file: Path | None) -> int:
    """Import the accounts in a file. Return their number."""
    source = nullcontext(sys.stdin.buffer) if file is None else file.open("rb")
    with source as stream:
        lines = iter(stream)
        header = read_header(lines)
        for name, value in (("seed", header.seed), ("clock", header.clock)):
            if value is not None:
                # A store that already has a seed and a clock keeps them.
                store.fact(name, value)
        count = 0
        for state in read_accounts(lines, operations):
            await store.restore(state)
            count += 1
    return count
