"""`evolink-mock store`: inspect a store, check it, export it, or import into it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evolink_mock.domain.accounts import AccountTerms
from evolink_mock.domain.clock import wall_time
from evolink_mock.service.state import open_file
from evolink_mock.stores.export import Header, export, read_accounts, read_header
from evolink_mock.stores.records import OperationIndex
from evolink_mock.stores.sqlite import inspection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec import Spec

    from evolink_mock.stores.sqlite.store import SqliteStore

ACTIONS = ("info", "check", "export", "import")
DAMAGED = 1  # exit status of `check`


def run(action: str, store: str, file: Path | None, spec: Spec) -> int:
    """Carry out one of `ACTIONS` on a store. Returns the exit status.

    Raises `StoreError` or ValueError.
    """
    try:
        return _run(action, store, file, OperationIndex(spec))
    except OSError as error:
        raise ValueError(f"{file or 'the standard streams'}: {error.strerror}") from error


def _run(action: str, store: str, file: Path | None, operations: OperationIndex) -> int:
    with _opened(Path(store.partition(":")[2]), operations, create=action == "import") as opened:
        if action == "info":
            for name, value in inspection.summary(opened.connection, wall_time()).items():
                click.echo(f"{name:<12} {value}")
        elif action == "check":
            problems = inspection.problems(opened.connection, operations)
            click.echo("\n".join(problems) or "no problem found")
            return DAMAGED if problems else 0
        elif action == "export":
            asyncio.run(_export(opened, operations, file))
        else:
            click.echo(f"{asyncio.run(_import(opened, operations, file))} accounts imported")
    return 0


@contextmanager
def _opened(path: Path, operations: OperationIndex, *, create: bool) -> Iterator[SqliteStore]:
    if not create and not path.exists():
        raise ValueError(f"--store: there is no file {path}")
    store = open_file(path, operations, AccountTerms(0, 0))
    try:
        yield store
    finally:
        store.close()


async def _export(store: SqliteStore, operations: OperationIndex, file: Path | None) -> None:
    header = Header(store.server_now(), store.fact("seed"), store.fact("clock"))
    target = nullcontext(sys.stdout.buffer) if file is None else file.open("wb")
    with target as stream:
        async for line in export(store, operations, header):
            stream.write(line)


async def _import(store: SqliteStore, operations: OperationIndex, file: Path | None) -> int:
    """Import the accounts in a file, replacing accounts with the same tokens. Returns their number.

    A new store also gets the seed and the clock of the exported store.
    """
    source = nullcontext(sys.stdin.buffer) if file is None else file.open("rb")
    with source as stream:
        lines = iter(stream)
        header = read_header(lines)
        for name, value in (("seed", header.seed), ("clock", header.clock)):
            if value is not None:
                store.fact(name, value)
        count = 0
        for state in read_accounts(lines, operations):
            await store.restore(state)
            count += 1
    return count
