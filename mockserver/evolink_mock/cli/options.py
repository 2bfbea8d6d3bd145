"""The options of `evolink-mock serve`: their names, their help, and how their text is read."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolink_mock import settings as choices
from evolink_mock.domain import units
from evolink_mock.settings import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_mock.settings import Settings

SETTINGS_HELP = (
    "Every option can also be a variable (--max-body: EVOLINK_MOCK_MAX_BODY) or stand in \\[tool.evolink-mock] of "
    "the nearest pyproject.toml (max-body = 1000). The command line wins, then the environment."
)


def _option(name: str, help: str, panel: str, *short: str, **more: Any) -> Any:  # noqa: A002  (typer's word)
    """An option that can stand in the environment too: `--max-body` is `EVOLINK_MOCK_MAX_BODY`."""
    variable = ENVIRONMENT + name.removeprefix("--").replace("-", "_").upper()
    return typer.Option(
        name, *short, help=help, envvar=variable, show_envvar=False, rich_help_panel=panel, **more
    )


def read(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A callback that reads an option with `parse`; its ValueError becomes a usage error in its own words."""

    def of(text: Any) -> Any:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return of


def taking(
    settings: Callable[..., Settings], *without: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of `settings`, less some, ahead of its own; it is handed what they come to."""
    shared = [one for one in _parameters(settings) if one.name not in without]

    def give(command: Callable[..., None]) -> Callable[..., None]:
        own = [one for one in _parameters(command) if one.name != "settings"]

        @functools.wraps(command)
        def with_settings(**given: Any) -> None:
            chosen = settings(**{one.name: given.pop(one.name) for one in shared})
            command(settings=chosen, **given)

        with_settings.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]  # typer reads it
        return with_settings

    return give


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    return list(inspect.signature(function, eval_str=True).parameters.values())


_WHERE, _TASKS, _ACCOUNTS, _BEYOND = "Address", "Tasks", "Accounts", "Callbacks, documents, log"
_HARD_CODED = "Clients with a hard-coded address"

Host = Annotated[
    str,
    _option(
        "--host",
        "Address to listen on; anything but loopback is seen by your network.",
        _WHERE,
        metavar="HOST",
    ),
]
Port = Annotated[
    int, _option("--port", "Port; 0 takes a free one.", _WHERE, "-p", min=0, max=65535, metavar="PORT")
]
PortFile = Annotated[
    Path | None,
    _option("--port-file", "Write the port here once requests are answered.", _WHERE, metavar="FILE"),
]
PublicUrl = Annotated[
    str | None,
    _option(
        "--public-url",
        "What result links begin with, when something stands in front.",
        _WHERE,
        metavar="URL",
        callback=read(choices.parse_public_url),
    ),
]
Duration = Annotated[
    str,
    _option(
        "--duration",
        "How long a task takes: 5s, 500ms, 2m, or a spread: 3s..20s.",
        _TASKS,
        metavar="TIME",
        callback=read(units.parse_speed),
    ),
]
Realtime = Annotated[bool, _option("--realtime", "Tasks take 80 to 250 s, as the real service's do.", _TASKS)]
Seed = Annotated[
    int | None,
    _option("--seed", "The same ids, start time and durations for the same script.", _TASKS, metavar="N"),
]
ClockScale = Annotated[
    float,
    _option(
        "--clock-scale",
        "How many times as fast the clock runs: 60 makes a minute of each second.",
        _TASKS,
        min=0.001,
        max=1_000_000,
        metavar="N",
    ),
]
Credits = Annotated[
    float,
    _option(
        "--credits",
        "Credits that every token begins with.",
        _ACCOUNTS,
        min=0,
        metavar="N",
        callback=read(choices.whole),
    ),
]
RateOption = Annotated[
    str | None,
    _option(
        "--rate",
        "Limit the requests of each token: 30/minute.",
        _ACCOUNTS,
        metavar="RATE",
        callback=read(units.parse_rate),
    ),
]
Tokens = Annotated[
    list[str] | None,
    _option(
        "--token", "Accept this token and no other. Repeatable; default: any.", _ACCOUNTS, metavar="TOKEN"
    ),
]
Denied = Annotated[
    list[str] | None,
    _option("--deny-model", "Refuse this model with 403. Repeatable.", _ACCOUNTS, metavar="MODEL"),
]
Allow = Annotated[
    list[str] | None,
    _option(
        "--allow-callbacks-to",
        "May be called back although it is internal, by plain http too. Repeatable.",
        _BEYOND,
        metavar="HOST[:PORT]",
    ),
]
SpecFiles = Annotated[
    list[Path] | None,
    _option(
        "--spec",
        "Serve this OpenAPI 3.1 document (YAML, JSON, or a documentation page) in place of the built-in one, "
        "or apply this overlay. Repeatable.",
        _BEYOND,
        metavar="FILE",
    ),
]
MaxBody = Annotated[
    int, _option("--max-body", "Refuse larger request bodies.", _BEYOND, min=1, metavar="BYTES")
]
ControlOption = Annotated[
    str,
    _option(
        "--control",
        "The control API under /__mock__/: on, off, or bound to HOST:PORT alone.",
        _BEYOND,
        metavar="WHERE",
        callback=read(choices.parse_control),
    ),
]
Quiet = Annotated[bool, _option("--quiet", "No request lines, warnings only.", _BEYOND, "-q")]
HttpsPort = Annotated[
    int | None,
    _option(
        "--https-port",
        "Serve https here as well, as localhost and as the API's host names; 0 takes a free port.",
        _HARD_CODED,
        min=0,
        max=65535,
        metavar="PORT",
    ),
]
ProxyPort = Annotated[
    int | None,
    _option(
        "--proxy-port",
        "A proxy, for HTTPS_PROXY: it answers the API's host names itself and passes the rest on.",
        _HARD_CODED,
        min=0,
        max=65535,
        metavar="PORT",
    ),
]
Offline = Annotated[bool, _option("--offline", "The proxy refuses the rest.", _HARD_CODED)]
CaDir = Annotated[
    Path | None,
    _option(
        "--ca-dir",
        "Where the certificate authority is kept; by default among your own data files.",
        _HARD_CODED,
        metavar="DIR",
    ),
]
Hosts = Annotated[
    bool,
    typer.Option(
        "--hosts",
        help="Give the command a network of its own, where the API's host names are the mock and nothing else "
        "is reached: for a client that honours no proxy. Linux only.",
        rich_help_panel=_HARD_CODED,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Request lines while the command runs.", rich_help_panel=_BEYOND),
]
