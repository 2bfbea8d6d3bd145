"""The options of `evolink-check`: their names and their help."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

_TARGET, _EFFORT, _CALLBACKS, _REPORTS = "The server", "Effort", "Callbacks", "Reports"


def gathering(**makers: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of some functions behind its own; it is handed what each makes of them."""

    def give(command: Callable[..., None]) -> Callable[..., None]:
        own = [one for one in _parameters(command) if one.name not in makers]
        gathered = {name: _parameters(maker) for name, maker in makers.items()}

        @functools.wraps(command)
        def with_options(**given: Any) -> None:
            made = {
                name: makers[name](**{one.name: given.pop(one.name) for one in parameters})
                for name, parameters in gathered.items()
            }
            command(**given, **made)

        every = [*own, *(one for parameters in gathered.values() for one in parameters)]
        with_options.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]  # typer reads it
        return with_options

    return give


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    return list(inspect.signature(function, eval_str=True).parameters.values())


def _option(name: str, help: str, panel: str | None = None, *short: str, **more: Any) -> Any:  # noqa: A002  (typer's word)
    return typer.Option(name, *short, help=help, rich_help_panel=panel, **more)


Url = Annotated[
    str, typer.Argument(metavar="URL", help="Base URL of the API; may stand in the file.", show_default=False)
]
Token = Annotated[
    str,
    _option(
        "--token",
        "The key. Better: EVOLINK_API_KEY in the environment, where no list of processes shows it.",
        _TARGET,
        metavar="KEY",
        show_default=False,
    ),
]
OtherToken = Annotated[
    str,
    _option(
        "--other-token",
        "The key of another account, to see that it is kept from the tasks of the first. "
        "Better: EVOLINK_OTHER_API_KEY.",
        _TARGET,
        metavar="KEY",
        show_default=False,
    ),
]
AnyKey = Annotated[
    bool,
    _option(
        "--any-key", "The server takes any key, as a mock does: without --token, one is made up.", _TARGET
    ),
]
Config = Annotated[
    Path | None,
    _option(
        "--config",
        "What is known of the server, as TOML; `evolink-check schema`.",
        _TARGET,
        "-c",
        metavar="FILE",
    ),
]
Ca = Annotated[
    Path | None,
    _option("--ca", "PEM file of who signed the server's certificate.", _TARGET, metavar="FILE"),
]
Scale = Annotated[
    float | None,
    _option(
        "--scale", "Seconds of the server's time in a real one, for a mock that is fast.", _TARGET, min=0.001,
        metavar="N",
    ),
]  # fmt: skip
MaxCredits = Annotated[
    float | None,
    _option(
        "--max-credits",
        "May be spent, at most. Without it nothing is sent that could make a task.",
        _EFFORT,
        min=0,
        metavar="N",
    ),
]
Profile = Annotated[
    Literal["quick", "ci", "deep"] | None,
    _option("--profile", "How much is tried; quick by default.", _EFFORT, metavar="quick|ci|deep"),
]
Seed = Annotated[
    int | None, _option("--seed", "The same requests for the same number.", _EFFORT, metavar="N")
]
Jobs = Annotated[
    int | None, _option("--jobs", "Requests at the same time.", _EFFORT, "-j", min=1, metavar="N")
]
Rate = Annotated[
    float | None, _option("--rate", "Requests a second, at most.", _EFFORT, min=0.001, metavar="N")
]
TimeLimit = Annotated[
    float | None,
    _option("--time-limit", "The whole run takes at most so long.", _EFFORT, min=0.1, metavar="SECONDS"),
]
TaskLimit = Annotated[
    float | None,
    _option("--task-limit", "One task is waited for at most so long.", _EFFORT, min=0.1, metavar="SECONDS"),
]
ClauseIds = Annotated[
    list[str] | None,
    _option(
        "--clause", "Only what may speak of this clause (`evolink-check clauses`). Repeatable.", _EFFORT,
        metavar="ID",
    ),
]  # fmt: skip
Memory = Annotated[
    Path,
    _option("--memory", "Cases that failed are kept here, and tried first.", _EFFORT, metavar="DIR"),
]
NoMemory = Annotated[bool, _option("--no-memory", "Neither keep nor replay them.", _EFFORT)]
CallbackUrl = Annotated[
    str,
    _option(
        "--callback-url",
        "The public https URL under which the receiver at --callback-listen is reached.",
        _CALLBACKS,
        metavar="URL",
        show_default=False,
    ),
]
CallbackListen = Annotated[
    str,
    _option(
        "--callback-listen",
        "Where our receiver of callbacks listens, by plain http.",
        _CALLBACKS,
        metavar="HOST:PORT",
        show_default=False,
    ),
]
Har = Annotated[
    Path | None,
    _option(
        "--har", "Every exchange as HAR 1.2, without keys.", _REPORTS, metavar="FILE", show_default=False
    ),
]
Json = Annotated[Path | None, _option("--json", "The report as JSON; - is stdout.", _REPORTS, metavar="FILE")]
Junit = Annotated[
    Path | None, _option("--junit", "The report as JUnit XML: each clause a test.", _REPORTS, metavar="FILE")
]
Html = Annotated[Path | None, _option("--html", "The report as a page to look at.", _REPORTS, metavar="FILE")]
Baseline = Annotated[
    Path | None,
    _option("--baseline", "Deviations that are known: only others fail the run.", _REPORTS, metavar="FILE"),
]
UpdateBaseline = Annotated[
    bool,
    _option(
        "--update-baseline",
        "Write what fails now into --baseline; what was not looked at stays there.",
        _REPORTS,
    ),
]
Verbose = Annotated[bool, _option("--verbose", "Every clause and every violation.", _REPORTS, "-v")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="HAR files.", show_default=False)]
Origin = Annotated[
    str,
    _option(
        "--origin", "Base URL of the API in the recording; by default the one most is asked of.",
        metavar="URL", show_default=False,
    ),
]  # fmt: skip
About = Annotated[
    Literal["server", "client", "both"],
    _option("--about", "Whose clauses are judged.", metavar="server|client|both"),
]
OnlyClauses = Annotated[
    list[str] | None,
    _option("--clause", "Judge only this clause (`evolink-check clauses`). Repeatable.", metavar="ID"),
]
Complete = Annotated[
    bool, _option("--complete", "All that the clients sent is there: what is missing did not happen.")
]
Upstream = Annotated[str, _option("--upstream", "Base URL of the API that answers.", metavar="URL")]
Port = Annotated[
    int,
    _option("--port", "Where to listen; 0 takes a free port.", None, "-p", min=0, max=65535, metavar="PORT"),
]
Host = Annotated[
    str,
    _option("--host", "Address to listen on; anything but loopback is seen by your network.", metavar="HOST"),
]
Headers = Annotated[
    bool,
    _option(
        "--headers",
        "Hold each answer until it is judged, and add X-Evolink-Check: passed, or the ids of the clauses it violated.",
    ),
]
AsJson = Annotated[bool, _option("--json", "As JSON.")]
