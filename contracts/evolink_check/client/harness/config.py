"""A client as its user describes it, in TOML or by options: what to run, and how its end is to be read."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_check.client.harness.outcome import End

PROMPT = "The person starts dancing"
IMAGE = "https://example.com/image.jpg"
PLACEHOLDERS = ("prompt", "image_url", "output", "callback_url", "callback_listen")


class DescriptionError(ValueError):
    """A description cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class ExitMatcher:
    """What an end looks like. Everything that is said has to be so; an empty sign is not looked for.

    `status`: one of these exit statuses. `output`: a regular expression that a line of the output has to match.
    `file`: the file at `{output}` is there, or is not.
    """

    status: tuple[int, ...] = ()
    output: str = ""
    file: bool | None = None

    def fits(self, status: int, lines: str, *, saved: bool) -> bool:
        """Whether an end looks like this."""
        by_status = not self.status or status in self.status
        by_output = not self.output or re.search(self.output, lines, re.MULTILINE) is not None
        return by_status and by_output and (self.file is None or self.file == saved)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where a client listens for callbacks, and where it is called; `{port}` is a free one."""

    listen: str = "127.0.0.1:{port}"
    url: str = "http://127.0.0.1:{port}/callback"


@dataclass(frozen=True, slots=True)
class Description:
    """One client.

    `command` may name `{prompt}`, `{image_url}`, `{output}`, `{callback_url}` and `{callback_listen}`, which stand in
    the environment too (EVOLINK_PROMPT and so on). `deadline` is how many seconds the client waits for a task, when
    it is known. `skip` are scenarios that do not apply to it.
    """

    command: tuple[str, ...]
    success: ExitMatcher = ExitMatcher(status=(0,))
    failure: ExitMatcher = ExitMatcher()
    deadline: float | None = None
    skip: tuple[str, ...] = ()
    prompt: str = PROMPT
    image_url: str = IMAGE
    callback: Receiver | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def misspelt(self) -> tuple[str, ...]:
        """What stands in the command like a placeholder and is none, each with the one that it is near to."""
        words = [name for word in self.command for name in re.findall(r"\{(\w+)\}", word)]
        near = {
            name: get_close_matches(name, PLACEHOLDERS, n=1) for name in words if name not in PLACEHOLDERS
        }
        return tuple(
            f"{{{name}}} is passed on as it is; did you mean {{{found[0]}}}?"
            for name, found in near.items()
            if found
        )

    @property
    def is_called_back(self) -> bool:
        """Whether it takes a callback URL."""
        return self.callback is not None or any("{callback_url}" in word for word in self.command)

    def end(self, status: int, lines: str, *, saved: bool) -> End:
        """What an exit status, the output and the file say."""
        if self.failure != ExitMatcher() and self.failure.fits(status, lines, saved=saved):
            return "failure"
        return "success" if self.success.fits(status, lines, saved=saved) else "failure"


def read(path: Path) -> Description:
    """The description in a TOML file. Raises `DescriptionError`, which names the file."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return described(found)
    except OSError as error:
        raise DescriptionError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DescriptionError(f"{path}: {error}") from error


def described(found: dict[str, Any]) -> Description:
    """The description in a decoded TOML document. ValueError for what cannot be one."""
    _known(found, Description, "")
    command = found.get("command", ())
    words = shlex.split(command) if isinstance(command, str) else command
    given: dict[str, Any] = {**found, "command": _texts(words, "command")}
    for name in ("success", "failure"):
        if name in found:
            given[name] = _sign(found[name], name)
    if "callback" in found:
        _known(found["callback"], Receiver, "callback.")
        given["callback"] = Receiver(**_all_texts(found["callback"], "callback."))
    if "skip" in found:
        given["skip"] = _texts(found["skip"], "skip")
    _all_texts({name: found[name] for name in ("prompt", "image_url") if name in found}, "")
    _all_texts(found.get("environment", {}), "environment.")
    if "deadline" in found and not _is_time(found["deadline"]):
        raise ValueError(f"deadline: {found['deadline']!r} is no number of seconds")
    return Description(**given)


def _is_time(found: Any) -> bool:
    return type(found) in {int, float} and 0 < found < inf


def _sign(found: Any, name: str) -> ExitMatcher:
    _known(found, ExitMatcher, f"{name}.")
    status = found.get("status", [])
    statuses = [status] if type(status) is int else status
    if not isinstance(statuses, list) or any(type(one) is not int for one in statuses):
        raise ValueError(f"{name}.status: has to be a number, or a list of them")
    if not isinstance(found.get("file", False), bool):
        raise ValueError(f"{name}.file: has to be true or false")  # noqa: TRY004  (what the user is told)
    sign = ExitMatcher(**{**found, "status": tuple(statuses)})
    try:
        re.compile(sign.output)
    except (re.error, TypeError) as error:
        raise ValueError(f"{name}.output: {error}") from error
    return sign


def _known(found: Any, record: type, where: str) -> None:
    if not isinstance(found, dict):
        raise ValueError(f"{where.rstrip('.')}: has to be a table")  # noqa: TRY004  (what the user is told)
    names = [one.name for one in fields(record)]
    for name in found:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            raise ValueError(f"there is no {where}{name}{f'; did you mean {near[0]}?' if near else ''}")


def _texts(found: Any, name: str) -> tuple[str, ...]:
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"{name}: has to be a list of texts")
    return tuple(found)


def _all_texts(found: Any, where: str) -> dict[str, str]:
    if not isinstance(found, dict):
        raise ValueError(f"{where.rstrip('.')}: has to be a table")  # noqa: TRY004  (as above)
    for name, value in found.items():
        if not isinstance(value, str):
            raise ValueError(f"{where}{name}: has to be a text")  # noqa: TRY004
    return found
