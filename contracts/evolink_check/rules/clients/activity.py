"""What the rules of a client ask of a trace: its requests, equal ones, fetches, ids that nobody gave. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import results_of
from evolink_check.rules.tolerances import Tolerances

if TYPE_CHECKING:
    from evolink_check.analysis.observations import Observation, Role
    from evolink_check.analysis.trace_view import TraceView

PLACEHOLDERS = frozenset(
    {"", "undefined", "null", "None", "NaN", "nil", "[object Object]", "[object%20Object]"}
)
ASKS: tuple[Role, ...] = ("create", "query", "credits")  # what needs the key
SOON = Tolerances().repeat


def asks(view: TraceView, *roles: Role) -> tuple[Observation, ...]:
    """The requests of these roles in order, answered or not."""
    return tuple(observation for observation in view.seen if observation.role in roles)


def fetches(view: TraceView) -> tuple[Observation, ...]:
    """Every fetch of a result, answered or not, also of one to whose link something was added."""
    told = (
        url
        for observation in view.seen
        if observation.role in {"query", "delivery"}
        for url in results_of(observation.body)
    )
    bare = {url.partition("?")[0] for url in told}
    other = {"link", "other path", "elsewhere"}
    return tuple(
        observation
        for observation in view.seen
        if observation.role in other and observation.exchange.url.partition("?")[0] in bare
    )


def placeholder(observation: Observation, view: TraceView) -> str | None:
    """The text of a missing value that a client has taken for an id; None for any other request."""
    before, _, id_ = view.path(observation.exchange.url).rpartition("/")
    queries = f"{before}/" == view.spec.query.path.partition("{")[0] and observation.role in {
        "query",
        "other path",
    }
    return id_ if queries and id_ in PLACEHOLDERS else None


def untold(view: TraceView) -> tuple[Observation, ...]:
    """The queries for an id that is in no answer before, and that did not succeed."""
    created = next((observation.number for observation in asks(view, "create") if observation.answered), None)
    if created is None or not view.trace.complete:
        return ()  # the user may have handed the id to the client
    return tuple(
        observation
        for observation in asks(view, "query")
        if observation.number > created
        and not observation.succeeded
        and placeholder(observation, view) is None
        if not _was_told(observation, view)
    )


def invented(view: TraceView) -> frozenset[int]:
    """The numbers of the queries for an id that nobody gave, as the server has said (clause `client.given-ids`)."""
    return frozenset(
        observation.number for observation in untold(view) if observation.status in {400, 403, 404}
    )


def _was_told(observation: Observation, view: TraceView) -> bool:
    id_ = re.compile(
        rb"(?<![\w-])" + re.escape(observation.task_id.encode("utf-8", "surrogatepass")) + rb"(?![\w-])"
    )  # whole, no part of another
    before = (earlier.exchange for earlier in view.seen[: observation.number])
    return any(id_.search(exchange.response_body) or id_.search(exchange.request_body) for exchange in before)


def equals(view: TraceView, *roles: Role) -> list[list[Observation]]:
    """Equal requests (who, method, URL, body) together, each group in order of time."""
    found: dict[tuple[str, str, str, bytes], list[Observation]] = {}
    for observation in asks(view, *roles):
        exchange = observation.exchange
        key = (observation.who, exchange.method, exchange.url, exchange.request_body)
        found.setdefault(key, []).append(observation)
    return list(found.values())


def pause(before: Observation, after: Observation) -> float:
    """Seconds from an answer to the next request."""
    return after.began - before.ended


def legible(observation: Observation) -> bool:
    """Whether an answer is a 2xx that says it is JSON, and is: anything else, a client may take for lost."""
    return observation.succeeded and "json" in (observation.header("content-type") or "json").lower()


def lost(observation: Observation) -> bool:
    """Whether a create may have made a task whose id the client was not told."""
    if 200 <= observation.status < 300:  # noqa: PLR2004
        return not observation.task_id or not legible(observation)
    return not observation.answered


def ended(observation: Observation, view: TraceView) -> bool:
    """Whether an answer that can be read, or a delivery, says that its task is over."""
    statuses = view.spec.query.statuses
    return (observation.role == "delivery" or legible(observation)) and observation.body.get("status") in (
        statuses.success,
        statuses.failure,
    )


def failure_of(observation: Observation, view: TraceView) -> str | None:
    """The code of a task that an answer or a delivery says has failed, empty when it says none; None otherwise."""
    if observation.body.get("status") != view.spec.query.statuses.failure:
        return None
    error = observation.body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""
