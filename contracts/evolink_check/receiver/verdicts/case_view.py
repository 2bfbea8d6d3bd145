"""The data that the rules about one task use."""

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

    from evolink_check.receiver.records import (
        Booking,
        Call,
        Kind,
        Outcome,
        ReceiverActivity,
        TaskCase,
        Terms,
        Timing,
    )
    from evolink_check.receiver.verdicts.scenario_trace import ScenarioTrace

Judged = tuple[str, Finding]  # a clause id, and a finding for or against the clause
MUST_ACCEPT: dict[Kind, str] = {"variant": "receiver.tolerant", "framed": "receiver.reads-body"}


# A fault with usual callbacks is not reported again by the rules about unusual callbacks.
@dataclass(frozen=True, slots=True)
class UsualBehaviour:
    """How the receiver reacts to usual callbacks.

    A usual callback is genuine and has ordinary content.
    """

    asks: bool = True  # queries tasks
    books: bool = True  # has booked at least one task in the ledger
    refuses_failures: bool = False  # refused a usual callback about a failed task
    books_failures: bool = False  # booked a failed task as a success
    loses: bool = False  # accepted a usual callback about a completed task, but did not book the task


def usual_behaviour_of(cases: Sequence[TaskCase], activity: ReceiverActivity) -> UsualBehaviour:
    """Derive the usual behaviour of the receiver from all tasks of a check."""
    usual = [case for case in cases if {"usual", "burst"} & {call.kind for call in case.calls}]
    failed = [case for case in usual if case.truth == "failed"]
    completed = [case for case in usual if case.truth == "completed" and case.accepted]
    return UsualBehaviour(
        asks=any(is_confirmed(activity, case) for case in cases),
        books=any(activity.booked(case.id) for case in cases),
        refuses_failures=any(not case.accepted for case in failed),
        books_failures=any(with_outcome(activity.booked(case.id), "success") for case in failed),
        loses=activity.bookings is not None
        and any(not with_outcome(activity.booked(case.id), "success", "unclear") for case in completed),
    )


def with_outcome(bookings: Iterable[Booking], *outcomes: Outcome) -> list[Booking]:
    """Return the bookings that have one of these outcomes."""
    return [booking for booking in bookings if booking.outcome in outcomes]


@dataclass(frozen=True)
class CaseView:
    """One task of a scenario, and the data for the rules about the task."""

    case: TaskCase
    trace: ScenarioTrace
    activity: ReceiverActivity
    behaviour: UsualBehaviour
    terms: Terms
    timing: Timing
    spec: Spec

    @cached_property
    def bookings(self) -> tuple[Booking, ...]:
        """The bookings of the task."""
        return self.activity.booked(self.case.id)

    @cached_property
    def asked(self) -> bool:
        """Whether the receiver queried the task."""
        return bool(self.trace.queries(self.case))

    @property
    def kinds(self) -> set[Kind]:
        """The kinds of the task's callbacks, such as `usual`, `repeat` or `forged`."""
        return {call.kind for call in self.case.calls}

    @property
    def is_confirmed(self) -> bool:
        """Whether the receiver learned from a status query that the task had ended."""
        return is_confirmed(self.activity, self.case)

    def numbers(self, *calls: Call) -> tuple[int, ...]:
        """Return the entry numbers of these callbacks in the trace.

        Without arguments, the numbers of all callbacks are returned.
        """
        return tuple(map(self.trace.number, calls or self.case.calls))


def describe(call: Call) -> str:
    """Describe in brackets how a callback differs from a usual one.

    The text is empty for a usual callback.
    """
    return f" ({call.label})" if call.label else ""


def describe_reply(call: Call) -> str:
    """Describe the response to a callback by its status.

    The target of a redirect is included.
    """
    reply = call.reply
    if not reply.status:
        return f"{reply.problem}{describe(call)}"
    location = next((value for name, value in reply.headers if name.lower() == "location"), "")
    where = f" to {redact_url(location)}, and EvoLink follows no redirect" if location else ""
    return f"{reply.status}{where}{describe(call)}"
