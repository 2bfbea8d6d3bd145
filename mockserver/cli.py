"""`evolink-mock`: the command line. Each option can also stand in the environment or in pyproject.toml."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from mockserver import options
from mockserver import settings as choices
from mockserver.plans import REALTIME
from mockserver.settings import Settings

if TYPE_CHECKING:
    from mockserver.accounts import Rate
    from mockserver.plans import Speed
    from spec import Spec

CONFIGURATION_ERROR = 2  # also typer's own, for an unknown option
CANNOT_LISTEN = 3

app = typer.Typer(
    name="evolink-mock",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001  (typer calls it so)
    if wanted:
        from importlib.metadata import version

        typer.echo(f"evolink-mock {version('evolink-mock')}")
        raise typer.Exit


@app.callback(
    help="Plays EvoLink's asynchronous video API on your own machine: tasks that live, callbacks that retry, "
    "real MP4 files, no credits.",
    epilog="Begin with: evolink-mock serve",
)
def _main(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001, FBT002  (its callback does the work; an option is given by name)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    try:
        context.default_map = {"serve": choices.from_pyproject(Path.cwd(), frozenset(SERVE_OPTIONS))}
    except ValueError as error:
        _fail(str(error), CONFIGURATION_ERROR)


@app.command(epilog=options.SETTINGS_HELP)
def serve(  # noqa: PLR0913  (one parameter an option is how typer works)
    *,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    port_file: options.PortFile = None,
    public_url: options.PublicUrl = None,
    duration: options.Duration = "5s",
    realtime: options.Realtime = False,
    seed: options.Seed = None,
    token: options.Tokens = None,
    credits: options.Credits = 1_000_000_000,  # noqa: A002
    rate: options.RateOption = None,
    deny_model: options.Denied = None,
    allow_callbacks_to: options.Allow = None,
    spec: options.SpecFiles = None,
    max_body: options.MaxBody = 10 * 1024 * 1024,
    quiet: options.Quiet = False,
) -> None:
    """Serve the documented API until Ctrl-C."""
    settings = Settings(
        host=host,
        port=port,
        spec=tuple(spec or ()),
        speed=REALTIME if realtime else cast("Speed", duration),
        seed=seed,
        credits=credits,
        rate=cast("Rate | None", rate),
        tokens=frozenset(token or ()),
        denied_models=frozenset(deny_model or ()),
        max_body=max_body,
        public_url=public_url,
        allow_callbacks_to=tuple(allow_callbacks_to or ()),
    )
    _serve(settings, port_file, quiet=quiet)


def _serve(settings: Settings, port_file: Path | None, *, quiet: bool) -> None:
    """Read the documents, take the port, serve; every failure before that is one line and an exit code."""
    from mockserver import server
    from spec import SpecError, load

    try:
        spec = load(*settings.spec)
        choices.check(settings, spec)
        choices.check_port_file(port_file)
        listener = server.listen(settings.host, settings.port)
    except (SpecError, ValueError) as error:
        _fail(str(error), CONFIGURATION_ERROR)
    except server.PortError as error:
        _fail(str(error), CANNOT_LISTEN)

    def ready() -> None:
        _announce(server.url_of(listener), settings, spec)
        if port_file is not None:
            server.write_port_file(port_file, listener.getsockname()[1])

    server.serve(spec, settings, listener, quiet=quiet, ready=ready)
    typer.echo("stopped")


def _announce(url: str, settings: Settings, spec: Spec) -> None:
    """The ready line, and the three lines that point a client here."""
    models = [model for by_model in spec.creates.values() for model in by_model if model is not None]
    speed = settings.speed
    takes = (
        f"{speed.shortest:g}"
        if speed.shortest == speed.longest
        else f"{speed.shortest:g} to {speed.longest:g}"
    )
    typer.echo(
        f"evolink-mock plays {', '.join(models) or 'the API'} at {typer.style(url, bold=True)} (tasks take {takes} s)"
    )
    typer.echo()
    typer.echo(f"  export EVOLINK_BASE_URL={url}")
    typer.echo(f"  export EVOLINK_API_KEY={next(iter(sorted(settings.tokens)), 'any-token')}")
    typer.echo('  curl "$EVOLINK_BASE_URL/v1/credits" -H "Authorization: Bearer $EVOLINK_API_KEY"')
    typer.echo()
    typer.echo("Ctrl-C stops it.")
    sys.stdout.flush()


@app.command()
def demo(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to save the video in.")] = Path(),
    duration: Annotated[
        str,
        typer.Option(
            "--duration", help="How long the task takes.", callback=options.read(choices.parse_speed)
        ),
    ] = "6s",
) -> None:
    """The whole job in some ten seconds: create, watch, be called back, save the video."""
    from mockserver.demo import run

    raise typer.Exit(run(output, cast("Speed", duration)))


def _fail(problem: str, code: int) -> NoReturn:
    typer.secho(f"evolink-mock: {problem}", err=True, fg="red")
    raise typer.Exit(code)


SERVE_OPTIONS = tuple(name for name in serve.__annotations__ if name != "return")


def main() -> None:
    """The entry point of the command."""
    app()
