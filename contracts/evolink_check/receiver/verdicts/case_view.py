"""One task of a scenario, as its rules see it, and what the receiver usually does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import Finding
from evolink_check.receiver.records import is_confirmed
from evolink_check.traffic.text_redaction import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evolink_spec import Spec

    from evolink_check.receiver.records import Booking, Call, Conduct, Kind, Outcome, TaskCase, Terms, Timing
    from evolink_check.receiver.verdicts.scenario_trace import PlayTrace

Judged = tuple[str, Finding]  # with the id of the clause
MUST_ACCEPT: dict[Kind, str] = {"variant": "receiver.tolerant", "framed": "receiver.reads-body"}


@dataclass(frozen=True, slots=True)
class Habits:
    """What the receiver does in the usual cases: one fault is told once, where it shows most clearly.

    `asks`: it queries. `books`: the ledger names some of the tasks. `refuses_failures`: it does not accept a usual
    callback of a failed task. `books_failures`: it books one as a success. `loses`: it accepts usual callbacks and does
    not book them.
    """

    asks: bool = True
    books: bool = True
    refuses_failures: bool = False
    books_failures: bool = False
    loses: bool = False


def habits_of(cases: Sequence[TaskCase], conduct: Conduct) -> Habits:
    """The habits, from all tasks of a check."""
    usual = [case for case in cases if {"usual", "burst"} & {call.kind for call in case.calls}]
    failed = [case for case in usual if case.truth == "failed"]
    completed = [case for case in usual if case.truth == "completed" and case.accepted]
    return Habits(
        asks=any(is_confirmed(conduct, case) for case in cases),
        books=any(conduct.booked(case.id) for case in cases),
        refuses_failures=any(not case.accepted for case in failed),
        books_failures=any(with_outcome(conduct.booked(case.id), "success") for case in failed),
        loses=conduct.bookings is not None
        and any(not with_outcome(conduct.booked(case.id), "success", "unclear") for case in completed),
    )


def with_outcome(bookings: Iterable[Booking], *outcomes: Outcome) -> list[Booking]:
    """Those of the bookings that have one of these outcomes."""
    return [booking for booking in bookings if booking.outcome in outcomes]


@dataclass(frozen=True)
class CaseView:
    """One task of a scenario, with everything that its rules look at."""

    case: TaskCase
    play: PlayTrace
    conduct: Conduct
    habits: Habits
    terms: Terms
    timing: Timing
    spec: Spec

    @cached_property
    def bookings(self) -> tuple[Booking, ...]:
        """What was booked of the task."""
        return self.conduct.booked(self.case.id)

    @cached_property
    def asked(self) -> bool:
        """Whether the receiver queried the task."""
        return bool(self.play.queries(self.case))

    @property
    def kinds(self) -> set[Kind]:
        """The kinds of its callbacks."""
        return {call.kind for call in self.case.calls}

    @property
    def is_confirmed(self) -> bool:
        """Whether a query has returned its end."""
        return is_confirmed(self.conduct, self.case)

    def numbers(self, *calls: Call) -> tuple[int, ...]:
        """The entries of these callbacks; of all without any."""
        return tuple(map(self.play.number, calls or self.case.calls))


def describe(call: Call) -> str:
    """What is special about a callback, in brackets."""
    return f" ({call.label})" if call.label else ""


def describe_reply(call: Call) -> str:
    """What was answered to a callback, and where a redirect leads."""
    reply = call.reply
    if not reply.status:
        return f"{reply.problem}{describe(call)}"
    location = next((value for name, value in reply.headers if name.lower() == "location"), "")
    where = f" to {redact_url(location)}, and EvoLink follows no redirect" if location else ""
    return f"{reply.status}{where}{describe(call)}"
