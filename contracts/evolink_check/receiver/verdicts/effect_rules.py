"""Rules about the effects of callbacks, such as bookings and fetches of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.receiver.verdicts.case_view import MUST_ACCEPT, describe, describe_reply, with_outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.receiver.records import Booking, TaskCase
    from evolink_check.receiver.verdicts.case_view import CaseView, Judged

_LOST = "receiver.takes-effect"


def judge_effects(view: CaseView) -> Iterator[Judged]:
    """Judge the effects of the callbacks of a task."""
    if "stranger" in view.kinds:
        yield from _secret(view)
    elif "forged" in view.kinds:
        yield from _forged(view)
    elif not any(call.reply.late for call in view.case.calls):
        yield from _booked_twice(view)
        yield from _effect(view)


def _secret(view: CaseView) -> Iterator[Judged]:
    # A callback without the right secret must have no visible effect.
    (call,) = view.case.calls
    acts = [
        *(["a booking"] if view.bookings else []),
        *(["a fetch of its result"] if view.trace.fetches(view.case) else []),
        *(["a query of its task"] if view.asked else []),
    ]
    numbers = view.numbers(call)
    if acts and (call.reply.accepted or view.bookings or view.trace.fetches(view.case)):
        seen = f"{describe_reply(call)}, and {' and '.join(acts)}"
        yield "receiver.secret", violation(*numbers, expected="no effect without the secret", seen=seen)
    elif view.behaviour.asks or view.behaviour.books or not call.reply.accepted:
        yield "receiver.secret", passed(*numbers)


def _forged(view: CaseView) -> Iterator[Judged]:
    # A forged callback must have no effect before a query confirms its content.
    if view.terms.trusts_secret or not view.case.calls or view.case.id == "no task":
        return
    case, call = view.case, view.case.calls[0]
    if case.truth == "failed" and view.behaviour.books_failures:
        return  # the receiver books every failed task as a success, which another clause covers
    fetched = view.trace.forged_fetches(case)
    if case.truth == "nothing":
        fetched = (*fetched, *view.trace.fetches(case))
    booked = [booking for booking in view.bookings if _repeats_forgery(booking, case)]
    if booked or fetched:
        what = f"booked: {booked[0].text}" if booked else "its result was fetched"
        seen = f"{what} ({call.label})"
        numbers = (*view.numbers(call), *(entry.number for entry in fetched[:1]))
        expected = "an effect only if a query confirms it"
        yield "receiver.confirmed", violation(*numbers, expected=expected, seen=seen)
    elif view.behaviour.asks or view.behaviour.books:
        yield "receiver.confirmed", passed(*view.numbers(call))


def _repeats_forgery(booking: Booking, case: TaskCase) -> bool:
    if case.truth == "completed":  # only the results are forged
        return case.forged in booking.text
    return booking.outcome != "failure"


def _booked_twice(view: CaseView) -> Iterator[Judged]:
    if not view.bookings:
        return
    count = len(view.bookings)
    seen = f"{count} bookings: {view.bookings[-1].text}"
    yield "receiver.idempotent", finding(count == 1, *view.numbers(), expected="one booking", seen=seen)


def _effect(view: CaseView) -> Iterator[Judged]:
    # The receiver must book the real end of the task after the API reports the end.
    case = view.case
    if case.truth == "failed":
        yield from _failure_effect(view)
        return
    early = [booking for booking in case.booked_early if booking.outcome != "failure"]
    if early and not view.terms.trusts_secret:
        seen = f"booked: {early[0].text}{describe(case.calls[0])}"
        expected = "no booking before a query confirms it"
        yield "receiver.confirmed", violation(*view.numbers(), expected=expected, seen=seen)
    elif "unconfirmed" in view.kinds:
        yield from _recovery(view)
    if case.accepted:
        yield from _lost(view)


def _failure_effect(view: CaseView) -> Iterator[Judged]:
    success = with_outcome(view.bookings, "success")
    if view.bookings:
        seen = f"booked: {success[0].text}" if success else ""
        expected = "no success booked"
        yield (
            "receiver.failed-is-failure",
            finding(not success, *view.numbers(), expected=expected, seen=seen),
        )


def _recovery(view: CaseView) -> Iterator[Judged]:
    # A callback must not be lost if status queries failed at first.
    case, timing = view.case, view.timing
    if (
        not view.behaviour.asks or view.behaviour.loses or view.terms.trusts_secret
    ):  # another clause covers this
        return
    label = case.calls[0].label
    # The receiver must refuse the callback, or query the task again later.
    if not case.accepted:
        seen = f"{describe_reply(case.calls[-1])} still, after {len(case.calls)} attempts ({label})"
        yield "receiver.asks-again", violation(*view.numbers(), expected="2xx in the end", seen=seen)
        return
    seen = f"{describe_reply(case.calls[-1])}, and no successful query within {timing.patience:g} s ({label})"
    expected = "a refusal, so that it is sent again, or another query"
    yield "receiver.asks-again", finding(view.is_confirmed, *view.numbers(), expected=expected, seen=seen)


def _lost(view: CaseView) -> Iterator[Judged]:
    # An accepted callback of a completed task must lead to a booking.
    clause = next((MUST_ACCEPT[kind] for kind in view.kinds if kind in MUST_ACCEPT), _LOST)
    if clause != _LOST and view.behaviour.loses:
        return
    accepted = [call for call in view.case.calls if call.reply.accepted]
    numbers, label = view.numbers(*accepted), describe(accepted[0])
    if view.activity.bookings is not None:
        if not view.bookings and not view.is_confirmed and "unconfirmed" in view.kinds:
            return  # the receiver did not query again, which another clause covers
        hint = "" if view.behaviour.books else "; the ledger names none of the tasks: is it the right one?"
        seen = (
            f"booked: {view.bookings[0].text}" if view.bookings else f"accepted, and not booked{label}{hint}"
        )
        ok = with_outcome(view.bookings, "success", "unclear")
        yield clause, finding(ok, *numbers, expected="a booking of the completed task", seen=seen)
    # Without a ledger, a query of the task is the expected effect.
    elif clause != _LOST and view.behaviour.asks and not view.terms.trusts_secret:
        seen = f"accepted, and ignored: no query{label}"
        yield clause, finding(view.asked, *numbers, expected="the same effect as other callbacks", seen=seen)
