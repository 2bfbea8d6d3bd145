"""Decide which statuses a correct server may return for a request.

Several statuses are allowed if the documents do not say which is right. The clauses about these statuses have
a `choice` in clauses.yaml. Several statuses are also allowed if the state of the account is unknown.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from evolink_check.rules.exchanges.attribution import (
    ID,
    PREFIX,
    certain_faults,
    creates_task,
    known_tasks,
    must_be_refused,
    well_formed,
)
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.retry_after import http_date
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView

_UNDERSTOOD = {400, 401, 402, 403, 404, 429, 500}
_WORD = re.compile(r"[A-Za-z0-9_-]{1,200}")
_FIRST_DAY = 1_500_000_000  # Unix seconds in 2017, before the service existed


def permitted(observation: Observation, view: TraceView) -> frozenset[int]:
    """Return the statuses that a correct server may return for this request.

    The request is a create request or a status query.
    """
    conditions = _of_create(observation) if observation.role == "create" else _of_query(observation, view)
    undocumented_here = observation.errors.keys() - _UNDERSTOOD
    return frozenset(undocumented_here | {status for status, applies in conditions.items() if applies})


def _of_create(create: Observation) -> Mapping[int, bool]:
    account, keyed, refused = create.account, create.account.valid is not False, bool(certain_faults(create))
    doubtful = bool(create.faults) and not refused  # the documents allow a success and a refusal
    names_no_model = any(fault.clause == "model.enum" for fault in create.faults)
    # Each entry tells whether a correct server may return the status.
    return {
        401: account.valid is not True,
        429: True,
        400: bool(create.faults),
        403: names_no_model or (keyed and (account.access is not True or doubtful)),
        402: keyed and (account.credits is not True or doubtful),
        500: keyed and not must_be_refused(create),  # a temporary server error
        create.success: keyed and not refused and False not in {account.access, account.credits},
    }


def _of_query(query: Observation, view: TraceView) -> Mapping[int, bool]:
    account, keyed = query.account, query.account.valid is not False
    by_id = _of_id(query, view) if keyed else {400} if is_foreign(query.task_id) else set()
    return dict.fromkeys(by_id, True) | {
        401: account.valid is not True,
        429: True,
        402: keyed and account.credits is not True,
    }


def _of_id(query: Observation, view: TraceView) -> set[int]:
    if query.task_id in known_tasks(view):
        own = is_own(query, view)
        return {True: {query.success, 500}, False: {403, 500}, None: {query.success, 403, 500}}[own]
    if query.task_id in view.once(_reported_ids):  # the id is malformed, or several create requests got it
        return {query.success, 400, 403, 404, 500}
    if is_foreign(query.task_id):
        return {400}
    if not _WORD.fullmatch(query.task_id):  # servers differ in how they decode such an id
        return {400, 403, 404}
    if was_never_issued(query, view):
        return {404, 500} if well_formed(query.task_id) else {404, 400}
    return {query.success, 403, 404} | ({500} if well_formed(query.task_id) else {400})


def is_own(observation: Observation, view: TraceView) -> bool | None:
    """Return whether the account of a status query owns the queried task.

    Returns None if the account or the owner is unknown.
    """
    create = known_tasks(view).get(observation.task_id)
    if create is None or {observation.who, create.who} & {UNKNOWN, NOBODY}:
        return None
    if observation.who == create.who:
        return True
    return False if observation.account.valid and create.account.valid else None


def is_foreign(task_id: str) -> bool:
    """Return whether a task id lacks the prefix `task-unified-`.

    Returns False if the id contains special characters. Letters, digits, `_` and `-` are not special.
    """
    # Servers differ in how they decode special characters.
    return _WORD.fullmatch(task_id) is not None and not task_id.startswith(PREFIX)


def was_never_issued(observation: Observation, view: TraceView) -> bool:
    """Return whether no server can have issued the task id of a status query.

    Returns True if evolink-check invented the id. The ten digits of an id are the time of the task's creation.
    Returns True if this time is before the service existed. Returns True if this time is ten years or more
    after the response to the query. An id in a response or an OpenAPI document always counts as issued.
    """
    if observation.task_id in view.once(_reported_ids) or observation.task_id in view.once(_example_ids):
        return False
    match = ID.fullmatch(observation.task_id)
    # The recorder's clock may be wrong, even by decades; the `Date` header shows the server's time.
    now = max(observation.ended, http_date(observation.header("Date") or "") or 0.0)
    impossible = match and not _FIRST_DAY < int(match["created"]) < now + Tolerances().clock_ahead
    # Any other id may be the id of a task that was created before the recording began.
    return bool(observation.entry.case or impossible)


def _reported_ids(view: TraceView) -> frozenset[str]:
    by_other_methods = (
        observation.body["id"] for observation in view.of("other method") if creates_task(observation, view)
    )
    reported = (observation.task_id for observation in view.of("create", "delivery") if observation.task_id)
    return frozenset((*reported, *by_other_methods))


def _example_ids(view: TraceView) -> frozenset[str]:
    return frozenset(match[0] for match in ID.finditer(json.dumps(dict(view.spec.documents))))
