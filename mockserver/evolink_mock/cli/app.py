"""`evolink-mock`: the command line. Settings can also come from environment variables and pyproject.toml."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from evolink_spec.options.declaration import fields_of

from evolink_mock.cli import configuration, running_mock_commands
from evolink_mock.cli.options import (
    DemoOptions,
    RunOptions,
    SchemaOptions,
    ServeOptions,
    StoreOptions,
)
from evolink_mock.cli.problems import CANNOT_LISTEN, ReportingGroup, fail, reported_problems, warn
from evolink_mock.setting_checks import ca_folder
from evolink_mock.settings import Settings, environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evolink_spec import Spec
    from evolink_spec.options.sources import RawValue


SETTINGS_HELP = (
    "Every setting can also be an environment variable (--max-body: EVOLINK_MOCK_MAX_BODY) or a key in "
    "[tool.evolink-mock] of the nearest pyproject.toml (max-body = 1000). The command line overrides the environment, "
    "and the environment overrides the file."
)
SERVE_OPTIONS = tuple(field.key for record in (Settings, ServeOptions) for field in fields_of(record))

app = ReportingGroup(
    "evolink-mock",
    help="A mock of EvoLink's asynchronous video API: task progress, failures, callbacks with retries, real MP4 "
    "files. No credits are spent.",
    epilog="Start with: evolink-mock serve",
)
click.version_option(None, "--version", package_name="evolink-mock", message="evolink-mock %(version)s")(app)


def _lower_priority_settings() -> list[Mapping[str, RawValue]]:
    variables = environment()
    for warning in configuration.unknown_variables(variables):
        warn(warning)
    return [configuration.environment_settings(variables), configuration.settings_of_project()]


@app.taking(Settings, ServeOptions, beneath=_lower_priority_settings, epilog=SETTINGS_HELP)
def serve(settings: Settings, options: ServeOptions) -> None:
    """Serve the documented API until Ctrl-C."""
    from evolink_mock.cli.announcement import announce
    from evolink_mock.server.listeners import open_listeners
    from evolink_mock.serving import serve as serving
    from evolink_mock.setting_checks import check_port_file, check_workers

    with reported_problems():
        spec = _spec(settings)
        if options.port_file is not None:
            check_port_file(options.port_file)
        check_workers(options.workers, settings)
        listeners = open_listeners(spec, settings)

    port = b"%d\n" % listeners.http.getsockname()[1]
    operator_key = secrets.token_urlsafe(16)

    def ready() -> None:
        if options.port_file is not None:
            _write_port_file(options.port_file, port, as_json=settings.log_format == "json")
        # The server continues if its standard output cannot be written (a closed pipe, a full disk).
        with suppress(OSError):
            announce(listeners, settings, spec, operator_key)

    try:
        with reported_problems():
            serving.serve(
                spec,
                settings,
                listeners,
                quiet=options.quiet,
                ready=ready,
                operator_key=operator_key,
                workers=options.workers,
                snapshot=options.snapshot,
            )
    finally:
        if options.port_file is not None:
            _remove_port_file(options.port_file, port)


def _write_port_file(path: Path, port: bytes, *, as_json: bool) -> None:
    from evolink_mock.files import write_atomically
    from evolink_mock.server.log_writer import event_line

    try:
        write_atomically(path, port)
    except OSError as error:
        problem = f"evolink-mock: error: cannot write {path}: {error.strerror}"
        click.echo(event_line("port-file", problem, as_json=as_json, level="error"), err=True, nl=False)


def _remove_port_file(path: Path, port: bytes) -> None:
    with suppress(OSError):
        # The path may be a device such as /dev/stdout. The file may contain the port of a newer mock.
        if path.is_file() and path.read_bytes() == port:
            path.unlink()


def _spec(settings: Settings) -> Spec:
    from evolink_spec import SpecError

    from evolink_mock.setting_checks import load_documents

    try:
        spec = load_documents(settings)
    except SpecError as error:
        source = configuration.source_of("spec" if settings.spec else "only_spec")
        raise ValueError(str(error) if source.startswith("-") else f"{source}: {error}") from error
    for warning in spec.warnings:
        warn(warning)
    return spec


@app.taking(
    Settings,
    RunOptions,
    without=("host", "port", "https_port", "proxy_port", "public_url", "trust_proxy"),
    beneath=_lower_priority_settings,
    context_settings={"allow_interspersed_args": False},
    epilog=SETTINGS_HELP,
)
def run(settings: Settings, options: RunOptions) -> None:
    """Start a mock and run a command against it.

    The command gets environment variables that redirect its requests to the mock. If the command respects
    proxy settings, its requests to a fixed API address are redirected, too.
    """
    from evolink_mock.cli import run as running
    from evolink_mock.interception.namespace import NamespaceError

    if not options.command:
        raise click.UsageError("COMMAND... is missing: write the command after --")
    settings = running.with_assigned_ports(settings, private=options.hosts)
    with reported_problems():
        try:
            code = running.run(
                _spec(settings), settings, options.command, private=options.hosts, verbose=options.verbose
            )
        except NamespaceError as error:
            fail(str(error), CANNOT_LISTEN)
    raise SystemExit(code)


@app.taking(
    Settings,
    without={*Settings.__struct_fields__} - {"spec", "only_spec", "ca_dir"},
    beneath=_lower_priority_settings,
)
def hosts(settings: Settings) -> None:
    """Print lines for /etc/hosts that redirect the API's host names to this machine.

    The output also contains instructions. Use this command for a client that ignores proxy settings.
    """
    from evolink_mock.interception.certificate_authority import CERTIFICATE
    from evolink_mock.interception.hosts import hosts_of, instructions

    with reported_problems():
        text = instructions(hosts_of(_spec(settings)), ca_folder(settings).resolve() / CERTIFICATE)
    click.echo(text, nl=False)


@app.taking(
    Settings, without={*Settings.__struct_fields__} - {"spec", "only_spec"}, beneath=_lower_priority_settings
)
def documents(settings: Settings) -> None:
    """List the models that a mock with these settings serves.

    Each line shows a model, its path, its medium (such as video), its older names, and its document.
    """
    from evolink_mock.cli.documents import document_rows, table

    with reported_problems():
        rows = document_rows(_spec(settings))
    click.echo(table(rows), nl=False)


@app.command()
def recipes() -> None:
    """List all effects that a recipe can have, and what each of them does."""
    from evolink_mock.recipes.effects import effect_listing

    click.echo(effect_listing())


@app.taking(SchemaOptions)
def schema(options: SchemaOptions) -> None:
    """Print a JSON Schema for settings or recipes. A text editor can use the schema for completion and checks.

    The argument `settings` selects the table [tool.evolink-mock] of pyproject.toml. The argument `recipe` selects the
    text of a recipe.
    """
    import json

    from evolink_spec.options.declaration import json_schema

    from evolink_mock.recipes import effects

    schemas = {
        "settings": lambda: json_schema("[tool.evolink-mock] of pyproject.toml", Settings, ServeOptions),
        "recipe": effects.recipe_schema,
    }
    if options.of not in schemas:
        raise click.UsageError(f"there is no schema of {options.of!r}: write settings or recipe")
    click.echo(json.dumps(schemas[options.of](), indent=2))


running_mock_commands.mount(app)


@app.taking(
    Settings,
    StoreOptions,
    without={*Settings.__struct_fields__} - {"store", "spec", "only_spec"},
    beneath=_lower_priority_settings,
)
def store(settings: Settings, options: StoreOptions) -> None:
    """Inspect a store, check it, or copy its content.

    `info` shows what the store contains. `check` looks for damage and has exit status 1 if it finds any. `export`
    writes the content as JSON Lines. `import` reads such lines into a store.
    """
    from evolink_mock.cli.store import ACTIONS, run

    if options.action not in ACTIONS:
        raise click.UsageError(f"there is no action {options.action!r}: write {', '.join(ACTIONS)}")
    if settings.store == "memory":
        raise click.UsageError("--store is missing: name it, as in --store sqlite:mock.db")
    with reported_problems():
        code = run(options.action, settings.store, options.file, _spec(settings))
    raise SystemExit(code)


@app.taking(DemoOptions)
def demo(options: DemoOptions) -> None:
    """Run a complete task in about ten seconds.

    Create a task, poll it, receive the callback, and save the video.
    """
    from evolink_mock.cli.demo import run

    raise SystemExit(run(options.output, options.duration))


def main() -> None:
    """Run the command line."""
    app()
