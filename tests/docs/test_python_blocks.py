"""The Python of the pages runs: as a test where it is one, else as a script."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.doc_pages import Block, blocks

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = blocks("python")
TESTS = [block for block in PYTHON if "\ndef test_" in f"\n{block.text}"]
SCRIPTS = [block for block in PYTHON if block not in TESTS]
TIMEOUT = 60


def _place(block: Block) -> str:
    return block.place


def test_both_kinds_of_blocks_are_there() -> None:
    assert TESTS
    assert SCRIPTS


@pytest.mark.parametrize("block", SCRIPTS, ids=_place)
def test_a_script_runs(block: Block) -> None:
    exec(compile(block.text, block.place, "exec"), {})


@pytest.mark.parametrize("block", TESTS, ids=_place)
def test_a_test_passes_where_only_the_package_is_installed(block: Block, tmp_path: Path) -> None:
    (tmp_path / "test_shown.py").write_text(block.text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stdout
    # Without an API to check, the verdicts on one are skipped.
    assert ("skipped" if "evolink_verdict" in block.text else "1 passed") in done.stdout
