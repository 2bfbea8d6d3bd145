"""Reports are written whole, and to whatever stands at their place."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from evolink_check.cli.output import check_files, write


def test_a_file_is_replaced_by_a_whole_one(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("before", encoding="utf-8")
    write(file, "after")
    assert file.read_text(encoding="utf-8") == "after"
    assert list(tmp_path.iterdir()) == [file]


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write(pipe, "all of it")
    reader.join()
    assert heard == [b"all of it"]
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("paths", "problem"),
    [(["no/x"], "there is no folder no"), (["/"], "is a folder"), (["-", "-"], "only one")],
)
def test_where_nothing_can_be_written_is_told_before(paths: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_files([Path(path) for path in paths])
