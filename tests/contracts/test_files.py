"""Reports are written whole, to whatever stands at their place; temporary folders go."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest
from evolink_check.files import remove_temporary_folders, temporary_folder, write

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_by_a_whole_one(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("before", encoding="utf-8")
    write(file, "after")
    assert file.read_text(encoding="utf-8") == "after"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_report_written_over_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "report.json"
    file.write_text("before", encoding="utf-8")
    file.chmod(mode)
    write(file, "after")
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert file.read_text(encoding="utf-8") == "after"


def test_a_new_report_has_the_mode_that_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "report.json", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o640


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write(pipe, "all of it")
    reader.join()
    assert heard == [b"all of it"]
    assert pipe.is_fifo()


def test_a_temporary_folder_goes_with_its_block() -> None:
    with temporary_folder("evolink-test-") as folder:
        (folder / "file").touch()
    assert not folder.exists()


def test_a_temporary_folder_can_be_removed_before_its_block_is_left() -> None:
    with temporary_folder("evolink-test-") as folder:
        (folder / "file").touch()
        remove_temporary_folders()
        assert not folder.exists()


def test_without_a_temporary_folder_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.TemporaryDirectory", refused)
    with pytest.raises(ValueError, match="set TMPDIR to a writable folder"), temporary_folder("x"):
        pass
