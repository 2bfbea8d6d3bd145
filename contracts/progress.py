"""How far a run is, on stderr: a bar on a terminal, else a line for each phase."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contracts.checking import Progress


@contextmanager
def showing_progress() -> Iterator[Callable[[Progress], None]]:
    """What a run tells its progress to, while the block runs."""
    if not sys.stderr.isatty():
        yield Lines().tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[costs]}"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        phases: dict[str, object] = {}

        def tell(progress: Progress) -> None:
            costs = f"{progress.created} tasks, {progress.spent:g} credits" if progress.created else ""
            if progress.phase not in phases:
                phases[progress.phase] = bars.add_task(progress.phase, costs=costs)
            bars.update(
                phases[progress.phase],  # type: ignore[arg-type]  # an id that rich gave
                completed=progress.done,
                total=progress.total or None,
                costs=costs,
            )

        yield tell


class Lines:
    """A line when a phase begins, and none while it goes on: what a log has room for."""

    def __init__(self) -> None:
        self._phase = ""

    def tell(self, progress: Progress) -> None:
        """Say that another phase has begun."""
        if progress.phase != self._phase:
            self._phase = progress.phase
            costs = (
                f" ({progress.created} tasks, {progress.spent:g} credits so far)" if progress.created else ""
            )
            print(f"{progress.phase}{costs}", file=sys.stderr, flush=True)  # noqa: T201  (that is its use)
