"""The shell completes commands, options and their values, of both programs."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import pytest
from click.shell_completion import BashComplete
from evolink_check.cli.app import app as check_app
from evolink_mock.cli.app import app as mock_app


@pytest.mark.parametrize(
    ("app", "words", "beginning", "expected"),
    [
        (mock_app, [], "se", ["serve"]),
        (mock_app, ["serve"], "--metr", ["--metrics"]),
        (check_app, [], "rec", ["receiver", "recording"]),
        (check_app, ["client"], "--serve", ["--serve-report"]),
        (mock_app, ["serve", "--log-format"], "", ["json", "text"]),
        (mock_app, ["serve", "--ui"], "o", ["off", "on"]),
        (mock_app, ["store"], "ex", ["export"]),
        (check_app, ["api", "--profile"], "de", ["deep"]),
        (mock_app, ["serve", "--host"], "", []),
    ],
)
def test_the_shell_completes(app: Any, words: list[str], beginning: str, expected: list[str]) -> None:
    completion = BashComplete(app, {}, "program", "_PROGRAM_COMPLETE")
    assert sorted(item.value for item in completion.get_completions(words, beginning)) == expected


@pytest.mark.parametrize(("words", "kind"), [(["serve", "--port-file"], "file"), (["demo", "-o"], "dir")])
def test_the_shell_completes_the_names_of_files_and_folders(words: list[str], kind: str) -> None:
    completion = BashComplete(mock_app, {}, "program", "_PROGRAM_COMPLETE")
    assert [(item.type, item.value) for item in completion.get_completions(words, "a")] == [(kind, "a")]


@pytest.mark.parametrize("app", [mock_app, check_app])
def test_the_metavar_of_an_option_lists_all_its_choices(app: Any) -> None:
    parameters = [parameter for command in app.commands.values() for parameter in command.params]
    fields = [parameter.field for parameter in parameters if hasattr(parameter, "field")]
    limited = [field for field in fields if get_origin(field.kind) is Literal]
    assert limited
    assert [field for field in limited if field.choices != get_args(field.kind)] == []
