"""Build click commands from classes that declare options. Each field of such a class becomes an option.

`--help` shows the options in sections.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from evolink_spec.options.declaration import fields_of
from evolink_spec.options.sources import RawValue, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from click.shell_completion import CompletionItem
    from msgspec import Struct

    from evolink_spec.options.declaration import Field

INTERRUPTED = 130  # 128 plus the number of SIGINT, as in a shell
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class ListedOption(NamedTuple):
    """An option, as the documentation lists it."""

    command: str
    names: tuple[str, ...]
    metavar: str  # empty for a switch
    default: str  # empty if the option has no default
    help: str


class FieldOption(click.Option):
    """The command-line option for one field of a record.

    The value remains text until the record is built.
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        names = [field.name, field.flag, *filter(None, [field.option.short])]
        plain = {"is_flag": True} if field.is_switch else {"metavar": field.option.metavar, "type": str}
        super().__init__(names, help=field.option.help, multiple=field.collection is not None, **plain)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Return the values that the shell suggests for an incomplete value."""
        return _completions(self.field, incomplete)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the names and the help text of the option."""
        record = super().get_help_record(ctx)
        shown = self.field.shown_default
        return record and (record[0], record[1] + (f"  [default: {shown}]" if shown else ""))


class FieldArgument(click.Argument):
    """The positional argument for one field of a record."""

    def __init__(self, field: Field) -> None:
        self.field = field
        several = field.collection is not None
        super().__init__(
            [field.name], metavar=field.option.metavar, nargs=-1 if several else 1, required=False, type=str
        )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Return the values that the shell suggests for an incomplete value."""
        return _completions(self.field, incomplete)

    def get_help_record(self, _: click.Context) -> tuple[str, str]:
        """Return the name and the help text of the argument."""
        return self.field.option.metavar, self.field.option.help


def _completions(field: Field, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    if field.kind is Path:  # the shell completes it
        return [CompletionItem(incomplete, type="dir" if field.option.metavar == "DIR" else "file")]
    return [CompletionItem(choice) for choice in field.choices if choice.startswith(incomplete)]


class Command(click.Command):
    """A command with sections of options in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the arguments and options, section by section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            section = parameter.field.option.section if isinstance(parameter, FieldOption) else "Options"
            if isinstance(parameter, FieldArgument):
                section = "Arguments"
            if record is not None:
                sections.setdefault(section, []).append((click.style(record[0], fg="cyan"), record[1]))
        for section in sorted(sections, key=lambda name: (name != "Arguments", name == "Options")):
            with formatter.section(click.style(section, bold=True)):
                formatter.write_dl(sections[section])


class Group(click.Group):
    """The commands of one program, such as `evolink-mock`."""

    command_class = Command

    def __init__(self, name: str, *, help: str, epilog: str) -> None:  # noqa: A002  (click's word)
        super().__init__(name, help=help, epilog=epilog, no_args_is_help=True, context_settings=dict(CONTEXT))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command.

        If the command does not handle Ctrl-C, Ctrl-C exits with status 130.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nstopped", err=True)
            raise SystemExit(INTERRUPTED) from None

    def taking(
        self,
        *records: type[Struct],
        without: Collection[str] = (),
        beneath: Callable[[], Sequence[Mapping[str, RawValue]]] = tuple,
        **about: Any,
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Return a decorator that adds a command with the fields of `records` as options.

        The decorated function is called with one instance of each record type. `beneath` returns sources of values,
        such as the environment variables. A value on the command line takes precedence over all these sources. An
        earlier source takes precedence over a later one. The fields in `without` are not options and keep their
        defaults. `about` contains further arguments for click.
        """
        fields = [field for record in records for field in fields_of(record) if field.name not in without]

        def add(command: Callable[..., None]) -> Callable[..., None]:
            def called(**_: Any) -> None:
                written = from_command_line(click.get_current_context())
                try:
                    sources = [_offered(source, fields) for source in (written, *beneath())]
                    made = [gather(record, sources) for record in records]
                except ValueError as error:
                    raise click.UsageError(str(error)) from error
                command(*made)

            parameters: list[click.Parameter] = [
                FieldArgument(field) if field.option.positional else FieldOption(field) for field in fields
            ]
            self.command(command.__name__, params=parameters, **{"help": command.__doc__, **about})(called)
            return command

        return add


def list_options(group: Group) -> list[ListedOption]:
    """Return the options of all commands, without --help."""
    return [
        ListedOption(
            name,
            (parameter.field.flag, *filter(None, [parameter.field.option.short])),
            "" if parameter.field.is_switch else parameter.field.option.metavar,
            parameter.field.shown_default,
            parameter.field.option.help,
        )
        for name, command in group.commands.items()
        for parameter in command.params
        if isinstance(parameter, FieldOption)
    ]


def _offered(source: Mapping[str, RawValue], fields: Sequence[Field]) -> dict[str, RawValue]:
    return {field.name: source[field.name] for field in fields if field.name in source}


def from_command_line(context: click.Context) -> dict[str, RawValue]:
    """Return the values that the user wrote on the command line, by field name."""
    return {
        parameter.name: RawValue(_named(parameter), context.params[parameter.name])
        for parameter in context.command.params
        if isinstance(parameter, FieldOption | FieldArgument)
        and parameter.name is not None
        and context.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
    }


def _named(parameter: FieldOption | FieldArgument) -> str:
    return parameter.field.option.metavar if isinstance(parameter, FieldArgument) else parameter.field.flag


def repeated_command(context: click.Context, without: Collection[str], secrets: Mapping[str, str]) -> str:
    """Return a command line that repeats this run.

    The options for the fields in `without` are left out. `secrets` maps the names of the fields with API keys to
    environment variables. A reference such as `--key "$MY_KEY"` replaces each key.
    """
    words, keys = context.command_path.split(), []
    for parameter in context.command.params:
        if not isinstance(parameter, FieldOption | FieldArgument) or parameter.name not in from_command_line(
            context
        ):
            continue
        flag = [parameter.field.flag] if isinstance(parameter, FieldOption) else []
        value = context.params[parameter.name]
        if parameter.name in secrets:
            keys.append(f'{parameter.field.flag} "${secrets[parameter.name]}"')
        elif parameter.name not in without:
            values = value if isinstance(value, tuple) else (value,)
            words += flag if value is True else [word for item in values for word in (*flag, item)]
    return " ".join([shlex.join(words), *keys])
