"""The demonstration: what prevents it is said before it begins."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from click.testing import CliRunner
from evolink_mock.cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def demo(folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["demo", "--output", str(folder)])
    return done.exit_code, done.stderr


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    code, err = demo(tmp_path / "no")
    assert (code, "--output: there is no folder" in err) == (2, True)


def test_a_folder_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    code, err = demo(tmp_path)
    assert (code, "--output: cannot write in" in err) == (2, True)


def test_without_a_folder_for_temporary_files_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", refused)
    code, err = demo(tmp_path)
    assert (code, "set TMPDIR" in err) == (2, True)
