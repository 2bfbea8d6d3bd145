"""Rules about the responses and status queries of a receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import finding
from evolink_check.receiver.verdicts.case_view import MUST_ACCEPT, describe, describe_reply
from evolink_check.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.receiver.records import Call
    from evolink_check.receiver.verdicts.case_view import CaseView, Judged

_FLOOD, _WINDOW = 10, 1.0  # maximum number of queries of a task, and the seconds in which they are counted


def judge_replies(view: CaseView) -> Iterator[Judged]:
    """Judge the receiver's responses to callbacks, and its queries of the task."""
    yield from _within_limit(view)
    yield from _replies(view)
    yield from _rules_shared_with_clients(view)
    yield from _flood(view)


def _within_limit(view: CaseView) -> Iterator[Judged]:
    for call in view.case.calls:
        limit = view.timing.limit
        seen = f"{call.reply.problem or f'an answer in {call.reply.seconds:.1f} s'}{describe(call)}"
        ok = not call.reply.late
        if ok and not call.reply.status:
            continue  # another clause covers a missing answer
        yield (
            "receiver.within-10s",
            finding(ok, *view.numbers(call), expected=f"an answer in {limit:g} s", seen=seen),
        )


def _replies(view: CaseView) -> Iterator[Judged]:
    for call in view.case.calls:
        clause = "receiver.answers-2xx" if call.kind == "usual" else MUST_ACCEPT.get(call.kind)
        # A receiver that refuses usual callbacks about failed tasks also refuses unusual ones.
        explained = call.kind != "usual" and view.case.truth == "failed" and view.behaviour.refuses_failures
        if clause and not call.reply.late and not explained:
            ok = call.reply.accepted or _is_deliberate(call)
            yield clause, finding(ok, *view.numbers(call), expected="2xx", seen=describe_reply(call))
    last = view.case.calls[-1]
    if "burst" in view.kinds and not any(call.reply.late for call in view.case.calls):
        seen = f"{describe_reply(last)} after {len(view.case.calls)} attempts"
        yield "receiver.answers-2xx", finding(view.case.accepted, *view.numbers(), expected="2xx", seen=seen)


def _is_deliberate(call: Call) -> bool:
    # A receiver is allowed to require these fields.
    essential = call.label in {"without `results`", "without `error`"}
    return essential and 400 <= call.reply.status < 500  # noqa: PLR2004


def _rules_shared_with_clients(view: CaseView) -> Iterator[Judged]:
    late = {view.trace.number(call) for call in view.case.calls if call.reply.late}
    kept = {view.trace.number(call) for call in view.case.calls if call.kind in {"usual", "repeat"}} - late
    about = {entry.number for entry in (*view.trace.queries(view.case), *view.trace.fetches(view.case))}
    trace = TraceView(view.trace.only(lambda entry: entry.number in kept | about), view.spec)
    if "repeat" in view.kinds:
        yield from (("receiver.idempotent", found) for found in RULES["receiver.idempotent"](trace))
    if "usual" in view.kinds and view.case.truth == "completed" and _must_ask(view):
        clause = "receiver.asks-back" if view.terms.secret else "receiver.confirmed"
        yield from ((clause, found) for found in RULES["receiver.asks-back"](trace))


def _must_ask(view: CaseView) -> bool:
    # The receiver has probably ignored the callback, which another clause covers.
    ignored = view.behaviour.asks and view.behaviour.books and not view.asked and not view.bookings
    return not view.terms.trusts_secret and not ignored


def _flood(view: CaseView) -> Iterator[Judged]:
    queries = view.trace.queries(view.case)
    if not queries:
        return
    dense = [
        (first, last)
        for first, last in zip(queries, queries[_FLOOD:], strict=False)
        if last.began - first.began < _WINDOW
    ]
    numbers = [entry.number for entry in (dense[0] if dense else queries[:1])]
    seen = f"more than {_FLOOD} in {_WINDOW:g} s, {len(queries)} in all"
    yield (
        "receiver.no-flood",
        finding(not dense, *numbers, expected="a pause between two queries of a task", seen=seen),
    )
