"""The description of a client, from a TOML file or options."""

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
    """The conditions by which a success or a failure is recognised. All conditions that are set must hold."""

    status: tuple[int, ...] = ()  # the accepted exit statuses
    output: str = ""  # a regular expression that must match a part of the output
    # Whether there must be a file at the path `{output}`. None if this does not matter.
    file: bool | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.output)
        except re.error as error:
            raise ValueError(f"output: {error}") from error

    def matches(self, status: int, lines: str, *, saved: bool) -> bool:
        """Whether the end of a run meets all conditions."""
        by_status = not self.status or status in self.status
        by_output = not self.output or re.search(self.output, lines, re.MULTILINE) is not None
        return by_status and by_output and (self.file is None or self.file == saved)


class Receiver(Struct, frozen=True, forbid_unknown_fields=True):
    """The addresses of a client's callback receiver.

    In both fields, `{port}` is replaced with the number of a free port.
    """

    listen: str = "127.0.0.1:{port}"  # where the client listens
    url: str = "http://127.0.0.1:{port}/callback"  # where the mock sends callbacks


class Description(Struct, frozen=True, forbid_unknown_fields=True):
    """The description of a client.

    `command` and the values of `environment` may contain placeholders, such as `{prompt}`. The client also gets the
    value of each placeholder in an environment variable. For example, EVOLINK_PROMPT has the value of `{prompt}`. The
    variable with the API key is EVOLINK_API_KEY.
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
        """Return how the client ended. `saved` means that there is a result file."""
        if self.failure != ExitMatcher() and self.failure.matches(status, lines, saved=saved):
            return "failure"
        return "success" if self.success.matches(status, lines, saved=saved) else "failure"


def read(path: Path) -> Description:
    """Read the description of a client from a TOML file.

    Raises ValueError if the file is unreadable or invalid. The message has the path of the file.
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
