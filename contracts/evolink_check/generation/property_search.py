"""Hypothesis as a library: search for an example that fails, then for the smallest one. Imported where it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


class SearchAbortedError(BaseException):  # Hypothesis takes any `Exception` for a failing example
    """Raised by a body to end the whole search; the text says why."""


@dataclass(frozen=True, slots=True)
class Search:
    """How hard to look. `seed` None: another one each time. `memory`: a folder of failing examples, replayed first."""

    examples: int
    seed: int | None = None
    memory: Path | None = None


def run_property(cases: SearchStrategy[T], body: Callable[[T], object], search: Search) -> None:
    """Call `body` with examples of a strategy; raise what it raises for the smallest example that was found.

    Raises `hypothesis.errors.Flaky` when an example fails once only, `Unsatisfiable` when hardly any can be drawn.
    """

    def example(case: T) -> None:
        body(case)

    # A seed resets the database, so it comes before the settings.
    test = given(cases)(example)
    seeded = test if search.seed is None else seed(search.seed)(test)
    search_settings(search)(seeded)()


def search_settings(search: Search) -> settings:
    """The settings of a search, for what is no plain property, such as a state machine."""
    return settings(
        max_examples=search.examples,
        deadline=None,
        database=DirectoryBasedExampleDatabase(search.memory) if search.memory else None,
        derandomize=False,
        phases=(Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
    )
