"""The README: short, and enough to begin with."""

from __future__ import annotations

import re
import tomllib

from support.doc_pages import text_of
from support.paths import README, ROOT

LINES = text_of(README).splitlines()


def test_the_readme_has_at_most_200_lines() -> None:
    assert len(LINES) <= 200


def test_the_first_command_stands_in_the_first_ten_lines_and_an_answer_in_the_first_twenty_five() -> None:
    assert any("uv run evolink-mock serve" in line for line in LINES[:10])
    assert any('"id":"task-unified-' in line for line in LINES[:25])


def test_a_reader_whose_pip_refuses_to_install_finds_two_other_ways() -> None:
    text = "\n".join(LINES[:60])
    assert all(word in text for word in ("PEP 668", "pipx install uv", "python3 -m venv"))


def test_the_readme_shows_exactly_the_commands_that_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set(re.findall(r"uv run (?:--extra contracts )?(evolink-[a-z]+)", "\n".join(LINES)))
    assert named == set(project["scripts"])
