"""Show the progress of a run on stderr.

On a terminal, each phase, such as "invalid requests", has a bar. If stderr is not a terminal, lines are printed.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Shown
    from rich.progress import TaskID

    from evolink_check.engine.runner import Progress

_LINE_SECONDS = 10.0  # seconds between two lines of the same phase


def scenario_progress(*, verbose: bool) -> Callable[[str, int, int], None]:
    """Return a function that shows the progress of a receiver check.

    On a terminal, the function rewrites one line. If stderr is not a terminal, the function prints one line for each
    scenario with `verbose`. Without `verbose`, the function prints nothing there.
    """

    def tell(what: str, done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{done} of {total}: {what}", err=True, nl=done == total)
        elif verbose:
            click.echo(f"{done} of {total}: {what}", err=True)

    return tell


@contextmanager
def showing_progress() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows the progress of a run."""
    if not sys.stderr.isatty():
        yield Lines().tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Shown
    from rich.table import Column

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),  # on a narrow terminal, this column shrinks
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[costs]}"),
        TextColumn("{task.fields[time]}", table_column=Column(no_wrap=True)),
    )
    with Shown(*columns, console=Console(stderr=True), transient=True) as shown:
        yield Bars(shown).tell


class Bars:
    """Show a bar for each phase of a run.

    The current bar has the elapsed and the expected seconds. The bars of earlier phases are shown as complete.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._phases: dict[str, TaskID] = {}
        self._phase = ""

    def tell(self, progress: Progress) -> None:
        """Update the bar of the current phase. If the phase has no bar, add one."""
        costs = f"{progress.created} tasks, {progress.spent:g} credits" if progress.created else ""
        if progress.phase != self._phase:
            self._close()
        self._phase = progress.phase
        if progress.phase not in self._phases:
            self._phases[progress.phase] = self._shown.add_task(progress.phase, costs=costs, time="")
        total = max(progress.total, progress.done) or None
        bar = self._phases[progress.phase]
        self._shown.update(bar, completed=progress.done, total=total, costs=costs, time=_time(progress))

    def _close(self) -> None:
        if self._phase:
            bar = self._phases[self._phase]
            self._shown.update(bar, total=self._shown.tasks[bar].completed, time="")


def _time(progress: Progress) -> str:
    return f"{progress.elapsed:.0f} of {max(progress.expected, progress.elapsed):.0f} s"


class Lines:
    """Print lines about the progress of a run, for logs."""

    def __init__(self) -> None:
        self._phase = ""
        self._at = 0.0

    def tell(self, progress: Progress) -> None:
        """Print a line at the beginning of a phase.

        Within a phase, print a line every 10 seconds.
        """
        if progress.phase != self._phase or progress.elapsed >= self._at + _LINE_SECONDS:
            self._phase, self._at = progress.phase, progress.elapsed
            costs = f", {progress.created} tasks, {progress.spent:g} credits" if progress.created else ""
            print(f"{_time(progress)}: {progress.phase}{costs}", file=sys.stderr, flush=True)  # noqa: T201  (output for the user)
