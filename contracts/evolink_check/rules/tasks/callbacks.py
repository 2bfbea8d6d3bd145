"""How a receiver is called: when, with what, and what is never done. How often is in `retries`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.internal_hosts import is_internal
from evolink_check.analysis.verdicts import finding, passed, violation
from evolink_check.rules.registry import rule, rules_of
from evolink_check.rules.tasks import lifecycle, outcomes, progress, queries
from evolink_check.rules.tasks.deliveries import all_calls, is_lossy, is_torn, patience, watched
from evolink_check.rules.tasks.history import (
    IDENTITY,
    can_cancel,
    is_cancelled,
    links_of,
    reason_of,
    shown,
    sound_identity,
)
from evolink_check.traffic.formats import NOT_JSON
from evolink_check.traffic.redaction import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.deliveries import TaskDeliveries


@rule("callback.only-when-asked")
def only_when_asked(reading: TraceView) -> Iterator[Finding]:
    """`callback.only-when-asked`, where deliveries were watched."""
    for calls in all_calls(reading) if reading.trace.receiver else ():
        if calls.url != "":
            continue
        for one in (*calls.early, *calls.attempts):
            yield violation(
                calls.tale.create.number if calls.tale.create else one.number,
                one.number,
                expected="no callback: the create has no callback URL",
                seen=f"a callback to {shown(_on_wire(one.entry.exchange.url)[0])}",
            )
        if not calls.early and not calls.attempts and _is_due(calls, reading):
            yield passed(calls.tale.ended[0].number)


def _is_due(calls: TaskDeliveries, reading: TraceView) -> bool:
    """Whether a callback would have come by the end of the watching."""
    return bool(calls.tale.ended) and _is_over(calls, calls.tale.ended[0], reading)


def _is_over(calls: TaskDeliveries, end: Observation, reading: TraceView) -> bool:
    """Whether the receiver was watched long enough after an end was told."""
    enough = patience(calls.rules, 0, reading.trace.scale)
    over = reading.trace.watched_until >= end.entry.ended + enough
    return over and not is_lossy(calls, end.entry.ended, reading, rest=1 + len(calls.rules.retries))


@rule("callback.at-end")
def at_end(reading: TraceView) -> Iterator[Finding]:
    """`callback.at-end`, cancelled tasks aside (clause `callback.cancelled`)."""
    for calls in watched(reading):
        for one in calls.early:
            yield violation(
                one.number,
                expected="a callback after the end",
                seen=f"a callback before it, with status {shown(one.body.get('status'))}",
            )
        if not calls.early and not calls.tale.cancelled:
            yield from _told(calls, reading)


@rule("callback.cancelled")
def cancelled(reading: TraceView) -> Iterator[Finding]:
    """`callback.cancelled`."""
    for calls in watched(reading):
        if not calls.early and calls.tale.cancelled:
            yield from _told(calls, reading)


def _told(calls: TaskDeliveries, reading: TraceView) -> Iterator[Finding]:
    if calls.attempts:
        yield passed(calls.attempts[0].number)
        return
    tale = calls.tale
    over = [one for one in tale.judged if one.body.get("status") in tale.ends or is_cancelled(one.body)]
    if over and not calls.elsewhere and _is_over(calls, over[0], reading):
        waited = reading.trace.watched_until - over[0].entry.ended
        yield violation(
            over[0].number,
            expected="a callback once the task was over",
            seen=f"none within {waited:.0f} s of status {shown(over[0].body.get('status'))}",
        )


@rule("callback.post")
def post(reading: TraceView) -> Iterator[Finding]:
    """`callback.post`: POST, a content type of JSON, and JSON."""
    for calls in all_calls(reading):
        for one in (*calls.early, *calls.attempts):
            if is_torn(one):
                continue
            problem = _no_post(one)
            yield finding(not problem, one.number, expected="POST of application/json", seen=problem)


def _no_post(one: Observation) -> str:
    method = one.entry.exchange.method.upper()
    kind = (one.header("Content-Type") or "").partition(";")[0].strip().lower()
    if method != "POST":
        return method
    if kind != "application/json" and not kind.endswith("+json"):
        return f"Content-Type {shown(kind)}"
    return "a body that is no JSON" if one.asked is NOT_JSON else ""


@rule("callback.body-equals-query")
def body_equals_query(reading: TraceView) -> Iterator[Finding]:
    """`callback.body-equals-query`: all documented fields, query strings of links aside.

    It is held against a query that nothing else is wrong with; without any, against the first attempt.
    """
    for calls in all_calls(reading):
        attempts = [one for one in calls.attempts if isinstance(one.asked, dict | list)]
        sound = [view for view in calls.tale.ended if view.number not in reading.once(_blamed)]
        reference = sound[0] if sound else attempts[0] if attempts else None
        for one in attempts:
            if reference is None or reference is one:
                continue
            name = _difference(one.body, reference.body, calls)
            yield finding(
                not name,
                reference.number,
                one.number,
                expected=f"{name} {shown(_field(reference.body, name))}, as the {reference.role} tells",
                seen=f"{name} {shown(_field(one.body, name))}",
            )


def _blamed(reading: TraceView) -> frozenset[int]:
    """The answers that a clause of their own objects to."""
    return frozenset(
        finding.entries[-1]
        for rule_of_task in rules_of(lifecycle, outcomes, progress, queries).values()
        for finding in rule_of_task(reading)
        if not finding.passed
    )


def _field(body: Mapping[str, Any], name: str) -> Any:
    if name == "results":
        return links_of(body)
    return can_cancel(body) if name == "can_cancel" else body.get(name)


def _difference(body: Mapping[str, Any], right: Mapping[str, Any], calls: TaskDeliveries) -> str:
    """The first field that is another, in a word."""
    named = sound_identity(calls.tale.create) if calls.tale.create else dict.fromkeys(IDENTITY)
    for name in ("id", "status", "progress", *(name for name in IDENTITY if name in named)):
        if right.get(name) is not None and body.get(name) != right[name]:
            return name
    if links_of(body) != links_of(right):
        return "results"
    if reason_of(body) != reason_of(right):
        return "error"
    here, there = can_cancel(body), can_cancel(right)
    return "can_cancel" if None not in {here, there} and here != there else ""


@rule("callback.query-kept")
def query_kept(reading: TraceView) -> Iterator[Finding]:
    """`callback.query-kept`: path and query string, to the byte. They may be secret, so only lengths are told."""
    for calls in all_calls(reading):
        for one in (*calls.early, *calls.attempts) if calls.url else ():
            asked, called = _on_wire(calls.url or ""), _on_wire(one.entry.exchange.url)
            if asked == called:
                yield passed(one.number)
            else:
                what = "path" if asked[0] != called[0] else "query string"
                lengths = [len(parts[what == "query string"]) for parts in (asked, called)]
                yield violation(
                    one.number,
                    expected=f"the {what} that was given, of {lengths[0]} characters",
                    seen=f"another {what}, of {lengths[1]} characters",
                )


def _on_wire(url: str) -> tuple[str, str]:
    """Path and query string as they go over the wire; the query string with its question mark."""
    rest = url.partition("#")[0].partition("://")[2]
    before, mark, query = rest.partition("?")
    _, slash, path = before.partition("/")
    return (f"{slash}{path}" or "/"), f"{mark}{query}"


@rule("callback.no-key")
def no_key(reading: TraceView) -> Iterator[Finding]:
    """`callback.no-key`, an advice."""
    for calls in all_calls(reading):
        for one in (*calls.early, *calls.attempts):
            exchange = one.entry.exchange
            texts = (exchange.url, *(value for _, value in exchange.request_headers))
            hidden = any(KEY in text for text in texts) or KEY.encode() in exchange.request_body
            bearer = one.sent("Authorization") is not None
            seen = "an Authorization header" if bearer else "the account's key in the delivery"
            yield finding(not (bearer or hidden), one.number, expected="no key", seen=seen)


@rule("callback.no-internal-at-delivery")
def no_internal_at_delivery(reading: TraceView) -> Iterator[Finding]:
    """`callback.no-internal-at-delivery`, of hosts that are internal by their name or number.

    What a name resolved to is not seen. A create that named such a host is the business of `callback.no-internal`.
    """
    for calls in all_calls(reading):
        if not calls.url or is_internal(calls.url):
            continue
        for one in (*calls.early, *calls.attempts, *calls.elsewhere):
            if is_internal(one.entry.exchange.url):
                yield violation(
                    one.number, expected="no connection to an internal host", seen="a callback to one"
                )
