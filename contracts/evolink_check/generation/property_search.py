"""Hypothesis as a library: find a failing example, then the smallest one. Import this module late, as it is slow."""

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


class SearchAbortedError(BaseException):  # Hypothesis treats any `Exception` as a failing example
    """Raised by a property to end the whole search; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Search:
    """The effort of a search. `seed` None: random. `memory`: a folder of earlier failing examples, run first."""

    examples: int
    seed: int | None = None
    memory: Path | None = None


def run_property(cases: SearchStrategy[T], body: Callable[[T], object], search: Search) -> None:
    """Call `body` with examples of a strategy; raise its exception for the smallest failing example.

    Raises `hypothesis.errors.Flaky` when a failing example passes on repetition, `Unsatisfiable` when the strategy
    generates hardly any examples.
    """

    def example(case: T) -> None:
        body(case)

    # A seed resets the database, so it comes before the settings.
    test = given(cases)(example)
    seeded = test if search.seed is None else seed(search.seed)(test)
    search_settings(search)(seeded)()


def search_settings(search: Search) -> settings:
    """The Hypothesis settings of a search, also for tests that are not plain properties, such as state machines."""
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
