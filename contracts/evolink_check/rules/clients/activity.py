"""Find the requests of a client in a trace.

The functions find status queries, repeated requests, downloads, and queries for unknown ids.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import results_of
from evolink_check.rules.exchanges.attribution import ID
from evolink_check.rules.tolerances import Tolerances

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_check.analysis.observations import Observation, Role
    from evolink_check.analysis.trace_view import TraceView

PLACEHOLDERS = frozenset(
    {"", "undefined", "null", "None", "NaN", "nil", "[object Object]", "[object%20Object]"}
)
KEYED_ROLES: tuple[Role, ...] = ("create", "query", "credits")  # requests that need the API key
SOON = Tolerances().repeat
_OUTSIDE: frozenset[Role] = frozenset({"link", "other path", "elsewhere"})
_TOKEN = re.compile(rb"[\w-]+")


def requests_with_roles(view: TraceView, *roles: Role) -> tuple[Observation, ...]:
    """Return all requests with these roles, such as `create`, in order of time.

    Requests without a response are included.
    """
    return tuple(observation for observation in view.seen if observation.role in roles)


def queries_of(view: TraceView, task_id: str) -> Sequence[Observation]:
    """Return all status queries of a task in order of time.

    Queries without a response are included.
    """
    return view.once(_queries_by_task).get(task_id, ())


def _queries_by_task(view: TraceView) -> Mapping[str, list[Observation]]:
    queries: dict[str, list[Observation]] = {}
    for query in requests_with_roles(view, "query"):
        queries.setdefault(query.task_id, []).append(query)
    return queries


def fetches(view: TraceView) -> tuple[Observation, ...]:
    """Return all requests for result files, including requests without a response.

    A request counts if its URL equals a result link. Query strings are not compared.
    """
    # The client may have changed the query string.
    return view.once(_fetches)


def _fetches(view: TraceView) -> tuple[Observation, ...]:
    links = {
        bare_url(url)
        for observation in view.seen
        if observation.role in {"query", "delivery"}
        for url in results_of(observation.body)
    }
    return tuple(
        observation
        for observation in view.seen
        if observation.role in _OUTSIDE and bare_url(observation.exchange.url) in links
    )


def bare_url(url: str) -> str:
    """Return a URL without its query string."""
    return url.partition("?")[0]


def requests_naming(view: TraceView, task_id: str) -> Sequence[Observation]:
    """Return the requests whose URL contains this task id.

    Requests to documented paths of the API are left out.
    """
    if ID.fullmatch(task_id):
        return view.once(_requests_by_id).get(task_id, ())
    return [observation for observation in view.once(_outside) if task_id in observation.exchange.url]


def _outside(view: TraceView) -> tuple[Observation, ...]:
    return tuple(observation for observation in view.seen if observation.role in _OUTSIDE)


def _requests_by_id(view: TraceView) -> Mapping[str, list[Observation]]:
    requests: dict[str, list[Observation]] = {}
    for observation in view.once(_outside):
        for task_id in {match[0] for match in ID.finditer(observation.exchange.url)}:
            requests.setdefault(task_id, []).append(observation)
    return requests


def placeholder_id(observation: Observation, view: TraceView) -> str | None:
    """Return the placeholder that a client queried as a task id, such as `undefined`.

    Returns None for any other request.
    """
    before, _, id_ = view.path(observation.exchange.url).rpartition("/")
    queries = f"{before}/" == view.spec.query.path.partition("{")[0] and observation.role in {
        "query",
        "other path",
    }
    return id_ if queries and id_ in PLACEHOLDERS else None


def queries_for_unknown_ids(view: TraceView) -> tuple[Observation, ...]:
    """Return the failed status queries for unknown task ids.

    A task id is unknown if no earlier request or response contains the id. Returns no queries if the trace is
    incomplete.
    """
    return view.once(_queries_for_unknown_ids)


def _queries_for_unknown_ids(view: TraceView) -> tuple[Observation, ...]:
    created = next((create.number for create in requests_with_roles(view, "create") if create.answered), None)
    # In an incomplete trace, the client may have got the id from an exchange that was not recorded.
    if created is None or not view.trace.complete:
        return ()  # the user may have handed the id to the client
    failed = [
        query
        for query in requests_with_roles(view, "query")
        if query.number > created and not query.succeeded and placeholder_id(query, view) is None
    ]
    first = _first_mentions({_encoded(query.task_id) for query in failed}, view)
    return tuple(
        query for query in failed if first.get(_encoded(query.task_id), query.number) >= query.number
    )


def queries_for_invented_ids(view: TraceView) -> frozenset[int]:
    """Return the entry numbers of the status queries for invented task ids.

    An unknown id counts as invented if its query got a 400, 403 or 404. `queries_for_unknown_ids` tells when
    an id is unknown.
    """
    return frozenset(
        query.number for query in queries_for_unknown_ids(view) if query.status in {400, 403, 404}
    )


def _first_mentions(ids: set[bytes], view: TraceView) -> Mapping[bytes, int]:
    first: dict[bytes, int] = {}
    # The id must not be a part of a longer word.
    odd = {
        id_: re.compile(rb"(?<![\w-])" + re.escape(id_) + rb"(?![\w-])")
        for id_ in ids
        if not _TOKEN.fullmatch(id_)
    }
    for observation in view.seen if ids else ():
        for body in (observation.exchange.response_body, observation.exchange.request_body):
            for token in ids.intersection(_TOKEN.findall(body)):
                first.setdefault(token, observation.number)
            for id_ in [id_ for id_ in odd if id_ in body and odd[id_].search(body)]:
                first.setdefault(id_, observation.number)
                del odd[id_]
    return first


def _encoded(task_id: str) -> bytes:
    return task_id.encode("utf-8", "surrogatepass")


def equal_requests(view: TraceView, *roles: Role) -> list[list[Observation]]:
    """Group the requests with these roles by account, method, URL and body.

    Each group is in order of time.
    """
    groups: dict[tuple[str, str, str, bytes], list[Observation]] = {}
    for observation in requests_with_roles(view, *roles):
        exchange = observation.exchange
        key = (observation.who, exchange.method, exchange.url, exchange.request_body)
        groups.setdefault(key, []).append(observation)
    return list(groups.values())


def seconds_between(before: Observation, after: Observation) -> float:
    """Return the seconds from the response to `before` until `after` was sent."""
    return after.began - before.ended


def is_readable_json(observation: Observation) -> bool:
    """Return whether a response is a 2xx with readable JSON.

    The content type must be JSON or missing. After any other response, a client may act as if it had received
    none.
    """
    return observation.succeeded and "json" in (observation.header("content-type") or "json").lower()


def may_have_lost_task(observation: Observation) -> bool:
    """Return whether a create request may have created a task unknown to the client.

    The client does not know the task if it did not receive the id.
    """
    if 200 <= observation.status < 300:  # noqa: PLR2004
        return not observation.task_id or not is_readable_json(observation)
    # An error counts if the mock's journal, its log of requests, shows that a task was created.
    return not observation.answered or bool(observation.entry.task_id)


def reports_task_end(observation: Observation, view: TraceView) -> bool:
    """Return whether a response or delivery reports the end of its task.

    Responses that `is_readable_json` rejects do not count.
    """
    statuses = view.spec.query.statuses
    return (observation.role == "delivery" or is_readable_json(observation)) and observation.body.get(
        "status"
    ) in (
        statuses.success,
        statuses.failure,
    )


def failure_of(observation: Observation, view: TraceView) -> str | None:
    """Return the failure code in a response or delivery about a failed task.

    Returns an empty string if the failure has no code. Returns None if the task has not failed.
    """
    if observation.body.get("status") != view.spec.query.statuses.failure:
        return None
    error = observation.body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""
