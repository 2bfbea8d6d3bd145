"""Read the settings in the environment and in pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
from evolink_spec.options.command_line import from_command_line
from evolink_spec.options.declaration import fields_of
from evolink_spec.options.sources import RawValue, from_environment, from_table, variable_of
from evolink_spec.options.suggestions import did_you_mean
from evolink_spec.options.toml import read_toml

from evolink_mock.cli.options import ServeOptions
from evolink_mock.settings import ENVIRONMENT, Settings, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORDS = (Settings, ServeOptions)  # can be set in the environment and in pyproject.toml
VARIABLES = tuple(variable_of(field, ENVIRONMENT) for record in RECORDS for field in fields_of(record))
# Not settings: Kubernetes and Docker set these for a service or container whose name begins with evolink-mock.
_SERVICE_URL = re.compile(r"(?:tcp|udp|sctp)://\S*")
_SERVICE = re.compile(
    r"(?:\w+_)?(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)|NAME|ENV_\w+"
)
# Not settings: a variable of commands under `run`, the password of a store's server, a variable of the pytest plugin.
_OURS = tuple(f"{ENVIRONMENT}{name}" for name in ("REDIRECT", "STORE_PASSWORD", "URL"))


def environment_settings(variables: Mapping[str, str]) -> dict[str, RawValue]:
    """Return the settings in environment variables. The keys are names of fields of `Settings` or `ServeOptions`."""
    ours = {name: text for name, text in variables.items() if not _SERVICE_URL.fullmatch(text)}
    return from_environment(ours, ENVIRONMENT, *RECORDS)


def source_of(name: str) -> str:
    """Return where the value of the setting `name` comes from, for error messages.

    The result names an option, a variable, or a key in a TOML file. For a default value, the result names the option.
    """
    context = click.get_current_context(silent=True)
    sources = (
        from_command_line(context) if context is not None else {},
        environment_settings(environment()),
        settings_of_project(),
    )
    flag = next(field.flag for record in RECORDS for field in fields_of(record) if field.name == name)
    return next((source[name].source for source in sources if name in source), flag)


def unknown_variables(variables: Mapping[str, str]) -> list[str]:
    """Return a warning for each variable `EVOLINK_MOCK_...` that names no setting."""
    words = [
        name.removeprefix(ENVIRONMENT) for name in VARIABLES
    ]  # without the common prefix, which would make all names similar
    return [
        f"{name} is not a setting{did_you_mean(name.removeprefix(ENVIRONMENT), words, ENVIRONMENT)}"
        for name, text in sorted(variables.items())
        if name.startswith(ENVIRONMENT)
        and name not in {*VARIABLES, *_OURS}
        and not _SERVICE.fullmatch(name.removeprefix(ENVIRONMENT))
        and not _SERVICE_URL.fullmatch(text)
    ]


def settings_of_project() -> dict[str, RawValue]:
    """Return the settings in the nearest pyproject.toml.

    Returns an empty dictionary if the working directory has been deleted.
    """
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        return {}
    return pyproject_settings(folder)


def pyproject_settings(start: Path) -> dict[str, RawValue]:
    """Return the settings in `[tool.evolink-mock]` of the nearest pyproject.toml.

    The search begins in the folder `start` and continues in its parent folders. The keys are names of fields of
    `Settings` or `ServeOptions`. Raises ValueError for invalid TOML or an unknown setting. The message contains the
    path of the file.
    """
    path = next(
        (file for folder in (start, *start.parents) if (file := folder / "pyproject.toml").is_file()), None
    )
    if path is None:
        return {}
    tools = read_toml(path).get("tool", {})
    section = tools.get("evolink-mock", {}) if isinstance(tools, dict) else {}
    if not isinstance(section, dict):
        raise ValueError(f"{path}: tool.evolink-mock is not a table")  # noqa: TRY004  (shown to the user)
    return from_table(section, f"{path}: [tool.evolink-mock]", *RECORDS)
