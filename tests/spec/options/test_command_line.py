"""Commands whose options are the fields of records."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from click.testing import CliRunner
from evolink_spec.options.command_line import Group, list_options
from evolink_spec.options.declaration import Option
from evolink_spec.options.sources import RawValue
from msgspec import Struct


class Target(Struct, frozen=True, kw_only=True):
    url: Annotated[str, Option(help="Where it is.", metavar="URL", positional=True)] = ""
    port: Annotated[int, Option(help="A port.", section="Address", short="-p", metavar="PORT")] = 80


class Effort(Struct, frozen=True, kw_only=True):
    tries: Annotated[
        tuple[int, ...], Option(help="Numbers.", section="Effort", name="--try", metavar="N")
    ] = ()
    quick: Annotated[bool, Option(help="A switch.", section="Effort")] = False


@pytest.fixture
def app() -> tuple[Group, list[Any]]:
    group = Group("tool", help="A tool.", epilog="Start with: tool go")
    called: list[Any] = []

    @group.taking(Target, Effort, beneath=lambda: [{"port": RawValue("file", 90)}])
    def go(*records: Any) -> None:
        """Go there."""
        called.extend(records)

    @group.taking(Target, without={"port"}, beneath=lambda: [{"port": RawValue("file", "no port")}])
    def stay(target: Target) -> None:
        """Stay here."""
        called.append(target)

    return group, called


def invoke(app: Group, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words, color=True)
    return done.exit_code, done.output


def test_a_command_is_called_with_its_records(app: tuple[Group, list[Any]]) -> None:
    group, called = app
    assert invoke(group, "go", "http://a", "-p", "81", "--try", "1", "--try", "2", "--quick") == (0, "")
    assert called == [Target(url="http://a", port=81), Effort(tries=(1, 2), quick=True)]


def test_beneath_the_command_line_are_other_sources(app: tuple[Group, list[Any]]) -> None:
    group, called = app
    assert invoke(group, "go") == (0, "")
    assert called == [Target(port=90), Effort()]


def test_a_field_that_a_command_goes_without_is_no_option_and_is_read_from_nowhere(
    app: tuple[Group, list[Any]],
) -> None:
    group, called = app
    assert invoke(group, "stay", "--port", "1")[0] == 2
    assert invoke(group, "stay") == (0, "")
    assert called == [Target()]


def test_ctrl_c_ends_a_command_with_130_and_without_a_traceback() -> None:
    group = Group("tool", help="A tool.", epilog="")

    def work() -> None:
        raise KeyboardInterrupt

    group.command("work")(work)
    result = CliRunner().invoke(group, ["work"])
    assert (result.exit_code, result.stderr) == (130, "\nstopped\n")


def test_a_bad_value_is_a_usage_error_that_names_the_option(app: tuple[Group, list[Any]]) -> None:
    code, output = invoke(app[0], "go", "--port", "x")
    assert (code, "Error: --port: 'x' is not a whole number" in output) == (2, True)


def test_an_option_that_there_is_not_is_refused_with_the_nearest(app: tuple[Group, list[Any]]) -> None:
    code, output = invoke(app[0], "go", "--prot", "1")
    assert (code, "--port" in output) == (2, True)


def test_help_has_a_section_for_each_group_of_options_and_colour_on_a_terminal(
    app: tuple[Group, list[Any]],
) -> None:
    code, output = invoke(app[0], "go", "--help")
    assert code == 0
    headings = [line for line in output.splitlines() if line.startswith("\x1b[1m")]
    assert headings == [f"\x1b[1m{name}\x1b[0m:" for name in ("Arguments", "Address", "Effort", "Options")]
    assert "A port.  [default: 80]" in output
    plain = CliRunner().invoke(app[0], ["go", "--help"]).output
    assert "\x1b" not in plain
    assert "  -p, --port PORT  A port.  [default: 80]" in plain.splitlines()


def test_the_options_of_all_commands_can_be_listed(app: tuple[Group, list[Any]]) -> None:
    assert list_options(app[0]) == [
        ("go", ("--port", "-p"), "PORT", "80", "A port."),
        ("go", ("--try",), "N", "", "Numbers."),
        ("go", ("--quick",), "", "", "A switch."),
    ]
