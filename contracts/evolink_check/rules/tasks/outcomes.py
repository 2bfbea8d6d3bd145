"""Rules about the outcome of a task: results or an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import LINKS
from evolink_check.analysis.verdicts import finding, passed, shown, violation
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.body_fields import CANCELLED, is_cancelled
from evolink_check.rules.tasks.history import bodies
from evolink_check.traffic.formats import is_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.history import TaskHistory


_PROVIDER_CODE = re.compile(r"[A-Z][A-Za-z]+(?:\.[A-Z][A-Za-z]+)+")


@rule("task.results-when-completed")
def results_when_completed(view: TraceView) -> Iterator[Finding]:
    """`results` has links if a task is completed.

    For any other status, `results` is absent, null or empty. `query.schema` checks that `results` is a list.
    """
    for history, observation in bodies(view):
        status, results = observation.body.get("status"), observation.body.get("results")
        if status not in history.statuses or not (results is None or isinstance(results, list)):
            continue
        if not results and status == history.statuses.success and not _has_files(history):
            continue
        if bool(results) == (status == history.statuses.success):
            yield passed(observation.number)
        elif results:
            yield violation(
                observation.number,
                expected=f"no results when {status}",
                seen=f"{len(results)} results",
            )
        else:
            yield violation(
                observation.number, expected="at least one link", seen=f"{status}, results {shown(results)}"
            )


def _has_files(history: TaskHistory) -> bool:
    operation = history.create.operation if history.create else None
    # Some tasks create something that is not a file, such as a voice.
    return operation is None or operation.prose.has_files


@rule("task.results-uri")
def results_uri(view: TraceView) -> Iterator[Finding]:
    """Every result is an absolute URI."""
    for _, observation in bodies(view):
        results = observation.body.get("results")
        for url in results[:LINKS] if isinstance(results, list) else ():
            yield finding(
                isinstance(url, str) and is_uri(url),
                observation.number,
                expected="an absolute URI",
                seen=f"the result {shown(_without_query(url))}",
            )


def _without_query(url: Any) -> Any:
    return url.partition("?")[0] if isinstance(url, str) else url


@rule("task.error-when-failed")
def error_when_failed(view: TraceView) -> Iterator[Finding]:
    """`error` is complete if a task has failed.

    For any other status, `error` is absent or null. A complete `error` has the members `code`, `message` and
    `type`. Other clauses check their values.
    """
    for history, observation in bodies(view):
        status, error = observation.body.get("status"), observation.body.get("error")
        if status not in history.statuses:
            continue
        if status != history.statuses.failure:
            yield finding(
                error is None,
                observation.number,
                expected=f"no error when {status}",
                seen=f"error {shown(error)}",
            )
        elif missing := _missing(error):
            yield violation(observation.number, expected="an error with code, message and type", seen=missing)
        else:
            yield passed(observation.number)


def _missing(error: Any) -> str:
    if not isinstance(error, dict):
        return f"error {shown(error)}"
    names = [name for name in ("code", "message", "type") if error.get(name) is None]
    return f"no {' and no '.join(names)}" if names else ""


def _failures(view: TraceView, name: str) -> Iterator[tuple[Observation, Any]]:
    for history, observation in bodies(view):
        error = observation.body.get("error")
        if observation.body.get("status") == history.statuses.failure and isinstance(error, dict):
            value = error.get(name)
            if value is not None:
                yield observation, value


@rule("failure.codes")
def codes(view: TraceView) -> Iterator[Finding]:
    """`error.code` is one of the documented codes.

    If the documents list no codes, any code is accepted. Codes of model providers are accepted too.
    """
    documented = {failure.code for failure in view.spec.failures}
    for observation, code in _failures(view, "code") if documented else ():
        # The documents give examples of the providers' codes, such as `InvalidParameter.TaskTypeConstraint`,
        # but no list.
        if isinstance(code, str) and _PROVIDER_CODE.fullmatch(code):
            continue
        yield finding(
            isinstance(code, str) and code in documented,
            observation.number,
            expected=f"one of the {len(documented)} documented codes",
            seen=f"error.code {shown(code)}",
        )


@rule("failure.type")
def type_(view: TraceView) -> Iterator[Finding]:
    """`error.type` of a failed task is `task_error`."""
    for observation, value in _failures(view, "type"):
        yield finding(
            value == "task_error",
            observation.number,
            expected="error.type 'task_error'",
            seen=f"error.type {shown(value)}",
        )


@rule("failure.message")
def message(view: TraceView) -> Iterator[Finding]:
    """`error.message` is not blank."""
    for observation, value in _failures(view, "message"):
        yield finding(
            # The wording is not documented.
            isinstance(value, str) and value.strip(),
            observation.number,
            expected="a readable message",
            seen=f"error.message {shown(value)}",
        )


@rule("failure.cancelled")
def cancelled(view: TraceView) -> Iterator[Finding]:
    """A cancelled task has the status `failed` and the code `request_cancelled`."""
    for history, observation in bodies(view):
        status = observation.body.get("status")
        if isinstance(status, str) and status.lower() in CANCELLED and status not in history.statuses:
            yield violation(
                observation.number,
                expected=f"{history.statuses.failure} with error.code 'request_cancelled'",
                seen=f"status {shown(status)}",
            )
        elif status == history.statuses.failure and is_cancelled(observation.body):
            yield passed(observation.number)
