"""The Python of the pages runs: as a test where it is one, else as a script."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
from support.doc_pages import Block, blocks

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


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What became of each shown test, by its place, where nothing but the package is installed beside pytest."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for index, block in enumerate(TESTS):
        (folder / f"test_{index}.py").write_text(block.text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "--junit-xml=out.xml",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert (folder / "out.xml").exists(), done.stdout + done.stderr
    found: dict[str, list[str]] = {block.place: [] for block in TESTS}
    for case in ET.parse(folder / "out.xml").iter("testcase"):
        block = TESTS[int(str(case.get("classname")).removeprefix("test_"))]
        found[block.place].append(case[0].tag if len(case) else "passed")
    return found


@pytest.mark.parametrize("block", TESTS, ids=_place)
def test_a_shown_test_passes(block: Block, outcomes: dict[str, list[str]]) -> None:
    # Without an API to check, the verdicts on one are skipped.
    expected = {"skipped"} if "evolink_verdict" in block.text else {"passed"}
    assert set(outcomes[block.place]) == expected
