"""The description of a client from a TOML file or options: the command, and the signs of success and failure."""

from __future__ import annotations

import re
import shlex
from math import inf
from typing import TYPE_CHECKING

from evolink_spec.options.suggestions import nearest
from evolink_spec.options.toml import read_toml
from msgspec import Struct

from evolink_check.toml_tables import convert

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_check.client.harness.outcome import End

PROMPT = "The person starts dancing"
IMAGE = "https://example.com/image.jpg"
PLACEHOLDERS = ("prompt", "image_url", "output", "callback_url", "callback_listen", "key", "base_url")


class ExitMatcher(Struct, frozen=True, forbid_unknown_fields=True):
    """The conditions by which a success or a failure is recognised. All conditions that are set must hold.

    `status` lists the accepted exit statuses. `output` is a regular expression that must match a part of the output.
    `file` is true if the client must have saved a file at the path `{output}`, false if it must not have saved one, and
    None if that does not matter.
    """

    status: tuple[int, ...] = ()
    output: str = ""
    file: bool | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.output)
        except re.error as error:
            raise ValueError(f"output: {error}") from error

    def matches(self, status: int, lines: str, *, saved: bool) -> bool:
        """Whether the exit status, the output and the presence of the result file meet all conditions."""
        by_status = not self.status or status in self.status
        by_output = not self.output or re.search(self.output, lines, re.MULTILINE) is not None
        return by_status and by_output and (self.file is None or self.file == saved)


class Receiver(Struct, frozen=True, forbid_unknown_fields=True):
    """The address on which a client listens for callbacks, and the URL to which the mock sends them.

    In the address and the URL, `{port}` is replaced with the number of a free port.
    """

    listen: str = "127.0.0.1:{port}"
    url: str = "http://127.0.0.1:{port}/callback"


class Description(Struct, frozen=True, forbid_unknown_fields=True):
    """The description of a client.

    `command` and the values of `environment` may contain the placeholders `{prompt}`, `{image_url}`, `{output}`,
    `{callback_url}`, `{callback_listen}`, `{key}` and `{base_url}`. The client also gets these values in environment
    variables, such as EVOLINK_PROMPT, and the API key in EVOLINK_API_KEY.
    """

    command: tuple[str, ...] = ()
    success: ExitMatcher = ExitMatcher(status=(0,))  # a run that does not match has failed
    failure: ExitMatcher = ExitMatcher()  # a run that matches has failed, even if it also matches `success`
    deadline: float | None = None  # how many seconds the client waits for a task; None if unknown
    skip: tuple[str, ...] = ()  # the scenarios that do not apply to the client
    warn: tuple[str, ...] = ()  # the clauses whose violations are only warnings
    prompt: str = PROMPT
    image_url: str = IMAGE
    callback: Receiver | None = None
    environment: dict[str, str] = {}  # additional environment variables
    cwd: str = ""  # if empty, each run gets a new working directory, unless the command works only in the current one

    def __post_init__(self) -> None:
        if self.deadline is not None and not 0 < self.deadline < inf:
            raise ValueError(f"deadline: invalid number of seconds: {self.deadline:g}")

    @property
    def misspelt(self) -> tuple[str, ...]:
        """One note for each word in braces that is probably a misspelt placeholder."""
        names = [name for word in self.command for name in re.findall(r"\{(\w+)\}", word)]
        return tuple(
            f"{{{name}}} is passed on unchanged; did you mean {{{match}}}?"
            for name in dict.fromkeys(names)
            if name not in PLACEHOLDERS and (match := nearest(name, PLACEHOLDERS))
        )

    @property
    def is_called_back(self) -> bool:
        """Whether the client accepts a callback URL."""
        return self.callback is not None or any("{callback_url}" in word for word in self.command)

    def end(self, status: int, lines: str, *, saved: bool) -> End:
        """Return how the client ended, according to its exit status, its output and the presence of a result file."""
        if self.failure != ExitMatcher() and self.failure.matches(status, lines, saved=saved):
            return "failure"
        return "success" if self.success.matches(status, lines, saved=saved) else "failure"


def read(path: Path) -> Description:
    """Read the description of a client from a TOML file.

    Raises ValueError, with the path of the file, if the file is unreadable or invalid.
    """
    tables = read_toml(path)
    for name in ("success", "failure"):
        table = tables.get(name)
        if isinstance(table, dict) and type(table.get("status")) is int:
            tables[name] = {**table, "status": [table["status"]]}
    try:
        if isinstance(tables.get("command"), str):
            tables["command"] = shlex.split(tables["command"])
        return convert(tables, Description)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
