"""The result of a run as one record.

All reports are made from this record.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evolink_check.analysis.observations import LINKS
from evolink_check.analysis.requirements import shortfalls
from evolink_check.analysis.verdicts import NOT_STRICT
from evolink_check.reports.needs import NO_CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec import Spec

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.requirements import Requirement
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Strictness, Verdict
    from evolink_check.reports.evidence import Evidence
    from evolink_check.reports.needs import Conditions
    from evolink_check.traffic.trace import Trace

Kind = Literal["api", "recording", "proxy"]
PASSED, FAILED, COULD_NOT_RUN = 0, 1, 2  # exit statuses


@dataclass(frozen=True, slots=True)
class Answer:
    """A documented response of an operation, and how often it was seen."""

    method: str
    path: str
    status: int
    description: str
    seen: int


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one run, without secrets."""

    kind: Kind
    subject: str  # the base URL, or the names of the files
    evidence: Evidence  # the recorded traffic
    verdicts: tuple[Verdict, ...]
    answers: tuple[Answer, ...]
    started: float  # Unix seconds
    seconds: float  # the duration of the run
    # The command that repeats the run, without API keys, which it reads from the environment. If `--clause ID` is
    # appended, the command checks only the clause with this id.
    command: str = ""
    profile: str = ""
    seed: int | None = None
    budget: float | None = None  # credits; None if no credits could be spent
    spent: float = 0.0  # credits
    created: int = 0  # the number of tasks that the run created
    notes: tuple[str, ...] = ()  # descriptions of the entries or checks that were left out
    har: str = ""  # the name of the HAR file with the recorded traffic; empty if there is none
    cut_short: str = ""  # the reason why the run ended early; empty if the run was completed
    strictness: Strictness = NOT_STRICT
    requirements: tuple[Requirement, ...] = ()
    conditions: Conditions = NO_CONDITIONS

    def __post_init__(self) -> None:
        plain = {
            "subject": self.evidence.redact(self.subject),
            "command": self.evidence.redact(self.command),
            "verdicts": tuple(map(self.evidence.redact_verdict, self.verdicts)),
            "notes": tuple(map(self.evidence.redact, self.notes)),
            "cut_short": self.evidence.redact(self.cut_short),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)

    @property
    def trace(self) -> Trace:
        """The recorded traffic, without secrets."""
        return self.evidence.trace

    @property
    def exit_status(self) -> int:
        """1 if a clause failed or a requirement is not met, 0 if not.

        Violations in the baseline do not count. In a strict run, warnings count too.
        """
        return FAILED if any(map(self.strictness.fails, self.verdicts)) or self.shortfalls else PASSED

    @property
    def shortfalls(self) -> tuple[str, ...]:
        """The unmet requirements of --require, each described in one line."""
        return shortfalls(self.requirements, self.verdicts)


def answers_of(reading: TraceView) -> tuple[Answer, ...]:
    """Return every documented response, and how often the traffic contains the response.

    The responses are those of the create and query operations.
    """
    seen = Counter((observation.role, observation.status) for observation in reading.of("create", "query"))
    return tuple(
        Answer(method, path, status, description, seen[role, status])
        for role, method, path, status, description in _documented(reading.spec)
    )


def notes_on(view: TraceView) -> tuple[str, ...]:
    """Return one note if a task had more than `LINKS` results in a response or callback.

    The check examines the first `LINKS` results of each task. The tuple is empty if no task had more results.
    """
    sizes = [len(results) for results in map(_results, view.seen) if len(results) > LINKS]
    if not sizes:
        return ()
    where = "a body" if len(sizes) == 1 else f"each of {len(sizes)} bodies"
    return (
        f"only the first {LINKS} results in {where} were examined; up to {max(sizes) - LINKS:,} more were not",
    )


def _results(observation: Observation) -> list[object]:
    results = observation.body.get("results")
    return results if isinstance(results, list) else []


def _documented(spec: Spec) -> Iterator[tuple[Literal["create", "query"], str, str, int, str]]:
    for (method, path), creates in spec.creates.items():
        operation = next(iter(creates.values()))
        yield "create", method, path, operation.success, "the task was created"
        for status, error in sorted(operation.errors.items()):
            yield "create", method, path, status, error.description
    query = spec.query
    yield "query", query.method, query.path, query.success, "the state of the task"
    for status, error in sorted(query.errors.items()):
        yield "query", query.method, query.path, status, error.description
