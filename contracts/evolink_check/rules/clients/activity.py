"""What the rules of a client ask of a trace: its requests, equal ones, fetches, ids that nobody gave. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import results_of

if TYPE_CHECKING:
    from evolink_check.analysis.observations import Observation, Role, TraceView

PLACEHOLDERS = frozenset(
    {"", "undefined", "null", "None", "NaN", "nil", "[object Object]", "[object%20Object]"}
)
ASKS: tuple[Role, ...] = ("create", "query", "credits")  # what needs the key
SOON = 60.0  # seconds: what is sent again later than that, somebody has thought about


def asks(reading: TraceView, *roles: Role) -> tuple[Observation, ...]:
    """The requests of these roles in order, answered or not."""
    return tuple(one for one in reading.seen if one.role in roles)


def fetches(reading: TraceView) -> tuple[Observation, ...]:
    """Every fetch of a result, answered or not, also of one to whose link something was added."""
    told = (url for one in reading.seen if one.role in {"query", "delivery"} for url in results_of(one.body))
    bare = {url.partition("?")[0] for url in told}
    other = {"link", "other path", "elsewhere"}
    return tuple(
        one for one in reading.seen if one.role in other and one.entry.exchange.url.partition("?")[0] in bare
    )


def placeholder(one: Observation, reading: TraceView) -> str | None:
    """The text of a missing value that a client has taken for an id; None for any other request."""
    before, _, id_ = reading.path(one.entry.exchange.url).rpartition("/")
    queries = f"{before}/" == reading.spec.query.path.partition("{")[0] and one.role in {
        "query",
        "other path",
    }
    return id_ if queries and id_ in PLACEHOLDERS else None


def untold(reading: TraceView) -> tuple[Observation, ...]:
    """The queries for an id that is in no answer before, and that did not succeed."""
    created = next((one.number for one in asks(reading, "create") if one.answered), None)
    if created is None or not reading.trace.complete:
        return ()  # the user may have handed the id to the client
    return tuple(
        one
        for one in asks(reading, "query")
        if one.number > created and not one.succeeded and placeholder(one, reading) is None
        if not _was_told(one, reading)
    )


def invented(reading: TraceView) -> frozenset[int]:
    """The numbers of the queries for an id that nobody gave, as the server has said (clause `client.given-ids`)."""
    return frozenset(one.number for one in untold(reading) if one.status in {400, 403, 404})


def _was_told(one: Observation, reading: TraceView) -> bool:
    id_ = re.compile(
        rb"(?<![\w-])" + re.escape(one.task_id.encode("utf-8", "surrogatepass")) + rb"(?![\w-])"
    )  # whole, no part of another
    before = (earlier.entry.exchange for earlier in reading.seen[: one.number])
    return any(id_.search(exchange.response_body) or id_.search(exchange.request_body) for exchange in before)


def equals(reading: TraceView, *roles: Role) -> list[list[Observation]]:
    """Equal requests (who, method, URL, body) together, each group in order of time."""
    found: dict[tuple[str, str, str, bytes], list[Observation]] = {}
    for one in asks(reading, *roles):
        exchange = one.entry.exchange
        key = (one.entry.who, exchange.method, exchange.url, exchange.request_body)
        found.setdefault(key, []).append(one)
    return list(found.values())


def pause(before: Observation, after: Observation) -> float:
    """Seconds from an answer to the next request."""
    return after.entry.began - before.entry.ended


def legible(one: Observation) -> bool:
    """Whether an answer is a 2xx that says it is JSON, and is: anything else, a client may take for lost."""
    return one.succeeded and "json" in (one.header("content-type") or "json").lower()


def lost(one: Observation) -> bool:
    """Whether a create may have made a task whose id the client was not told."""
    if 200 <= one.status < 300:  # noqa: PLR2004
        return not one.task_id or not legible(one)
    return not one.answered


def ended(one: Observation, reading: TraceView) -> bool:
    """Whether an answer that can be read, or a delivery, says that its task is over."""
    statuses = reading.spec.query.statuses
    return (one.role == "delivery" or legible(one)) and one.body.get("status") in (
        statuses.success,
        statuses.failure,
    )


def failure_of(one: Observation, reading: TraceView) -> str | None:
    """The code of a task that an answer or a delivery says has failed, empty when it says none; None otherwise."""
    if one.body.get("status") != reading.spec.query.statuses.failure:
        return None
    error = one.body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""
