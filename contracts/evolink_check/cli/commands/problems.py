"""Print the errors of a command on stderr, and exit with status 2."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click
from evolink_spec.errors import SpecError

from evolink_check.cli.config import environment
from evolink_check.errors import CannotRunError, describe_bug
from evolink_check.files import is_working_directory_deleted
from evolink_check.reports.model import COULD_NOT_RUN
from evolink_check.traffic.text_redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reporting_problems() -> Iterator[None]:
    """If the `with` block raises an exception, print it and exit with status 2.

    An expected error is printed on one line, and a bug with its traceback.
    """
    try:
        yield
    except (CannotRunError, SpecError, ValueError) as problem:
        _fail(str(problem))
    except OSError as problem:
        if is_working_directory_deleted():
            _fail("the working directory has been deleted: change to another one")
        file = "stdout" if isinstance(problem, BrokenPipeError) else "a file"
        _fail(f"{problem.filename or file}: {problem.strerror or problem}")
    except Exception as bug:  # noqa: BLE001  (a bug must not look like a verdict)
        _fail(f"a bug in evolink-check:\n{describe_bug(bug)}")


def _fail(problem: str) -> NoReturn:
    plain = bool(environment().get("NO_COLOR"))  # rich reads this variable itself, but click does not
    click.secho(f"evolink-check: {redact_text(problem)}", err=True, fg=None if plain else "red")
    raise SystemExit(COULD_NOT_RUN)
