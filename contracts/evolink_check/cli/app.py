"""`evolink-check`: the command line."""

from __future__ import annotations

import json
import sys
import traceback
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from evolink_check.cli import client_command as clients
from evolink_check.cli import option_groups, options
from evolink_check.cli.commands import Asked, Place, Refused, run_api, run_proxy, run_recording
from evolink_check.cli.config import Given, environment
from evolink_check.cli.output import Deviations, ReportFiles  # noqa: TC001  (typer reads the annotations)
from evolink_check.reports.model import COULD_NOT_RUN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.clauses import Clause

_NEEDED = ("httpx", "hypothesis", "openapi_core", "schemathesis")  # of the extra `contracts`
EXITS = "Exit status: 0 passed, 1 failed, 2 could not run"
app = typer.Typer(
    name="evolink-check",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if wanted:
        from importlib.metadata import version

        typer.echo(f"evolink-check {version('evolink-mock')}")
        raise typer.Exit


@app.callback(
    help="Checks who keeps the contract of EvoLink's asynchronous video API: "
    "a server, a client, recorded or live traffic.",
    epilog="Begin with: evolink-check api http://127.0.0.1:8080 --any-key --max-credits 60",
)
def _main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    pass


@app.command(
    help="Does a server keep the contract?\n\n"
    "Without --max-credits nothing is sent that could make a task: what is refused, and what is only read. "
    "What was not looked at is reported as not observed, never as passed.\n\n\b\n"
    "evolink-check api http://127.0.0.1:8080 --any-key\n"
    "evolink-check api https://api.evolink.ai --max-credits 60 --html report.html\n"
    "evolink-check api --config production.toml --baseline known.json --junit report.xml\n"
    "evolink-check api https://api.evolink.ai --max-credits 5 --clause task.final",
    epilog=f"{EXITS}. Ctrl-C once: no more is sent, what there is is judged and reported, 130; twice: at once. "
    "The keys are best set as EVOLINK_API_KEY and EVOLINK_OTHER_API_KEY; they stand in no report.",
)
@options.gathering(given=option_groups.given, wanted=option_groups.wanted, known=option_groups.known)
def api(  # noqa: PLR0913  (one parameter an option is how typer works)
    context: typer.Context,
    url: options.Url = "",
    *,
    config: options.Config = None,
    given: Given,
    wanted: ReportFiles,
    known: Deviations,
) -> None:
    """Run against a server."""
    from dataclasses import replace

    with _problems():
        code = run_api(replace(given, url=url), config, known, wanted, option_groups.command_of(context))
    raise typer.Exit(code)


clients.mount(app)


@app.command(
    help="Does the traffic in HAR files keep the contract? Nothing is sent, and nothing costs.\n\n"
    "The files may come from `evolink-check proxy`, a browser, mitmproxy, or `evolink-check api --har`. "
    "What a recording does not tell is not observed.\n\n\b\n"
    "evolink-check recording monday.har --origin https://api.evolink.ai\n"
    "evolink-check recording *.har --about both --html report.html",
    epilog=f"{EXITS}.",
)
@options.gathering(asked=option_groups.asked, wanted=option_groups.wanted, known=option_groups.known)
def recording(
    files: options.Files, *, origin: options.Origin = "", asked: Asked, wanted: ReportFiles, known: Deviations
) -> None:
    """Judge recordings."""
    with _problems():
        code = run_recording(asked, files, origin, known, wanted)
    raise typer.Exit(code)


@app.command(
    help="Stand before an API, record what passes, and judge it as it goes.\n\n"
    "Clients are pointed at the proxy in place of the API. Everything is passed on as it is, but for Host; links "
    "to results stay as they are. A violated clause is reported when it is first seen. Keys are not recorded.\n\n\b\n"
    "evolink-check proxy --upstream https://api.evolink.ai --port 9000 --har today.har\n"
    "evolink-check proxy --upstream http://127.0.0.1:8080 --headers --about both",
    epilog=f"{EXITS}. Ctrl-C ends it and reports; the HAR is written every few seconds too.",
)
@options.gathering(asked=option_groups.asked, wanted=option_groups.wanted, known=option_groups.known)
def proxy(  # noqa: PLR0913  (one parameter an option is how typer works)
    *,
    upstream: options.Upstream,
    port: options.Port = 9000,
    host: options.Host = "127.0.0.1",
    ca: options.Ca = None,
    headers: options.Headers = False,
    asked: Asked,
    wanted: ReportFiles,
    known: Deviations,
) -> None:
    """Serve as a proxy until Ctrl-C."""
    with _problems():
        code = run_proxy(asked, Place(upstream, host, port, ca, headers), known, wanted)
    raise typer.Exit(code)


@app.command()
def clauses(
    clause: Annotated[str, typer.Argument(metavar="ID", help="All that is to say of this one.")] = "",
    *,
    as_json: options.AsJson = False,
) -> None:
    """List what is checked: id, whom it binds, level, rule, and where the document says it."""
    from evolink_spec.clauses import load_clauses

    from evolink_check.cli.clause_list import listed, told_whole

    found = load_clauses()
    with _problems():
        chosen = _one_of(found, clause) if clause else found
        if as_json:
            shown: Any = [asdict(one) for one in chosen]
            typer.echo(json.dumps(shown[0] if clause else shown, indent=2, ensure_ascii=False))
        else:
            typer.echo(told_whole(chosen[0]) if clause else listed(chosen))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the file for --config, for your editor."""
    from evolink_check.cli.config_file import schema as of

    typer.echo(json.dumps(of(), indent=2))


def _one_of(clauses: tuple[Clause, ...], wanted: str) -> tuple[Clause, ...]:
    from evolink_check.toml_tables import did_you_mean

    found = tuple(one for one in clauses if one.id == wanted)
    if not found:
        raise ValueError(f"there is no clause {wanted!r}{did_you_mean(wanted, [one.id for one in clauses])}")
    return found


@contextmanager
def _problems() -> Iterator[None]:
    """Whatever goes wrong is told, and never looks like a verdict: a bug of ours has its traceback."""
    try:
        yield
    except (Refused, ValueError) as problem:
        _fail(str(problem))
    except OSError as problem:
        file = "stdout" if isinstance(problem, BrokenPipeError) else "a file"
        _fail(f"{problem.filename or file}: {problem.strerror or problem}")
    except typer.Exit:
        raise
    except Exception:  # noqa: BLE001  (see above)
        _fail(f"a bug in evolink-check:\n{traceback.format_exc()}")


def _fail(problem: str) -> NoReturn:
    plain = bool(environment().get("NO_COLOR"))  # which rich obeys by itself
    typer.secho(f"evolink-check: {problem}", err=True, fg=None if plain else "red")
    raise typer.Exit(COULD_NOT_RUN)


def main() -> None:
    """The entry point of the command."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        typer.echo(
            f"evolink-check needs {', '.join(missing)}: pip install 'evolink-mock[contracts]'", err=True
        )
        sys.exit(COULD_NOT_RUN)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a terminal cannot show must not cost the report
            stream.reconfigure(errors="backslashreplace")
    app()
