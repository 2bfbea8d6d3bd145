"""What a run has found, as one record: everything that a terminal, a file or a page shows of it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec import Spec

    from evolink_check.analysis.observations import TraceView
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.traffic.trace import Trace

Kind = Literal["api", "recording", "proxy"]
PASSED, FAILED, COULD_NOT_RUN = 0, 1, 2  # exit statuses


@dataclass(frozen=True, slots=True)
class Answer:
    """A documented answer of an operation, and how often it was seen."""

    method: str
    path: str
    status: int
    description: str
    seen: int


@dataclass(frozen=True, slots=True)
class Report:
    """One run. Times are Unix seconds and seconds; credits are those of the server.

    `command` repeats the run; with `--clause ID` behind it, it repeats what concerns just that clause. It shows no
    key: those stand in the environment. `budget` is None when no credits were granted. `notes` say what was left out.
    `har` names the file that holds the trace, where there is one. `spec` is what it was read by; None: the built-in.
    """

    kind: Kind
    subject: str  # the base URL, or the names of the files
    trace: Trace
    verdicts: tuple[Verdict, ...]
    answers: tuple[Answer, ...]
    started: float
    seconds: float
    command: str = ""
    profile: str = ""
    seed: int | None = None
    budget: float | None = None
    spent: float = 0.0
    created: int = 0
    notes: tuple[str, ...] = ()
    har: str = ""
    spec: Spec | None = None

    @property
    def exit_status(self) -> int:
        """1 when a clause failed that no baseline knows, else 0."""
        return FAILED if any(verdict.fails for verdict in self.verdicts) else PASSED

    def counts(self) -> dict[str, int]:
        """How many clauses have each status."""
        return dict(Counter(verdict.status for verdict in self.verdicts))


def answers_of(reading: TraceView) -> tuple[Answer, ...]:
    """Every documented answer of the create and of the query, with how often the trace holds it."""
    seen = Counter((one.role, one.status) for one in reading.of("create", "query"))
    return tuple(
        Answer(method, path, status, description, seen[role, status])
        for role, method, path, status, description in _documented(reading.spec)
    )


def _documented(spec: Spec) -> Iterator[tuple[Literal["create", "query"], str, str, int, str]]:
    for (method, path), creates in spec.creates.items():
        operation = next(iter(creates.values()))
        yield "create", method, path, operation.success, "the task was made"
        for status, error in sorted(operation.errors.items()):
            yield "create", method, path, status, error.description
    query = spec.query
    yield "query", query.method, query.path, query.success, "how the task is doing"
    for status, error in sorted(query.errors.items()):
        yield "query", query.method, query.path, status, error.description
