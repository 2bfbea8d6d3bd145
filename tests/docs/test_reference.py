"""The reference in docs/ is complete: every option, recipe, route, clause, setting and public name is in it."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING, Any, get_args

import evolink_check.pytest_plugin as check_plugin
import evolink_mock.testing.pytest_plugin as mock_plugin
import pytest
from click.testing import CliRunner
from evolink_check import PROFILES
from evolink_check.analysis.verdicts import Status
from evolink_check.cli.app import app as check_app
from evolink_check.client import check
from evolink_check.client.harness import config
from evolink_check.receiver import check as check_receiver
from evolink_check.receiver.program import PLACEHOLDERS
from evolink_mock import MockAccount, MockCallbacks, MockClock, Receiver
from evolink_mock.cli.app import SERVE_OPTIONS
from evolink_mock.cli.app import app as mock_app
from evolink_mock.console.routes import EVENTS, RESEND
from evolink_mock.console.routes import PAGES as CONSOLE_PAGES
from evolink_mock.control.routes import ROWS
from evolink_mock.recipes.effects import EFFECTS
from evolink_mock.testing.mock_server import MockServerSettings
from evolink_spec import load
from evolink_spec.clauses import load_clauses
from support.doc_pages import DOCS, PAGES, text_of
from support.doc_tables import commands, options, regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WITH_OPTIONS = {
    "serve": "configuration.md",
    "run": "hard-coded-hosts.md",
    "demo": "configuration.md",
    "wait": "console.md",
    "tail": "console.md",
    "mcp": "coding-agents.md",
    "store": "deployment.md",
    "api": "checking-servers.md",
    "recording": "checking-recordings.md",
    "proxy": "checking-live-traffic.md",
    "drift": "drift.md",
    "documents": "drift.md",
    "client": "checking-clients.md",
    "receiver": "checking-receivers.md",
}


def _page(name: str) -> str:
    return text_of(DOCS / name)


def _row(table: str, start: str) -> str | None:
    """The first row of a table that begins so."""
    return next((line for line in table.splitlines() if re.match(rf"\| `{start}[ `]", line)), None)


@pytest.mark.parametrize(("name", "page"), WITH_OPTIONS.items())
def test_every_option_stands_in_a_table_with_its_default_and_help(name: str, page: str) -> None:
    table = regions(_page(page))[f"options {name}"]
    for option in options(name):
        long, *others = option.names
        row = _row(table, long)
        assert row is not None, long
        assert option.help in row
        assert all(f"`{short}`" in row for short in others)
        assert not option.default or f"`{option.default}`" in row


@pytest.mark.parametrize("program", ["evolink-mock", "evolink-check"])
def test_a_command_that_has_options_has_a_table_of_them(program: str) -> None:
    own = {name for name in commands(program) if options(name)}
    # What `hosts` and `documents` have, `serve` has too; the only one of `clauses` is about its output.
    assert own - {"hosts", "documents", "clauses"} <= set(WITH_OPTIONS)


def test_the_page_on_run_names_the_options_of_serve_that_run_lacks() -> None:
    lacking = {option.names[0] for option in options("serve")} - {
        opt for option in commands("evolink-mock")["run"].params for opt in option.opts
    }
    text = _page("hard-coded-hosts.md")
    sentence = text[text.index("`run` has the options of") : text.index("<!-- begin generated: options run")]
    assert set(re.findall(r"`(--[a-z-]+)`", sentence)) == lacking


def test_every_option_of_serve_is_a_setting_of_pyproject() -> None:
    assert {option.names[0].removeprefix("--") for option in options("serve")} == set(SERVE_OPTIONS)


@pytest.mark.parametrize("program", ["evolink-mock", "evolink-check"])
def test_every_command_is_listed(program: str) -> None:
    listed = re.findall(rf"^\| `{program} ([a-z]+)`", _page("configuration.md"), re.MULTILINE)
    assert sorted(listed) == sorted(commands(program))


@pytest.mark.parametrize(("program", "app"), [("evolink-mock", mock_app), ("evolink-check", check_app)])
def test_every_command_has_a_help(program: str, app: Any) -> None:
    for name, command in commands(program).items():
        shown = CliRunner().invoke(app, [name, "--help"]).output
        assert command.help, name
        assert "Usage" in shown


def test_every_recipe_stands_in_the_table() -> None:
    text = _page("recipes.md")
    assert [effect.form for effect in EFFECTS if f"| `{effect.form}` |" not in text] == []


def test_every_verdict_is_explained_and_no_other() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| ", _section("checking-servers.md", "Verdicts"), re.MULTILINE)
    assert tuple(rows) == get_args(Status)


def test_the_profiles_are_those_of_the_table() -> None:
    text = _page("checking-servers.md")
    rows = re.findall(
        r"^\| `(\w+)`.* \| (\d+) \| (\d+) minutes? \| (\d+) minutes? \| (\d+) \|", text, re.MULTILINE
    )
    assert [(name, *map(int, numbers)) for name, *numbers in rows] == [
        (name, effort.examples, effort.seconds // 60, effort.task_seconds // 60, effort.jobs)
        for name, effort in PROFILES.items()
    ]
    assert {effort.tasks for effort in PROFILES.values()} == {30}
    assert "at most 30 tasks" in text


def test_every_task_failure_and_each_of_its_kinds_is_listed() -> None:
    text = _page("recipes.md")
    named = [name for failure in load().failures for name in (failure.code, *dict(failure.kinds))]
    assert [name for name in named if f"`{name}`" not in text] == []


def test_every_route_of_the_control_api_is_listed_and_no_other() -> None:
    listed = re.findall(r"^\| `([A-Z]+ /\S*)` \|", _page("control-api.md"), re.MULTILINE)
    routes = [*((row.method, row.path) for row in ROWS), EVENTS, RESEND]
    assert sorted(listed) == sorted(f"{method} {path}" for method, path in routes)


def test_every_clause_is_listed_and_no_other() -> None:
    listed = re.findall(r"^\| `([a-z0-9.-]+)` \| (failure|warning) \|", _page("clauses.md"), re.MULTILINE)
    assert sorted(listed) == sorted((clause.id, clause.severity) for clause in load_clauses())


def test_every_path_of_the_control_api_that_a_page_names_exists() -> None:
    known = {row.path for row in ROWS} | {row.path for row in CONSOLE_PAGES} | {EVENTS[1]}
    named = {
        path.rstrip(".") or "/"
        for page in PAGES
        for path in re.findall(r"/__mock__(/[a-z_/.{}$A-Z]+)", text_of(page))
    }
    assert named
    assert {path.replace("$TASK", "{task_id}") for path in named} <= known


def _public(owner: type) -> Iterable[str]:
    return (name for name in vars(owner) if not name.startswith("_"))


def _section(page: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    return _page(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("owner", "heading"),
    [
        (MockAccount, "Account"),
        (MockCallbacks, "Account"),
        (MockClock, "Account"),
        (Receiver, "Callback receiver"),
    ],
)
def test_every_public_name_of_the_python_client_is_documented(owner: type, heading: str) -> None:
    text = _section("pytest.md", heading)
    assert [name for name in _public(owner) if not re.search(rf"`(\w+\.)?{name}[`(]", text)] == []


def test_every_argument_of_the_mock_server_is_listed() -> None:
    text = _page("pytest.md")
    assert [
        name
        for name in MockServerSettings.__annotations__
        if not re.search(rf"^\| .*`{name}`", text, re.MULTILINE)
    ] == []


def test_every_fixture_is_listed() -> None:
    fixtures = {
        name
        for plugin in (mock_plugin, check_plugin)
        for name in vars(plugin)
        if name.startswith("evolink_") and not inspect.ismodule(vars(plugin)[name])
    }
    listed = set(re.findall(r"^\| `(evolink_\w+)` \|", _page("pytest.md"), re.MULTILINE))
    assert fixtures == listed


def test_every_option_of_pytest_is_named() -> None:
    class Parser:
        def __init__(self) -> None:
            self.names: list[str] = []

        def getgroup(self, _: str) -> Parser:
            return self

        def addoption(self, name: str, **_: object) -> None:
            self.names.append(name)

        def addini(self, *_: object, **__: object) -> None:
            """The same names, less their dashes."""

    parser = Parser()
    for plugin in (mock_plugin, check_plugin):
        plugin.pytest_addoption(parser)
    text = _page("pytest.md") + _page("checking-servers.md")
    assert parser.names
    assert [name for name in parser.names if f"`{name}" not in text] == []


def _fields(record: Any) -> list[str]:
    return list(getattr(record, "__struct_fields__", ())) or [
        field.name for field in dataclasses.fields(record)
    ]


@pytest.mark.parametrize("record", [config.Description, config.ExitMatcher, config.Receiver])
def test_every_key_of_the_file_that_describes_a_client_is_listed(record: Any) -> None:
    text = _page("checking-clients.md")
    text = text[text.index("## Describing a client") :]
    assert [name for name in _fields(record) if f"| `{name}` |" not in text] == []


def test_every_placeholder_of_a_command_is_listed_with_its_variable() -> None:
    text = _page("checking-clients.md")
    for name in config.PLACEHOLDERS:
        variable = "EVOLINK_API_KEY" if name == "key" else f"EVOLINK_{name.upper()}"
        assert f"| `{{{name}}}` | `{variable}` |" in text


@pytest.mark.parametrize(
    ("function", "page", "heading"),
    [
        (check, "checking-clients.md", "## A Python callable"),
        (check_receiver, "checking-receivers.md", "## In a Python test"),
    ],
)
def test_every_argument_of_a_check_in_python_is_listed_with_its_default(
    function: Callable[..., Any], page: str, heading: str
) -> None:
    text = _page(page)
    text = text[text.index(heading) :]
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S*) +\|", text, re.MULTILINE))
    known = inspect.signature(function).parameters
    assert list(rows) == list(known)
    for name, parameter in known.items():
        default = parameter.default
        is_shown = default is not parameter.empty and default not in (None, "", ())
        is_number = is_shown and not isinstance(default, str | bool)
        assert rows[name] == (f"`{default:g}`" if is_number else f"`{default}`" if is_shown else ""), name


def test_every_placeholder_of_the_command_of_a_receiver_is_listed() -> None:
    text = _page("checking-receivers.md")
    assert [name for name in PLACEHOLDERS if f"| `{{{name}}}` | `" not in text] == []
