"""What is exported can be imported into any store, and a snapshot goes on from its instant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from evolink_mock.cli.app import app
from evolink_mock.service import snapshots
from evolink_mock.stores.sqlite.store import SqliteStore
from support.mocks.control_calls import do
from support.mocks.in_process import BODY, playing
from support.mocks.redis_server import SHARED_STORES, STORES
from support.mocks.stores import create, open_store, place, result

if TYPE_CHECKING:
    from pathlib import Path

    from support.mocks.in_process import Mock


@pytest.mark.parametrize("source", STORES)
@pytest.mark.parametrize("target", STORES)
def test_a_snapshot_brings_back_tasks_credits_callbacks_time_and_journal(
    source: str, target: str, tmp_path: Path
) -> None:
    with playing(store=place(source, tmp_path, "source.db"), allow_callbacks_to=("127.0.0.1",)) as mock:
        stuck = {"prefer": 'mock="stuck=pending+callback=twice"'}
        task = mock.create(callback_url="http://127.0.0.1:1/hook")
        mock.post({**BODY, "callback_url": "http://127.0.0.1:1/hook"}, headers=stuck)
        mock.post(b"{")
        mock.clock.advance(2)
        do(mock, "POST", "/accounts", {"credits": 7}, token="frozen")
        do(mock, "POST", "/clock/advance", {"seconds": 60}, token="frozen")
        before = everything(mock)
        seen = mock.query(task)
        lines = mock.run(mock.client.post("/__mock__/snapshot")).content
    with playing(store=place(target, tmp_path, "target.db"), allow_callbacks_to=("127.0.0.1",)) as mock:
        mock.clock.advance(1000)  # the other server is at another time
        mock.run(snapshots.load(mock.service, lines.splitlines()))
        assert mock.query(task) == seen
        assert everything(mock) == before
        mock.clock.advance(3)
        assert mock.query(task)["status"] == "completed"


def everything(mock: Mock) -> list[object]:
    paths = ("/account", "/tasks", "/callbacks", "/clock", "/violations")
    return [do(mock, "GET", path, token=token) for token in ("key", "frozen") for path in paths]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "line 1"),
        ([b"{}"], "line 1: this is not an export"),
        ([b'{"kind":"store","now":1,"version":99}'], "line 1: the format has version 99"),
        ([b'{"kind":"store","now":1}', b'{"kind":"task"}'], "line 2: an account must come before"),
        ([b'{"kind":"store","now":1}', b'{"kind":"account"}'], "line 2: .*token"),
    ],
)
def test_a_snapshot_that_cannot_be_read_is_refused_by_its_line(lines: list[bytes], reason: str) -> None:
    with playing() as mock, pytest.raises(ValueError, match=reason):
        mock.run(snapshots.load(mock.service, lines))


@pytest.mark.parametrize("kind", SHARED_STORES)
def test_the_command_shows_checks_and_moves_a_store(kind: str, tmp_path: Path) -> None:
    source, target, lines = (
        place(kind, tmp_path, "source.db"),
        place(kind, tmp_path, "target.db"),
        str(tmp_path / "lines.jsonl"),
    )
    store = open_store(source)
    create(store, url="https://hooks.example/a")
    store.close()

    def run(action: str, store: str, *more: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["store", action, "--store", store, *more])
        return done.exit_code, done.output

    assert run("export", source, "--file", lines) == (0, "")
    assert run("import", target, "--file", lines) == (0, "1 accounts imported\n")
    assert re.findall(r"(?:accounts|tasks|callbacks) +\d", run("info", target)[1]) == [
        "accounts     1",
        "tasks        1",
        "callbacks    1",
    ]
    assert run("check", target) == (0, "no problem found\n")
    moved = open_store(target)
    assert result(moved.account("key")).used == 5
    if isinstance(moved, SqliteStore):
        with moved.connection.transaction() as database:
            database.execute("DELETE FROM tasks")
    else:
        moved.connection.call("DEL", moved.connection.key("tasks"))
    moved.close()
    code, output = run("check", target)
    assert (code, "has no task" in output) == (1, True)


def test_the_command_creates_no_file_to_look_at(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["store", "info", "--store", f"sqlite:{tmp_path / 'mock.db'}"])
    assert done.exit_code == 2
    assert "there is no file" in done.output
    assert list(tmp_path.iterdir()) == []
