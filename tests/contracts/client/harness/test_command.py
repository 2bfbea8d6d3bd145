"""The words of a command, and the folder that it needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from evolink_check.client.harness.command import (
    needs_current_folder,
    with_absolute_paths,
    with_absolute_search_paths,
)
from evolink_check.client.harness.config import Description
from evolink_check.client.harness.process import make_workspace, working_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_relative_paths_of_files_become_absolute_and_other_words_stay(tmp_path: Path) -> None:
    (tmp_path / "client.py").touch()
    (tmp_path / "run").mkdir()
    words = ("python", "client.py", "--file=client.py", "run", "none.py", "{output}", "a dance", "x=1")
    assert with_absolute_paths(words, tmp_path) == (
        *("python", f"{tmp_path}/client.py", f"--file={tmp_path}/client.py"),
        *("run", "none.py", "{output}", "a dance", "x=1"),
    )


@pytest.mark.parametrize(
    ("command", "needs"),
    [
        (("python", "client.py"), False),
        (("python", "-m", "client"), True),
        (("npm", "start"), True),
        (("/usr/bin/cargo", "run"), True),
        (("./client",), False),
    ],
)
def test_commands_of_projects_run_in_the_current_folder(
    command: tuple[str, ...], tmp_path: Path, *, needs: bool
) -> None:
    assert needs_current_folder(command) is needs
    description = Description(command)
    place = make_workspace(description, tmp_path)
    assert working_folder(description, place) == (None if needs else place.work)
    chosen = Description(command, cwd=str(tmp_path))
    assert working_folder(chosen, place) == tmp_path


def test_a_run_begins_with_an_empty_folder(tmp_path: Path) -> None:
    description = Description(("x",))
    place = make_workspace(description, tmp_path)
    (place.work / "old").touch()
    place.output.touch()
    assert place.wrote_files()
    again = make_workspace(description, tmp_path)
    assert not again.output.exists()
    assert not again.wrote_files()


def test_relative_search_paths_become_absolute(tmp_path: Path) -> None:
    variables = {"PYTHONPATH": os.pathsep.join(("src", "/lib")), "HOME": "src", "PATH": ""}
    found = with_absolute_search_paths(variables, tmp_path)
    assert found == {"PYTHONPATH": os.pathsep.join((f"{tmp_path}/src", "/lib")), "HOME": "src", "PATH": ""}
