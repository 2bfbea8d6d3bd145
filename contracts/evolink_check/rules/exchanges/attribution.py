"""Whose business is an exchange that went wrong? Each violation is told by one clause, the most telling. Pure.

For every rule that looks at an answer of the API:

- `sound(one)`: answered, with a documented status, as JSON where JSON is due, an error in the shape of errors. A rule
  looks at sound exchanges only; what is not sound is the business of `owner(one)`.
- `owner(one)`: the id of the clause that a spoiled exchange breaks; "" for a sound one, and for one that says nothing.
- `given(reading)`: the tasks that can be followed, by id: the create was sound, the id is well formed, given once and
  agrees with `created`. What is asked under any other id is not judged, as the id is to blame.
  A 404 for such an id before its first 2xx is the business of `create.readable-at-once`.
- `well_formed(task_id)`: whether an id is as ids are.
- `headers_to_blame(reading)` in `valid`: exchanges that were refused for a header that should change nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_check.analysis.request_faults import LARGE, RequestFault
from evolink_check.traffic.formats import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.analysis.observations import Observation, TraceView

PREFIX = "task-unified-"
ID = re.compile(PREFIX + r"(?P<created>[0-9]{10})-[a-z0-9]{8}")
LATEST = 10**11  # Unix seconds: year 5138. A larger number counts milliseconds
_FIRST_ERROR, _SERVER_ERROR = 400, 500
_TOO_LARGE = {413, 414, 431}  # what stands before a server may say so of what no document gives a limit for
_NOT_THERE = {404, 405}
_KEYLESS = {401, 429}  # what a key that is none may get
_UNCHANGED, _CONDITIONS = (
    304,
    ("If-None-Match", "If-Modified-Since"),
)  # HTTP's own answer to who has it already
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}  # others are often answered before the API sees them
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-]+)*/?")


def charged_clause(one: Observation) -> str:
    """The clause that a spoiled exchange breaks, before anything else of it is looked at; "" for none."""
    if not _is_told(one):
        return ""
    if one.role in {"other path", "other method"}:
        return _owner_elsewhere(one)
    return _owner_by_status(one) or _owner_by_body(one)


def is_judgeable(one: Observation) -> bool:
    """Whether an exchange with the API can be judged by what it answers."""
    return _is_told(one) and not _is_beyond(one) and not charged_clause(one)


def well_formed(task_id: str) -> bool:
    """Whether an id is as ids are (clause `id.format`)."""
    return ID.fullmatch(task_id) is not None


def known_tasks(reading: TraceView) -> Mapping[str, Observation]:
    """The tasks that can be followed, each by the create that made it."""
    return reading.once(_given)


def certain_faults(one: Observation) -> tuple[RequestFault, ...]:
    """The faults for which a create must be refused. Of a key that stands twice, nobody knows which one counted."""
    if any(fault.clause == "body.duplicate-keys" for fault in one.faults):
        return ()
    return tuple(fault for fault in one.faults if fault.sure)


def is_error(one: Observation) -> bool:
    """A 4xx or a 5xx."""
    return one.status >= _FIRST_ERROR


def is_keyless(one: Observation) -> bool:
    """Whether a request without a valid key was answered with a status that is not for that."""
    return one.account.valid is False and one.status not in _KEYLESS


def is_shapeless(reading: TraceView) -> bool:
    """Whether errors of the task endpoints are not as documented: then that is told, and not of others as well."""
    return any(
        is_error(one) and charged_clause(one) in {"wire.json", "error.shape"}
        for one in reading.of("create", "query")
    )


def _given(reading: TraceView) -> dict[str, Observation]:
    creates = [one for one in reading.of("create") if one.task_id]
    times = Counter(one.task_id for one in creates)
    return {
        one.task_id: one
        for one in creates
        if times[one.task_id] == 1 and is_judgeable(one) and is_consistent(one.body)
    }


def is_consistent(body: Mapping[str, Any]) -> bool:
    """A well-formed id that does not contradict `created` (clause `id.created`)."""
    found = ID.fullmatch(body["id"]) if isinstance(body.get("id"), str) else None
    created = body.get("created")
    if found is None:
        return False
    return type(created) is not int or created >= LATEST or created == int(found["created"])


def _is_told(one: Observation) -> bool:
    """Whether the trace holds an answer of the API, with its headers and its body."""
    if one.role not in {"create", "query", "credits", "other method", "other path"} or not one.answered:
        return False
    exchange = one.entry.exchange
    if one.entry.exact:
        return bool(exchange.response_body) or one.entry.size is None
    return bool(exchange.response_body and exchange.response_headers)  # no server answers without any header


def _is_beyond(one: Observation) -> bool:
    """What no clause speaks of: success elsewhere, what something in front may answer, what a browser has already."""
    exchange = one.entry.exchange
    if one.role in {"other path", "other method"}:
        plain = _PLAIN_PATH.fullmatch(urlsplit(exchange.url).path) is not None
        return not is_error(one) or exchange.method.upper() not in _METHODS or not plain
    if one.status == _UNCHANGED and any(one.sent(name) for name in _CONDITIONS):
        return True
    if one.role == "credits":  # no document describes it: a server may not have it
        return one.status in _NOT_THERE
    return one.status in _TOO_LARGE and one.status not in one.errors and _is_large(one)


def _is_large(one: Observation) -> bool:
    return any(fault.clause == "body.limit" for fault in one.faults) or (
        one.role == "query" and not well_formed(one.task_id)
    )


def _owner_elsewhere(one: Observation) -> str:
    if _is_beyond(one):
        return ""
    clause = "error.other-paths" if one.role == "other path" else "error.other-methods"
    if one.answer is NOT_JSON:
        return clause
    if not says_json(one):
        return "wire.json"
    return "" if has_shape(one.answer) or _is_of_credits(one) else clause


def _is_of_credits(one: Observation) -> bool:
    """Errors there carry integer codes, and nothing says what else."""
    return "/credits" in urlsplit(one.entry.exchange.url).path


def _owner_by_status(one: Observation) -> str:
    if one.role == "credits" or _is_beyond(one):
        return ""
    if one.status >= _SERVER_ERROR and is_nonsense(one):
        return "body.limit" if len(one.entry.exchange.request_body) > LARGE else "error.no-500"
    if one.status >= _SERVER_ERROR and one.account.valid is False:
        return "auth.bearer"
    if one.status == one.success or one.status in one.errors:
        return ""
    accepted = one.role == "create" and 200 <= one.status < 300  # noqa: PLR2004
    return "create.answers-200" if accepted else "error.documented-status"


def is_nonsense(one: Observation) -> bool:
    """A request that no server can do anything with: it must be refused, and as documented."""
    if one.role == "query":
        return not well_formed(one.task_id)
    return bool(certain_faults(one)) or any(fault.clause.startswith("body.") for fault in one.faults)


def _owner_by_body(one: Observation) -> str:
    if _is_beyond(one):
        return ""
    if one.answer is NOT_JSON or not says_json(one):
        return "wire.json"
    if not is_error(one):
        return ""
    if one.role == "credits":
        wrong = "auth.bearer" if is_keyless(one) else "credits.integer-codes"
        return "" if _has_integer_code(one.answer, one.status) else wrong
    documented = one.errors[one.status].body["error"].get("code") if one.status in one.errors else ""
    return "" if has_shape(one.answer, code=type(documented)) else "error.shape"


def says_json(one: Observation) -> bool:
    """Whether the content type of the answer is JSON, with whatever parameters."""
    return (one.header("Content-Type") or "").partition(";")[0].strip().lower() == "application/json"


def has_shape(answer: Any, code: type = str) -> bool:
    """The documented shape of an error (clause `error.shape`)."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict) or type(error.get("code")) not in {str, code}:
        return False
    return isinstance(error.get("message"), str) and isinstance(error.get("type"), str)


def _has_integer_code(answer: Any, status: int) -> bool:
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and type(error.get("code")) is int and error["code"] == status
