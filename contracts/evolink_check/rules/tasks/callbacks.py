"""Rules about callbacks: when they are sent and what they contain.

`callback_retries` checks how often and when the server retries a callback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.internal_hosts import is_internal
from evolink_check.analysis.verdicts import finding, passed, shown, violation
from evolink_check.rules.registry import rule, rules_of
from evolink_check.rules.tasks import lifecycle, outcomes, progress, queries
from evolink_check.rules.tasks.body_fields import (
    IDENTITY,
    can_cancel,
    is_cancelled,
    links_of,
    reason_of,
    sound_identity,
)
from evolink_check.rules.tasks.deliveries import all_deliveries, is_lossy, is_truncated, watched_deliveries
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.formats import NOT_JSON
from evolink_check.traffic.known_keys import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.deliveries import TaskDeliveries


@rule("callback.only-when-asked")
def only_when_asked(view: TraceView) -> Iterator[Finding]:
    """If a create request has no callback URL, no callback is sent.

    The rule needs a recording of the deliveries to a callback receiver.
    """
    for deliveries in all_deliveries(view) if view.trace.receiver else ():
        if deliveries.url != "":
            continue
        for delivery in (*deliveries.early, *deliveries.attempts):
            yield violation(
                deliveries.history.create.number if deliveries.history.create else delivery.number,
                delivery.number,
                expected="no callback: the create has no callback URL",
                seen=f"a callback to {shown(_on_wire(delivery.exchange.url)[0])}",
            )
        if not deliveries.early and not deliveries.attempts and _is_due(deliveries, view):
            yield passed(deliveries.history.ended[0].number)


def _is_due(deliveries: TaskDeliveries, view: TraceView) -> bool:
    return bool(deliveries.history.ended) and _is_over(deliveries, deliveries.history.ended[0], view)


def _is_over(deliveries: TaskDeliveries, end: Observation, view: TraceView) -> bool:
    # The callback would have arrived within this time. If the server was slow, the callback may be late or
    # lost.
    enough = Tolerances(view.trace.scale).wait_for_delivery(deliveries.rules, 0)
    over = view.trace.watched_until >= end.ended + enough
    return over and not is_lossy(deliveries, end.ended, view, rest=1 + len(deliveries.rules.retries))


@rule("callback.at-end")
def at_end(view: TraceView) -> Iterator[Finding]:
    """The server sends the callback when a task completes or fails.

    The server never sends the callback earlier. `callback.cancelled` checks the callbacks of cancelled tasks.
    """
    for deliveries in watched_deliveries(view):
        for delivery in deliveries.early:
            yield violation(
                delivery.number,
                expected="a callback after the end",
                seen=f"a callback before it, with status {shown(delivery.body.get('status'))}",
            )
        if not deliveries.early and not deliveries.history.cancelled:
            yield from _delivery_findings(deliveries, view)


@rule("callback.cancelled")
def cancelled(view: TraceView) -> Iterator[Finding]:
    """The server sends a callback for a cancelled task too."""
    for deliveries in watched_deliveries(view):
        if not deliveries.early and deliveries.history.cancelled:
            yield from _delivery_findings(deliveries, view)


def _delivery_findings(deliveries: TaskDeliveries, view: TraceView) -> Iterator[Finding]:
    if deliveries.attempts:
        yield passed(deliveries.attempts[0].number)
        return
    history = deliveries.history
    over = [
        observation
        for observation in history.judged
        if observation.body.get("status") in history.ends or is_cancelled(observation.body)
    ]
    if over and not deliveries.redirected and _is_over(deliveries, over[0], view):
        waited = view.trace.watched_until - over[0].ended
        yield violation(
            over[0].number,
            expected="a callback once the task was over",
            seen=f"none within {waited:.0f} s of status {shown(over[0].body.get('status'))}",
        )


@rule("callback.post")
def post(view: TraceView) -> Iterator[Finding]:
    """A callback is a POST of JSON with the content type of JSON."""
    for deliveries in all_deliveries(view):
        for delivery in (*deliveries.early, *deliveries.attempts):
            if is_truncated(delivery):
                continue
            problem = _post_problem(delivery)
            yield finding(not problem, delivery.number, expected="POST of application/json", seen=problem)


def _post_problem(observation: Observation) -> str:
    method = observation.exchange.method.upper()
    kind = (observation.header("Content-Type") or "").partition(";")[0].strip().lower()
    if method != "POST":
        return method
    if kind != "application/json" and not kind.endswith("+json"):
        return f"Content-Type {shown(kind)}"
    return "a body that is not JSON" if observation.request_json is NOT_JSON else ""


@rule("callback.body-equals-query")
def body_equals_query(view: TraceView) -> Iterator[Finding]:
    """The body of a callback equals the response to a status query.

    `usage`, `task_info.estimated_time` and the query strings of links may differ. The rule uses the first query
    response that reports the end of the task. Responses that violate another clause are not used. If no query
    response remains, repeated deliveries are compared with the first one.
    """
    for deliveries in all_deliveries(view):
        attempts = [
            delivery for delivery in deliveries.attempts if isinstance(delivery.request_json, dict | list)
        ]
        sound = [
            observation
            for observation in deliveries.history.ended
            if observation.number not in view.once(_numbers_with_violations)
        ]
        reference = sound[0] if sound else attempts[0] if attempts else None
        for delivery in attempts:
            if reference is None or reference is delivery:
                continue
            name = _difference(delivery.body, reference.body, deliveries)
            yield finding(
                not name,
                reference.number,
                delivery.number,
                expected=f"{name} {shown(_field(reference.body, name))}, as in the {reference.role}",
                seen=f"{name} {shown(_field(delivery.body, name))}",
            )


def _numbers_with_violations(view: TraceView) -> frozenset[int]:
    # These rules are about the status, the outcome and the queries of a task.
    return frozenset(
        finding.entries[-1]
        for rule_of_task in rules_of(lifecycle, outcomes, progress, queries).values()
        for finding in rule_of_task(view)
        if not finding.passed
    )


def _field(body: Mapping[str, Any], name: str) -> Any:
    if name == "results":
        return links_of(body)
    return can_cancel(body) if name == "can_cancel" else body.get(name)


def _difference(body: Mapping[str, Any], right: Mapping[str, Any], deliveries: TaskDeliveries) -> str:
    identity = (
        sound_identity(deliveries.history.create) if deliveries.history.create else dict.fromkeys(IDENTITY)
    )
    for name in ("id", "status", "progress", *(name for name in IDENTITY if name in identity)):
        if right.get(name) is not None and body.get(name) != right[name]:
            return name
    if links_of(body) != links_of(right):
        return "results"
    if reason_of(body) != reason_of(right):
        return "error"
    here, there = can_cancel(body), can_cancel(right)
    return "can_cancel" if None not in {here, there} and here != there else ""


@rule("callback.query-kept")
def query_kept(view: TraceView) -> Iterator[Finding]:
    """A callback is sent to the path and query string of the callback URL."""
    for deliveries in all_deliveries(view):
        for delivery in (*deliveries.early, *deliveries.attempts) if deliveries.url else ():
            requested, called = _on_wire(deliveries.url or ""), _on_wire(delivery.exchange.url)
            if requested == called:
                yield passed(delivery.number)
            else:
                what = "path" if requested[0] != called[0] else "query string"
                # The path and the query string may be secret.
                lengths = [len(parts[what == "query string"]) for parts in (requested, called)]
                yield violation(
                    delivery.number,
                    expected=f"the {what} of the create, {lengths[0]} characters",
                    seen=f"another {what}, {lengths[1]} characters",
                )


def _on_wire(url: str) -> tuple[str, str]:
    """Return the path, and the query string with its question mark."""
    rest = url.partition("#")[0].partition("://")[2]
    before, mark, query = rest.partition("?")
    _, slash, path = before.partition("/")
    return (f"{slash}{path}" or "/"), f"{mark}{query}"


@rule("callback.no-key")
def no_key(view: TraceView) -> Iterator[Finding]:
    """A callback does not contain the API key of the account."""
    for deliveries in all_deliveries(view):
        for delivery in (*deliveries.early, *deliveries.attempts):
            exchange = delivery.exchange
            texts = (exchange.url, *(value for _, value in exchange.request_headers))
            hidden = any(KEY in text for text in texts) or KEY.encode() in exchange.request_body
            bearer = delivery.sent("Authorization") is not None
            seen = "an Authorization header" if bearer else "the account's key in the delivery"
            yield finding(not (bearer or hidden), delivery.number, expected="no key", seen=seen)


@rule("callback.no-internal-at-delivery")
def no_internal_at_delivery(view: TraceView) -> Iterator[Finding]:
    """The server sends no callback to an internal host.

    `callback.no-internal` checks create requests with an internal callback URL.
    """
    for deliveries in all_deliveries(view):
        if not deliveries.url or is_internal(deliveries.url):
            continue
        for delivery in (*deliveries.early, *deliveries.attempts, *deliveries.redirected):
            # The trace does not show the address to which a host name resolves.
            if is_internal(delivery.exchange.url):
                yield violation(
                    delivery.number, expected="no connection to an internal host", seen="a callback to one"
                )
