"""The shell completes commands and options of both programs."""

from __future__ import annotations

from typing import Any

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
    ],
)
def test_the_shell_completes(app: Any, words: list[str], beginning: str, expected: list[str]) -> None:
    completion = BashComplete(app, {}, "program", "_PROGRAM_COMPLETE")
    assert sorted(item.value for item in completion.get_completions(words, beginning)) == expected
