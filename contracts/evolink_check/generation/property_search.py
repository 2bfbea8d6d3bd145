"""Find the smallest failing example with Hypothesis.

Import this module only when it is needed, because it imports Hypothesis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from evolink_check.generation import source_parsing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

source_parsing.install()  # searches run in several threads


class SearchAbortedError(BaseException):  # Hypothesis treats any `Exception` as a failing example
    """Raised by the tested function (`body` of `run_property`) to end the whole search. The message is the reason."""


@dataclass(frozen=True, slots=True)
class Search:
    """How thoroughly to search for a failing example."""

    examples: int  # the maximum number of examples
    seed: int | None = None  # None for a random seed
    memory: Path | None = None  # a folder of failing examples, which are tried first


def run_property(cases: SearchStrategy[T], body: Callable[[T], object], search: Search) -> None:
    """Call `body` with examples that the strategy `cases` generates.

    Raises the exception of `body` for the smallest failing example. Raises `hypothesis.errors.Flaky` if a failing
    example passes when it is repeated. Raises `hypothesis.errors.Unsatisfiable` if the strategy generates too few
    examples.
    """

    def example(case: T) -> None:
        body(case)

    # `seed` resets the database, so it is applied before the settings.
    test = given(cases)(example)
    seeded = test if search.seed is None else seed(search.seed)(test)
    search_settings(search)(seeded)()


def search_settings(search: Search) -> settings:
    """Return the Hypothesis settings for a search."""
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
