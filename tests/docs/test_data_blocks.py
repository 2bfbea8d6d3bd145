"""The JSON of the pages is what the mock answers, and their TOML is what the programs read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from evolink_check.cli.config_file import read
from evolink_check.client.harness import config
from evolink_spec.clauses import load_clauses
from support.doc_pages import Block, blocks
from support.mocks.mock_process import BIN, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLAUSES = {clause.id for clause in load_clauses()}
BODY = {
    "model": "grok-imagine-image-to-video-beta",
    "prompt": "The person starts dancing",
    "image_urls": ["https://example.com/image.jpg"],
}
OF_THE_MOMENT = {"created", "id"}
JSON, TOML = blocks("json"), blocks("toml")


def _place(block: Block) -> str:
    return block.place


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with served() as url:
        yield url


def _create(url: str, **changed: Any) -> Any:
    headers = {"Authorization": "Bearer any-token"}
    return httpx2.post(f"{url}/v1/videos/generations", json=BODY | changed, headers=headers).json()


@pytest.mark.parametrize("block", JSON, ids=_place)
def test_a_shown_answer_is_the_answer_of_a_create_or_its_error(mock: str, block: Block) -> None:
    shown = json.loads(block.text)
    answer = _create(mock, **({"duration": 7} if "error" in shown else {}))
    assert list(answer) == list(shown)
    assert {key: value for key, value in answer.items() if key not in OF_THE_MOMENT} == {
        key: value for key, value in shown.items() if key not in OF_THE_MOMENT
    }


def test_both_kinds_of_answers_are_shown() -> None:
    assert {"error" in json.loads(block.text) for block in JSON} == {True, False}


@pytest.mark.parametrize("block", TOML, ids=_place)
def test_a_shown_file_is_read_by_the_program_that_it_is_for(tmp_path: Path, block: Block) -> None:
    document = tomllib.loads(block.text)
    file = tmp_path / ("pyproject.toml" if "tool" in document else "file.toml")
    file.write_text(block.text, encoding="utf-8")
    if "tool" in document:
        assert _announced(tmp_path) == "3 to 20"
    elif "target" in document:
        server = read(file, CLAUSES)
        assert server.cannot == ("link.expired",)
        assert server.callbacks is not None
        assert [key.label for key in server.keys] == ["poor", "hasty"]
    else:
        client = config.read(file)
        assert client.end(0, "", saved=True) == "success"
        assert client.end(3, "", saved=False) == "failure"


def _announced(folder: Path) -> str:
    """How long a task takes, as `serve` says it in this folder when it is ready."""
    command = [str(BIN / "evolink-mock"), "serve", "--port", "0"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("EVOLINK_")}
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        process.communicate()
    found = re.search(r"tasks take (.+) s\)", line)
    assert found, line
    return found[1]
