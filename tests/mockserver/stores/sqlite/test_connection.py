"""A file that another process uses at the moment is waited for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from evolink_mock.stores.sqlite import connection
from evolink_mock.stores.sqlite.connection import Connection

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_opening_waits_while_another_process_has_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "db"
    Connection(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        for statement in ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN IMMEDIATE", "COMMIT"):
            other.execute(statement)
        monkeypatch.setattr(connection, "pause", lambda _: other.close())
        with closing(Connection(path)) as opened:
            assert opened.fetch("SELECT id FROM accounts") == [(0,)]
