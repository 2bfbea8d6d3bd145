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
    from evolink_check.analysis.observations import Observation, TraceView

_UNDERSTOOD = {400, 401, 402, 403, 404, 429, 500}
_WORD = re.compile(r"[A-Za-z0-9_-]{1,200}")
_FIRST_DAY = 1_500_000_000  # Unix seconds: 2017, before there was any such task
_YEARS = 10 * 365 * 86_400.0  # seconds that no clock is ahead, nor was moved


def permitted(one: Observation, reading: TraceView) -> frozenset[int]:
    """The statuses that are right for a create or a query."""
    if one.role == "create":
        return _of_create(one)
    return _of_query(one, reading)


def _of_create(one: Observation) -> frozenset[int]:
    account = one.account
    right = {429} | (one.errors.keys() - _UNDERSTOOD)
    right |= {401} if account.valid is not True else set()
    right |= {400} if one.faults else set()
    right |= {403} if _names_no_model(one) else set()
    if account.valid is False:
        return frozenset(right)
    right |= {403} if account.access is not True else set()
    right |= {402} if account.credits is not True else set()
    right |= {500} if not is_nonsense(one) else set()  # a passing one
    if certain_faults(one):
        return frozenset(right)
    right |= {400, 402, 403} if one.faults else set()
    can = account.access is not False and account.credits is not False
    return frozenset(right | {one.success} if can else right)


def _names_no_model(one: Observation) -> bool:
    return any(fault.clause == "model.enum" for fault in one.faults)


def _of_query(one: Observation, reading: TraceView) -> frozenset[int]:
    right = {429} | (one.errors.keys() - _UNDERSTOOD)
    if one.account.valid is False:
        return frozenset(right | {401} | ({400} if is_foreign(one.task_id) else set()))
    right |= {401} if one.account.valid is None else set()
    right |= {402} if one.account.credits is not True else set()
    return frozenset(right | _of_id(one, reading))


def _of_id(one: Observation, reading: TraceView) -> set[int]:
    """What the id alone deserves, when the key is right."""
    if one.task_id in known_tasks(reading):
        own = is_own(one, reading)
        return {500} | ({one.success} if own is not False else set()) | (set() if own else {403})
    if one.task_id in reading.once(_told_ids):
        return {one.success, 400, 403, 404, 500}
    if is_foreign(one.task_id):
        return {400}
    if not _WORD.fullmatch(one.task_id):  # routers and decoders differ
        return {400, 403, 404}
    known = set() if never_given(one, reading) else {one.success, 403}
    return known | {404} | ({500} if well_formed(one.task_id) else {400})


def is_own(one: Observation, reading: TraceView) -> bool | None:
    """Whether a query asks for a task of the same account; None when that is not known."""
    create = known_tasks(reading).get(one.task_id)
    if create is None or {one.entry.who, create.entry.who} & {UNKNOWN, NOBODY}:
        return None
    if one.entry.who == create.entry.who:
        return True
    return False if one.account.valid and create.account.valid else None


def is_foreign(task_id: str) -> bool:
    """A plain word without the prefix (clause `query.id-prefix`)."""
    return _WORD.fullmatch(task_id) is not None and not task_id.startswith(PREFIX)


def never_given(one: Observation, reading: TraceView) -> bool:
    """Whether no server can have given the id: we made it up, or the time in it cannot be.

    A recording may ask for what was created before it began, and an id of the documents may be somebody's.
    """
    if one.task_id in reading.once(_told_ids) or one.task_id in reading.once(_example_ids):
        return False
    found = ID.fullmatch(one.task_id)
    # The clock of who recorded it may stand at 1970; the server's own is told by its Date.
    now = max(one.entry.ended, http_date(one.header("Date") or "") or 0.0)
    impossible = found and not _FIRST_DAY < int(found["created"]) < now + _YEARS
    return bool(one.entry.case or impossible)


def _told_ids(reading: TraceView) -> frozenset[str]:
    return frozenset(one.task_id for one in reading.of("create", "delivery") if one.task_id)


def _example_ids(reading: TraceView) -> frozenset[str]:
    return frozenset(found[0] for found in ID.finditer(json.dumps(dict(reading.spec.documents))))
