"""The command line of a client, and the folder in which the command runs."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Programs that look for a project file in the current folder, and the option that loads a module from that folder.
_OF_PROJECTS = frozenset(
    {
        *(
            "uv",
            "uvx",
            "poetry",
            "pdm",
            "hatch",
            "pipenv",
            "rye",
            "npm",
            "npx",
            "pnpm",
            "yarn",
            "bun",
            "deno",
        ),
        *(
            "make",
            "just",
            "cargo",
            "go",
            "mvn",
            "mvnw",
            "gradle",
            "gradlew",
            "dotnet",
            "bundle",
            "rake",
            "mix",
        ),
        *("composer", "sbt", "lein", "swift", "stack", "cabal", "bazel", "docker", "docker-compose"),
    }
)
_LOADS_MODULE = "-m"
_SEARCH_PATHS = frozenset({"PATH", "PYTHONPATH", "NODE_PATH"})
_PATH = re.compile(r"(?P<option>-{1,2}[\w-]+=)?(?P<path>[^=]*)")


def fill_in(word: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders, such as `{output}`, in one word of a command."""
    # In one pass, because a value may itself look like a placeholder.
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), word)


def needs_current_folder(command: Sequence[str]) -> bool:
    """Whether a command must run in the current folder.

    For example, `npm start` looks for a project file there.
    """
    return PurePath(command[0]).name in _OF_PROJECTS or _LOADS_MODULE in command


def with_absolute_paths(command: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return a command for use in another folder. Relative paths of files in `folder` become absolute."""
    return tuple(_absolute(word, folder) for word in command)


def with_absolute_search_paths(variables: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return environment variables for use in another folder.

    Variables such as PYTHONPATH get absolute paths.
    """
    return {
        name: os.pathsep.join(str(folder / entry) for entry in value.split(os.pathsep))
        if name in _SEARCH_PATHS and value
        else value
        for name, value in variables.items()
    }


def _absolute(word: str, folder: Path) -> str:
    match = _PATH.fullmatch(word)
    if match is None or not _is_path(match["path"]) or not (folder / match["path"]).exists():
        return word
    return f"{match['option'] or ''}{folder / match['path']}"


def _is_path(text: str) -> bool:
    path = PurePath(text)
    # A word without a slash and a suffix such as `.py` may be a subcommand.
    return bool(text) and not path.is_absolute() and ("/" in text or bool(path.suffix) or text == ".")
