"""`evolink-mock`: the command line. Each option can also stand in the environment or in pyproject.toml."""

from __future__ import annotations

import inspect
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from evolink_mock import settings as choices
from evolink_mock.cli import options
from evolink_mock.domain import units
from evolink_mock.domain.units import REALTIME
from evolink_mock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec import Spec

    from evolink_mock.domain.units import Rate, Speed
    from evolink_mock.server.listeners import Listeners

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
        chosen = choices.from_pyproject(Path.cwd(), frozenset(SERVE_OPTIONS))
        context.default_map = dict.fromkeys(("serve", "run", "hosts"), chosen)
    except ValueError as error:
        _fail(str(error), CONFIGURATION_ERROR)


def _settings(  # noqa: PLR0913  (one parameter an option is how typer works)
    *,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    public_url: options.PublicUrl = None,
    duration: options.Duration = "5s",
    realtime: options.Realtime = False,
    seed: options.Seed = None,
    clock_scale: options.ClockScale = 1.0,
    token: options.Tokens = None,
    credits: options.Credits = 1_000_000_000,  # noqa: A002
    rate: options.RateOption = None,
    deny_model: options.Denied = None,
    allow_callbacks_to: options.Allow = None,
    spec: options.SpecFiles = None,
    max_body: options.MaxBody = 10 * 1024 * 1024,
    control: options.ControlOption = "on",
    https_port: options.HttpsPort = None,
    proxy_port: options.ProxyPort = None,
    offline: options.Offline = False,
    ca_dir: options.CaDir = None,
) -> Settings:
    """The options that are settings, for every command that starts a mock."""
    return Settings(
        host=host,
        port=port,
        spec=tuple(spec or ()),
        speed=REALTIME if realtime else cast("Speed", duration),
        seed=seed,
        clock_scale=clock_scale,
        credits=credits,
        rate=cast("Rate | None", rate),
        tokens=frozenset(token or ()),
        denied_models=frozenset(deny_model or ()),
        max_body=max_body,
        public_url=public_url,
        allow_callbacks_to=tuple(allow_callbacks_to or ()),
        control=control,
        https_port=https_port,
        proxy_port=proxy_port,
        offline=offline,
        ca_dir=ca_dir,
    )


@app.command(epilog=options.SETTINGS_HELP)
@options.taking(_settings)
def serve(*, settings: Settings, port_file: options.PortFile = None, quiet: options.Quiet = False) -> None:
    """Serve the documented API until Ctrl-C."""
    from evolink_mock.files import write_atomically
    from evolink_mock.server import server
    from evolink_mock.server.listeners import open_listeners

    with _problems():
        spec = _spec(settings)
        choices.check_port_file(port_file)
        listeners = open_listeners(spec, settings)

    def ready() -> None:
        _announce(listeners, settings, spec)
        if port_file is not None:
            write_atomically(port_file, b"%d\n" % listeners.http.getsockname()[1])

    server.serve(spec, settings, listeners, quiet=quiet, ready=ready)
    typer.echo("stopped")


@contextmanager
def _problems() -> Iterator[None]:
    """Every failure before the mock is up is one line and an exit code."""
    from evolink_spec import SpecError

    from evolink_mock.interception.certificate_authority import AuthorityError
    from evolink_mock.server.listeners import PortError

    try:
        yield
    except PortError as error:
        _fail(str(error), CANNOT_LISTEN)
    except (SpecError, AuthorityError, ValueError) as error:
        _fail(str(error), CONFIGURATION_ERROR)


def _spec(settings: Settings) -> Spec:
    from evolink_spec import load

    spec = load(*settings.spec)
    choices.check(settings, spec)
    return spec


def _announce(listeners: Listeners, settings: Settings, spec: Spec) -> None:
    """The ready line, and the three lines that point a client here."""
    from evolink_mock.server.listeners import url_of

    url = url_of(listeners.http)
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
    _announce_more(listeners, settings)
    typer.echo()
    typer.echo("Ctrl-C stops it.")
    sys.stdout.flush()


def _announce_more(listeners: Listeners, settings: Settings) -> None:
    """How a client with a hard-coded address comes here, and what it has to trust."""
    from evolink_mock.server.listeners import url_of

    if listeners.https is None or listeners.authority is None:
        return
    typer.echo()
    typer.echo(f"  https: {url_of(listeners.https, 'https')}")
    if listeners.proxy is not None:
        played = ", ".join(listeners.hosts) or "no host"
        rest = "refuses" if settings.offline else "passes on"
        typer.echo(f"  export HTTPS_PROXY={url_of(listeners.proxy)}  # plays {played}, {rest} the rest")
    typer.echo(f"  a client has to trust {listeners.authority.certificate}")


@app.command(context_settings={"allow_interspersed_args": False}, epilog=options.SETTINGS_HELP)
@options.taking(_settings, "host", "port", "https_port", "proxy_port", "public_url")
def run(
    *,
    settings: Settings,
    hosts: options.Hosts = False,
    verbose: options.Verbose = False,
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="What to run, after --.")],
) -> None:
    """Run a command that has the API's address hard-coded: it meets a mock of its own."""
    from evolink_mock.cli import run as running
    from evolink_mock.interception.namespace import NamespaceError

    settings = running.settled(settings, private=hosts)
    with _problems():
        try:
            code = running.run(_spec(settings), settings, command, private=hosts, verbose=verbose)
        except NamespaceError as error:
            _fail(str(error), CANNOT_LISTEN)
    raise typer.Exit(code)


@app.command()
def hosts(*, spec: options.SpecFiles = None, ca_dir: options.CaDir = None) -> None:
    """Print the lines of /etc/hosts, and how to listen on port 443, for a client that honours no proxy."""
    from evolink_mock.interception.certificate_authority import CERTIFICATE
    from evolink_mock.interception.hosts import hosts_of, instructions

    settings = Settings(spec=tuple(spec or ()), ca_dir=ca_dir)
    with _problems():
        text = instructions(hosts_of(_spec(settings)), choices.ca_folder(settings).resolve() / CERTIFICATE)
    typer.echo(text, nl=False)


@app.command()
def recipes() -> None:
    """List what a test can ask for, and how."""
    from evolink_mock.recipes.effects import listing

    typer.echo(listing())


@app.command()
def schema(what: Annotated[str, typer.Argument(metavar="settings|recipe", help="Of what.")]) -> None:
    """Print a JSON Schema for your editor: of the settings in pyproject.toml, or of a recipe."""
    import json

    from evolink_mock.cli.json_schemas import recipe_schema, settings_schema

    if what not in {"settings", "recipe"}:
        raise typer.BadParameter(f"there is no schema of {what!r}: settings or recipe")
    found = settings_schema(serve) if what == "settings" else recipe_schema()
    typer.echo(json.dumps(found, indent=2))


@app.command()
def demo(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to save the video in.")] = Path(),
    duration: Annotated[
        str,
        typer.Option("--duration", help="How long the task takes.", callback=options.read(units.parse_speed)),
    ] = "6s",
) -> None:
    """The whole job in some ten seconds: create, watch, be called back, save the video."""
    from evolink_mock.cli.demo import run

    raise typer.Exit(run(output, cast("Speed", duration)))


def _fail(problem: str, code: int) -> NoReturn:
    typer.secho(f"evolink-mock: {problem}", err=True, fg="red")
    raise typer.Exit(code)


SERVE_OPTIONS = tuple(inspect.signature(serve).parameters)


def main() -> None:
    """The entry point of the command."""
    app()
