"""Which statuses does a request deserve? What a correct server may answer it with, by what the trace knows. Pure.

Where the documents are silent (the choices in clauses.yaml), or the trace does not know the account, every sensible
status is among them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from evolink_check.rules.exchanges.attribution import (
    ID,
    PREFIX,
    certain_faults,
    is_nonsense,
    known_tasks,
    well_formed,
)
from evolink_check.traffic.retry_after import http_date
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView

_UNDERSTOOD = {400, 401, 402, 403, 404, 429, 500}
_WORD = re.compile(r"[A-Za-z0-9_-]{1,200}")
_FIRST_DAY = 1_500_000_000  # Unix seconds: 2017, before there was any such task
_YEARS = 10 * 365 * 86_400.0  # seconds that no clock is ahead, nor was moved


def permitted(observation: Observation, view: TraceView) -> frozenset[int]:
    """The statuses that are right for a create or a query."""
    if observation.role == "create":
        return _of_create(observation)
    return _of_query(observation, view)


def _of_create(observation: Observation) -> frozenset[int]:
    account = observation.account
    right = {429} | (observation.errors.keys() - _UNDERSTOOD)
    right |= {401} if account.valid is not True else set()
    right |= {400} if observation.faults else set()
    right |= {403} if _names_no_model(observation) else set()
    if account.valid is False:
        return frozenset(right)
    right |= {403} if account.access is not True else set()
    right |= {402} if account.credits is not True else set()
    right |= {500} if not is_nonsense(observation) else set()  # a passing one
    if certain_faults(observation):
        return frozenset(right)
    right |= {400, 402, 403} if observation.faults else set()
    can = account.access is not False and account.credits is not False
    return frozenset(right | {observation.success} if can else right)


def _names_no_model(observation: Observation) -> bool:
    return any(fault.clause == "model.enum" for fault in observation.faults)


def _of_query(observation: Observation, view: TraceView) -> frozenset[int]:
    right = {429} | (observation.errors.keys() - _UNDERSTOOD)
    if observation.account.valid is False:
        return frozenset(right | {401} | ({400} if is_foreign(observation.task_id) else set()))
    right |= {401} if observation.account.valid is None else set()
    right |= {402} if observation.account.credits is not True else set()
    return frozenset(right | _of_id(observation, view))


def _of_id(observation: Observation, view: TraceView) -> set[int]:
    """What the id alone deserves, when the key is right."""
    if observation.task_id in known_tasks(view):
        own = is_own(observation, view)
        return {500} | ({observation.success} if own is not False else set()) | (set() if own else {403})
    if observation.task_id in view.once(_told_ids):
        return {observation.success, 400, 403, 404, 500}
    if is_foreign(observation.task_id):
        return {400}
    if not _WORD.fullmatch(observation.task_id):  # routers and decoders differ
        return {400, 403, 404}
    known = set() if never_given(observation, view) else {observation.success, 403}
    return known | {404} | ({500} if well_formed(observation.task_id) else {400})


def is_own(observation: Observation, view: TraceView) -> bool | None:
    """Whether a query asks for a task of the same account; None when that is not known."""
    create = known_tasks(view).get(observation.task_id)
    if create is None or {observation.who, create.who} & {UNKNOWN, NOBODY}:
        return None
    if observation.who == create.who:
        return True
    return False if observation.account.valid and create.account.valid else None


def is_foreign(task_id: str) -> bool:
    """A plain word without the prefix (clause `query.id-prefix`)."""
    return _WORD.fullmatch(task_id) is not None and not task_id.startswith(PREFIX)


def never_given(observation: Observation, view: TraceView) -> bool:
    """Whether no server can have given the id: we made it up, or the time in it cannot be.

    A recording may ask for what was created before it began, and an id of the documents may be somebody's.
    """
    if observation.task_id in view.once(_told_ids) or observation.task_id in view.once(_example_ids):
        return False
    found = ID.fullmatch(observation.task_id)
    # The clock of who recorded it may stand at 1970; the server's own is told by its Date.
    now = max(observation.ended, http_date(observation.header("Date") or "") or 0.0)
    impossible = found and not _FIRST_DAY < int(found["created"]) < now + _YEARS
    return bool(observation.entry.case or impossible)


def _told_ids(view: TraceView) -> frozenset[str]:
    return frozenset(
        observation.task_id for observation in view.of("create", "delivery") if observation.task_id
    )


def _example_ids(view: TraceView) -> frozenset[str]:
    return frozenset(found[0] for found in ID.finditer(json.dumps(dict(view.spec.documents))))
