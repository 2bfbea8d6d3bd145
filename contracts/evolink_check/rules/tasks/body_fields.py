"""Read the fields of task responses, and find changes after the task's end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_check.analysis.observations import results_of
from evolink_check.rules.exchanges.attribution import ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import Statuses

    from evolink_check.analysis.observations import Observation

CANCELLED = frozenset({"cancelled", "canceled"})  # undocumented statuses whose meaning is clear
IDENTITY = ("created", "model", "object", "type")
_MOST = 100  # per cent


def is_cancelled(body: Mapping[str, Any]) -> bool:
    """Return whether a response body reports that the task was cancelled.

    The status or the error code may report this.
    """
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    status = body.get("status")
    return code == "request_cancelled" or (isinstance(status, str) and status.lower() in CANCELLED)


def progress_of(body: Mapping[str, Any]) -> int | None:
    """Return the progress, an integer from 0 to 100.

    Returns None for any other value.
    """
    value = body.get("progress")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        return None
    # In JSON Schema, 40.0 is an integer.
    return int(value) if value == int(value) else None


def sound_identity(create: Observation | None) -> dict[str, Any]:
    """Return `created`, `model`, `object` and `type` of a create response.

    A value that violates a clause is left out.
    """
    if create is None or create.operation is None:
        return {}
    body, fields = create.body, {}
    match = ID.fullmatch(str(body.get("id")))
    if type(body.get("created")) is int and match and int(match["created"]) == body["created"]:
        fields["created"] = body["created"]
    models = create.operation.models
    if isinstance(body.get("model"), str) and (not models or body["model"] in models):
        fields["model"] = body["model"]
    kind = create.operation.medium
    if body.get("type") == kind and body.get("object") == f"{kind}.generation.task":
        fields |= {"type": kind, "object": body["object"]}
    return fields


def links_of(body: Mapping[str, Any]) -> list[str]:
    """Return the result links without their query strings."""
    # The server may sign the links anew for each response.
    return [_without_query(url) for url in results_of(body)]


def reason_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the documented members of the `error` of a failed task.

    Returns None if the task has no error.
    """
    error = body.get("error")
    if not isinstance(error, dict):
        return None
    return {name: error.get(name) for name in ("code", "message", "type")}


def can_cancel(body: Mapping[str, Any]) -> bool | None:
    """Return `task_info.can_cancel`, a boolean.

    Returns None for any other value.
    """
    info = body.get("task_info")
    value = info.get("can_cancel") if isinstance(info, dict) else None
    return value if isinstance(value, bool) else None


def changed_field(first: Observation, later: Observation, statuses: Statuses) -> str:
    """Return the first field that has changed after the end of a task.

    Returns an empty string if no field has changed. `first` is the response that reported the end. `later` is
    a later response. A field that is invalid in `first` may change.
    """
    if first.body == later.body:
        return ""
    lasting, now = _lasting_state(first.body, statuses), _state_of(later.body)
    if now["can_cancel"] is None:  # a response may omit `can_cancel`
        lasting.pop("can_cancel", None)
    return next((name for name, value in lasting.items() if now[name] != value), "")


def _lasting_state(body: Mapping[str, Any], statuses: Statuses) -> dict[str, Any]:
    state = _state_of(body)
    lasting = {"status": state["status"]}
    if state["status"] == statuses.success:
        lasting |= {"progress": state["progress"]} if state["progress"] == _MOST else {}
        lasting |= {"results": state["results"]} if state["results"] else {}
    else:
        lasting |= {"progress": 0} if state["progress"] == 0 else {}
        lasting |= {"error": state["error"]} if state["error"] else {}
    return lasting | ({} if state["can_cancel"] is None else {"can_cancel": state["can_cancel"]})


def _state_of(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": body.get("status"),
        "progress": progress_of(body),
        "results": links_of(body),
        "error": reason_of(body),
        "can_cancel": can_cancel(body),
    }


def _without_query(url: str) -> str:
    try:
        return urlsplit(url)._replace(query="", fragment="").geturl()
    except ValueError:
        return url
