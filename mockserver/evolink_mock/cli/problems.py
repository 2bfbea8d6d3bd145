"""Report problems on stderr, as text or as JSON objects."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click
from evolink_spec.options.command_line import Group

from evolink_mock.cli import configuration
from evolink_mock.setting_values import SettingError
from evolink_mock.settings import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_spec.options.sources import RawValue

CONFIGURATION_ERROR = 2  # also the exit status of click for an unknown option
CANNOT_LISTEN = 3
_WITH_LOG = {"serve", "run"}  # the commands with the option --log-format
_WORDS = "evolink_mock.words"  # the command line, in the `meta` of click's context


class ReportingGroup(Group):
    """The command group of `evolink-mock`.

    With `--log-format json`, a command reports invalid options as JSON.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the options, and store the arguments for `is_log_json`."""
        words = tuple(args)
        context = super().make_context(info_name, args, parent, **extra)
        context.meta[_WORDS] = words
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. With `--log-format json`, show usage errors as JSON objects."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if is_log_json():
                raise _JsonUsageError(error.format_message()) from error
            raise


class _JsonUsageError(click.UsageError):
    def show(self, file: IO[Any] | None = None) -> None:  # noqa: ARG002  (always stderr)
        _write("error", self.message, exit_status=self.exit_code)


def is_log_json() -> bool:
    """Return whether the log of the command is JSON.

    The result is also correct if another setting is invalid.
    """
    context = click.get_current_context(silent=True)
    words: tuple[str, ...] = () if context is None else context.meta.get(_WORDS, ())
    if words[:1] and words[0] not in _WITH_LOG:
        return False
    return (_written_format(words) or _configured_format()) == "json"


def _written_format(words: tuple[str, ...]) -> str:
    options = words[: words.index("--")] if "--" in words else words
    text = ""
    for word, following in zip(options, (*options[1:], "")[: len(options)], strict=True):
        name, equals, value = word.partition("=")
        if name == "--log-format":
            text = value if equals else following
    return text


def _configured_format() -> str:
    sources: list[Mapping[str, RawValue]] = [configuration.environment_settings(environment())]
    with suppress(ValueError):  # the code that needs the file reports that it is invalid
        sources.append(configuration.settings_of_project())
    return next((str(source["log_format"].value) for source in sources if "log_format" in source), "")


def warn(problem: str) -> None:
    """Report a problem that does not end the command."""
    if is_log_json():
        _write("warning", problem)
    else:
        click.echo(f"evolink-mock: warning: {problem}", err=True)


def report(problem: str, exit_status: int) -> None:
    """Report a problem. The caller must then exit with `exit_status`.

    A JSON report contains this status.
    """
    if is_log_json():
        _write("error", problem, exit_status=exit_status)
    else:
        click.secho(f"evolink-mock: {problem}", err=True, fg="red")


def fail(problem: str, exit_status: int) -> NoReturn:
    """Report a problem, and exit with this status."""
    report(problem, exit_status)
    raise SystemExit(exit_status)


def _write(level: str, problem: str, **fields: int) -> None:
    from evolink_mock.server.log_writer import event_line

    click.echo(event_line(level, problem, as_json=True, level=level, **fields), err=True, nl=False)


@contextmanager
def reported_problems() -> Iterator[None]:
    """Report an error in the `with` block, and exit with an error status."""
    from evolink_spec import SpecError

    from evolink_mock.domain.store import StoreError
    from evolink_mock.interception.certificate_authority import AuthorityError
    from evolink_mock.server.listeners import PortError

    try:
        yield
    except PortError as error:
        fail(_with_source(error.field, error), CANNOT_LISTEN)
    except SettingError as error:
        fail(f"{configuration.source_of(error.field)}: {error.reason}", CONFIGURATION_ERROR)
    except AuthorityError as error:
        fail(_with_source("ca_dir", error), CONFIGURATION_ERROR)
    except StoreError as error:
        fail(_with_source("store", error), CONFIGURATION_ERROR)
    except (SpecError, ValueError) as error:
        fail(str(error), CONFIGURATION_ERROR)


def _with_source(name: str, error: Exception) -> str:
    source = configuration.source_of(name)
    # A message about an option already names the option.
    return str(error) if source.startswith("-") else f"{source}: {error}"
