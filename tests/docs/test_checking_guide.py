"""CHECKING.md and what the README says of evolink-check: complete, and read by the programs they speak of."""

from __future__ import annotations

import inspect
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.cli.app import app
from evolink_check.cli.config_file import read
from evolink_check.client import check
from evolink_check.client.harness import config
from evolink_spec.clauses import load_clauses
from support.paths import ROOT
from typer.main import get_command
from typer.testing import CliRunner

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = (ROOT / "CHECKING.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]  # it is a group
TOML = re.findall(r"^```toml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
SHELL = "".join(re.findall(r"^```sh\n(.*?)^```$", GUIDE + README, re.DOTALL | re.MULTILINE))
CALLS = [line.split("evolink-check", 1)[1] for line in SHELL.splitlines() if "evolink-check" in line]
CLAUSES = {clause.id for clause in load_clauses()}


@pytest.mark.parametrize("name", ["api", "client", "recording", "proxy"])
def test_every_option_stands_in_the_guide_with_its_help(name: str) -> None:
    part = GUIDE[
        GUIDE.index(
            {"api": "## A server", "client": "## A client", "recording": "## A recording"}.get(
                name, "## Live"
            )
        ) :
    ]
    for option in COMMANDS[name].params:
        if option.name == "help" or not option.opts[0].startswith("-"):
            continue
        long = next(one for one in option.opts if one.startswith("--"))
        row = next((line for line in part.splitlines() if re.match(rf"\| `{long}[ `]", line)), None)
        assert row is not None, long
        assert option.help in row


def test_every_command_stands_in_the_readme_or_in_the_guide() -> None:
    assert {name for name in COMMANDS if f"evolink-check {name}" in README + GUIDE} == set(COMMANDS)


@pytest.mark.parametrize("call", CALLS)
def test_every_call_that_is_shown_is_understood(call: str) -> None:
    name, *words = shlex.split(call, comments=True)
    context = COMMANDS[name].make_context(name, list(words), resilient_parsing=True)
    known = {one for option in COMMANDS[name].params for one in option.opts}
    mine = words[: words.index("--")] if "--" in words else words
    assert {word for word in mine if word.startswith("-")} <= known
    assert context is not None
    for place, word in enumerate(words):
        assert word != "--clause" or words[place + 1] in CLAUSES


def test_the_file_that_describes_a_server_is_read(tmp_path: Path) -> None:
    (tmp_path / "target.toml").write_text(TOML[0], encoding="utf-8")
    found = read(tmp_path / "target.toml", CLAUSES)
    assert found.cannot == ("link.expired",)
    assert found.callbacks is not None
    assert [key.label for key in found.keys] == ["poor", "hasty"]


def test_the_file_that_describes_a_client_is_read(tmp_path: Path) -> None:
    (tmp_path / "client.toml").write_text(TOML[1], encoding="utf-8")
    found = config.read(tmp_path / "client.toml")
    assert found.end(0, "", saved=True) == "success"
    assert found.end(3, "", saved=False) == "failure"


def test_every_argument_of_the_check_of_a_callable_stands_in_the_guide_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (\S*) +\|", GUIDE[GUIDE.index("### A Python callable") :], re.MULTILINE)
    )
    known = inspect.signature(check).parameters
    assert list(rows) == list(known)
    for name, one in known.items():
        said = one.default is not one.empty and one.default not in (None, "", ())
        assert rows[name] == (f"`{one.default:g}`" if said else ""), name


def test_help_teaches() -> None:
    for name, command in COMMANDS.items():
        shown = CliRunner().invoke(app, [name, "--help"]).output
        assert command.help, name
        assert "Usage" in shown
