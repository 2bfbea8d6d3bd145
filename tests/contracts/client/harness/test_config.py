"""A client is described in TOML, and what is wrong with that is told by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evolink_check.client.harness.config import Description, ExitMatcher, Receiver, read

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
command = ["node", "client.mjs", "--callback-url", "{callback_url}"]
deadline = 8
skip = ["link-"]
prompt = "A calm dance"
environment = { LANG = "C" }
[success]
status = [0, 4]
output = "^saved"
file = true
[failure]
status = 1
[callback]
listen = "0.0.0.0:{port}"
url = "https://hooks.example.com:{port}/x"
"""


def described(tmp_path: Path, text: str) -> Description:
    file = tmp_path / "client.toml"
    file.write_text(text, encoding="utf-8")
    return read(file)


def test_a_description_is_read(tmp_path: Path) -> None:
    found = described(tmp_path, WHOLE)
    assert found == Description(
        command=("node", "client.mjs", "--callback-url", "{callback_url}"),
        success=ExitMatcher((0, 4), "^saved", file=True),
        failure=ExitMatcher((1,)),
        deadline=8,
        skip=("link-",),
        prompt="A calm dance",
        callback=Receiver("0.0.0.0:{port}", "https://hooks.example.com:{port}/x"),
        environment={"LANG": "C"},
    )
    assert found.is_called_back


def test_a_command_may_be_a_line_of_a_shell(tmp_path: Path) -> None:
    found = described(tmp_path, "command = \"python 'my client.py' --out {output}\"")
    assert found.command == ("python", "my client.py", "--out", "{output}")
    assert not found.is_called_back


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("command = 1", "command: Expected `array`, got `int`"),
        ("comand = 'x'", "there is no key 'comand' (did you mean command?)"),
        ("[success]\nexit = 0", "success: there is no key 'exit'"),
        ("[failure]\noutput = '('", "failure: output: missing ), unterminated subpattern"),
        ("success = 0", "success: Expected `object`, got `int`"),
        ("deadline = 'long'", "deadline: Expected `float | null`, got `str`"),
        ("deadline = 0", "deadline: invalid number of seconds: 0"),
        ("deadline = true", "deadline: Expected `float | null`, got `bool`"),
        ("deadline = nan", "deadline: invalid number of seconds: nan"),
        ("prompt = 5", "prompt: Expected `str`, got `int`"),
        ("image_url = ['x']", "image_url: Expected `str`, got `array`"),
        ("environment = 'x'", "environment: Expected `object`, got `str`"),
        ("environment = {A = 1}", "environment[...]: Expected `str`, got `int`"),
        ("callback = {listen = 5}", "callback.listen: Expected `str`, got `int`"),
        ("success = {status = '0'}", "success.status: Expected `array`, got `str`"),
        ("success = {status = ['0']}", "success.status[0]: Expected `int`, got `str`"),
        ("success = {status = true}", "success.status: Expected `array`, got `bool`"),
        ("success = {status = 1.5}", "success.status: Expected `array`, got `float`"),
        ("failure = {file = 'no'}", "failure.file: Expected `bool | null`, got `str`"),
        ("skip = 'link-'", "skip: Expected `array`, got `str`"),
        ("command = [", "client.toml: invalid TOML"),
    ],
)
def test_what_is_wrong_is_told_with_the_file(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"client\.toml: ") as caught:
        described(tmp_path, text)
    assert problem in str(caught.value)


def test_what_is_nearly_a_placeholder_is_told() -> None:
    found = Description(("x", "--prompt={promt}", "{output}", '{"a": {}}', "{q}"))
    assert found.misspelt == ("{promt} is passed on unchanged; did you mean {prompt}?",)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(match="cannot be read"):
        read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("description", "status", "lines", "saved", "end"),
    [
        (Description(()), 0, "", False, "success"),
        (Description(()), 3, "", True, "failure"),
        (Description((), ExitMatcher(status=(0,), file=True)), 0, "", False, "failure"),
        (Description((), ExitMatcher(output="^saved .*mp4$")), 7, "x\nsaved a.mp4\ny", False, "success"),
        (Description((), ExitMatcher(output="^saved .*mp4$")), 0, "not saved a.mp4", False, "failure"),
        (Description((), failure=ExitMatcher(output="error")), 0, "an error", True, "failure"),
        (Description((), failure=ExitMatcher(output="error")), 0, "fine", True, "success"),
    ],
)
def test_an_end_is_read_as_it_is_described(
    description: Description, status: int, lines: str, end: str, *, saved: bool
) -> None:
    assert description.end(status, lines, saved=saved) == end
