"""Attribute each malformed exchange to one clause, the most specific.

The rules about responses of the API use these functions:

- `is_judgeable(observation)`: whether rules can judge the response. Most rules ignore all other responses.
- `has_judgeable_status(observation)`: whether rules can judge the status. The body may be missing from the
  trace.
- `clause_of_malformed_response(observation)`: the clause that a malformed response violates.
- `known_tasks(view)`: the tasks with status queries that the rules can check.
- `headers_to_blame(view)` in `false_rejections`: the unknown request headers for which requests were refused.
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

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView

PREFIX = "task-unified-"
ID = re.compile(PREFIX + r"(?P<created>[0-9]{10})-[a-z0-9]{8}")
LATEST = 10**11  # Unix seconds: year 5138. A larger number is in milliseconds.
_FIRST_ERROR, _SERVER_ERROR = 400, 500
_TOO_LARGE = {413, 414, 431}
_NOT_THERE = {404, 405}
_KEYLESS = {401, 429}  # the statuses that a request without a valid API key may get
_UNCHANGED, _CONDITIONS = 304, ("If-None-Match", "If-Modified-Since")
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}  # requests with other methods often do not reach the API
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-]+)*/?")


def clause_of_malformed_response(observation: Observation) -> str:
    """Return the clause that a malformed response violates.

    Returns an empty string if the response is well formed or cannot be judged.
    """
    return observation.once(_clause_of_malformed_response)


def _clause_of_malformed_response(observation: Observation) -> str:
    if _lacks_body(observation):
        return _clause_by_status(observation)
    if not _has_api_response(observation):
        return ""
    if observation.role in {"other path", "other method"}:
        return _clause_of_undocumented_route(observation)
    return _clause_by_status(observation) or _clause_by_body(observation)


def is_judgeable(observation: Observation) -> bool:
    """Return whether rules can judge the response.

    Rules can judge a well-formed response if its body is recorded and clauses apply to the response. A
    well-formed response is JSON with a documented status. A well-formed error has the documented shape.
    """
    return observation.once(_is_judgeable)


def _is_judgeable(observation: Observation) -> bool:
    return (
        _has_api_response(observation)
        and not _is_exempt(observation)
        and not clause_of_malformed_response(observation)
    )


def has_judgeable_status(observation: Observation) -> bool:
    """Return whether rules can judge the status of the response.

    The body of the response may be missing from the trace.
    """
    without_body = _lacks_body(observation) and not _is_exempt(observation)
    return is_judgeable(observation) or (without_body and not _clause_by_status(observation))


def well_formed(task_id: str) -> bool:
    """Return whether a task id has the documented format (clause `id.format`)."""
    return ID.fullmatch(task_id) is not None


def known_tasks(view: TraceView) -> Mapping[str, Observation]:
    """Return the create requests of the known tasks, by task id.

    Rules judge the status queries of known tasks. A task is known if the response to its create request is
    judgeable. The task id in the response must be well formed, unique and consistent with `created`.
    """
    return view.once(_known_tasks)


def creates_task(observation: Observation, view: TraceView) -> bool:
    """Return whether a request with an undocumented method created a task.

    The path must belong to a create operation. The response must contain a task id.
    """
    if observation.role != "other method" or not observation.succeeded:
        return False
    path, task_id = view.path(observation.exchange.url), observation.body.get("id")
    made = isinstance(task_id, str) and task_id.startswith(PREFIX)
    return made and any(path == documented for _, documented in view.spec.creates)


def certain_faults(observation: Observation) -> tuple[RequestFault, ...]:
    """Return the faults for which a server must refuse a create request.

    Returns no faults if a JSON object in the body has two equal keys.
    """
    # The documents do not say which of two members with the same name counts.
    if any(fault.clause == "body.duplicate-keys" for fault in observation.faults):
        return ()
    return tuple(fault for fault in observation.faults if fault.sure)


def is_error(observation: Observation) -> bool:
    """Return whether the status is 4xx or 5xx."""
    return observation.status >= _FIRST_ERROR


def ignores_invalid_key(observation: Observation) -> bool:
    """Return whether an invalid or missing API key got neither a 401 nor a 429."""
    return observation.account.valid is False and observation.status not in _KEYLESS


def lacks_error_shape(view: TraceView) -> bool:
    """Return whether any error response to a create request or query lacks the documented shape."""
    return any(
        is_error(observation) and clause_of_malformed_response(observation) in {"wire.json", "error.shape"}
        for observation in view.of("create", "query")
    )


def _known_tasks(view: TraceView) -> dict[str, Observation]:
    creates = [create for create in view.of("create") if create.task_id]
    times = Counter(create.task_id for create in creates)
    return {
        create.task_id: create
        for create in creates
        if times[create.task_id] == 1 and is_judgeable(create) and is_consistent(create.body)
    }


def is_consistent(body: Mapping[str, Any]) -> bool:
    """Return whether the task id is well formed and agrees with `created`."""
    match = ID.fullmatch(body["id"]) if isinstance(body.get("id"), str) else None
    created = body.get("created")
    if match is None:
        return False
    return type(created) is not int or created >= LATEST or created == int(match["created"])


def _has_api_response(observation: Observation) -> bool:
    if (
        observation.role not in {"create", "query", "credits", "other method", "other path"}
        or not observation.answered
    ):
        return False
    exchange = observation.exchange
    if observation.entry.exact:
        return bool(exchange.response_body) or observation.entry.size is None
    return bool(exchange.response_body and exchange.response_headers)  # every server sends some header


def _lacks_body(observation: Observation) -> bool:
    return (
        observation.role in {"create", "query", "credits"}
        and observation.answered
        and observation.entry.size is not None
        and not observation.exchange.response_body
    )


def _is_exempt(observation: Observation) -> bool:
    """Return whether no clause applies to the exchange."""
    return observation.once(_meets_an_exemption)


def _meets_an_exemption(observation: Observation) -> bool:
    return any(exempts(observation) for exempts in _EXEMPTIONS)


def _is_unclear_undocumented_route(observation: Observation) -> bool:
    if observation.role not in {"other path", "other method"}:
        return False
    exchange = observation.exchange
    plain = _PLAIN_PATH.fullmatch(urlsplit(exchange.url).path) is not None
    # A success cannot be judged. Servers differ in how they read unusual methods and paths, such as a path
    # with an encoded slash (`%2F`).
    return not is_error(observation) or exchange.method.upper() not in _METHODS or not plain


def _is_unchanged(observation: Observation) -> bool:
    return observation.status == _UNCHANGED and any(observation.sent(name) for name in _CONDITIONS)


def _is_without_credits(observation: Observation) -> bool:
    # No OpenAPI document requires a credits endpoint.
    return observation.role == "credits" and observation.status in _NOT_THERE


def _is_too_large(observation: Observation) -> bool:
    # A reverse proxy may limit the size of requests. No document states a limit.
    if observation.status not in _TOO_LARGE or observation.status in observation.errors:
        return False
    odd_query = observation.role == "query" and not well_formed(observation.task_id)
    return odd_query or any(fault.clause == "body.limit" for fault in observation.faults)


_EXEMPTIONS = (_is_unclear_undocumented_route, _is_unchanged, _is_without_credits, _is_too_large)


def _clause_of_undocumented_route(observation: Observation) -> str:
    if _is_exempt(observation):
        return ""
    clause = "error.other-paths" if observation.role == "other path" else "error.other-methods"
    if observation.answer_json is NOT_JSON:
        return clause
    if not has_json_content_type(observation):
        return "wire.json"
    return "" if has_error_shape(observation.answer_json) or _is_below_credits(observation) else clause


def _is_below_credits(observation: Observation) -> bool:
    # The errors of these paths need only an integer `code`.
    return "/credits" in urlsplit(observation.exchange.url).path


def _clause_by_status(observation: Observation) -> str:
    if observation.role == "credits" or _is_exempt(observation):
        return ""
    if observation.status >= _SERVER_ERROR and must_be_refused(observation):
        return "body.limit" if len(observation.exchange.request_body) > LARGE else "error.no-500"
    if observation.status >= _SERVER_ERROR and observation.account.valid is False:
        return "auth.bearer"
    if observation.status == observation.success or observation.status in observation.errors:
        return ""
    accepted = observation.role == "create" and 200 <= observation.status < 300  # noqa: PLR2004
    return "create.answers-200" if accepted else "error.documented-status"


def must_be_refused(observation: Observation) -> bool:
    """Return whether the server must refuse the request with a documented status."""
    if observation.role == "query":
        return not well_formed(observation.task_id)
    return bool(certain_faults(observation)) or any(
        fault.clause.startswith("body.") for fault in observation.faults
    )


def _clause_by_body(observation: Observation) -> str:
    if _is_exempt(observation):
        return ""
    if observation.answer_json is NOT_JSON or not has_json_content_type(observation):
        return "wire.json"
    if not is_error(observation):
        return ""
    if observation.role == "credits":
        wrong = "auth.bearer" if ignores_invalid_key(observation) else "credits.integer-codes"
        return "" if _has_integer_code(observation.answer_json, observation.status) else wrong
    documented = (
        observation.errors[observation.status].body["error"]
        if observation.status in observation.errors
        else {"code": "", "type": ""}
    )
    code, has_type = type(documented.get("code")), "type" in documented
    return "" if has_error_shape(observation.answer_json, code, has_type=has_type) else "error.shape"


def has_json_content_type(observation: Observation) -> bool:
    """Return whether the content type of the response is JSON, with or without parameters."""
    return (observation.header("Content-Type") or "").partition(";")[0].strip().lower() == "application/json"


def has_error_shape(answer: Any, code: type = str, *, has_type: bool = True) -> bool:
    """Return whether a response body has the documented shape of an error.

    `code` is the documented type of the error code. If `has_type` is false, `type` may be absent.
    """
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict) or type(error.get("code")) not in {str, code}:
        return False
    return isinstance(error.get("message"), str) and (not has_type or isinstance(error.get("type"), str))


def _has_integer_code(answer: Any, status: int) -> bool:
    error = answer.get("error") if isinstance(answer, dict) else None
    return isinstance(error, dict) and type(error.get("code")) is int and error["code"] == status
