"""Interpret a trace for the rules that check clauses.

Find the operation of each entry, and the exchanges about each task.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from evolink_check.analysis.observations import API, Observation, Role, TaskRecord, results_of
from evolink_check.analysis.request_faults import create_faults, is_of_other_model, operation_of
from evolink_check.analysis.response_schemas import ResponseSchemas
from evolink_check.traffic.formats import NOT_JSON, decode_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_spec import Spec

    from evolink_check.analysis.openapi import Problem
    from evolink_check.traffic.trace import Entry, Trace

T = TypeVar("T")
CREDITS = "/v1/credits"  # no OpenAPI document describes this path, but published facts do
NOWHERE = "?"  # not a possible path, because a question mark begins a query string


class TraceView:
    """A trace, interpreted according to the OpenAPI documents (`Spec`)."""

    def __init__(self, trace: Trace, spec: Spec) -> None:
        self.trace = trace
        self.spec = spec
        self._prefix = urlsplit(trace.origin).path.rstrip("/")
        self._once: dict[Callable[[TraceView], Any], Any] = {}
        self._schemas = ResponseSchemas(spec)

    def once(self, make: Callable[[TraceView], T]) -> T:
        """Call `make` with this trace view, and cache the result."""
        # Several rules need the same results.
        if make not in self._once:
            self._once[make] = make(self)
        result: T = self._once[make]
        return result

    def problems(self, observation: Observation) -> tuple[Problem, ...]:
        """Return the schema violations in the response to a create request or query."""
        exchange = observation.exchange
        return self._schemas.problems(exchange, self.path(exchange.url), observation.answer_json)

    @cached_property
    def seen(self) -> tuple[Observation, ...]:
        """The interpretation of every entry, in the order of the trace."""
        observations = [self._interpreted(entry) for entry in self.trace.entries]
        links = {
            url
            for observation in observations
            if observation.role in {"query", "delivery"}
            for url in results_of(observation.body)
        }
        return tuple(
            _as_link(observation) if observation.exchange.url in links else observation
            for observation in observations
        )

    def of(self, *roles: Role) -> tuple[Observation, ...]:
        """Return the entries with these roles, such as `create` or `query`.

        Entries without a response are left out. Callbacks (the role `delivery`) need no response.
        """
        return tuple(observation for role in roles for observation in self._by_role.get(role, ()))

    @property
    def api(self) -> Iterator[Observation]:
        """Every exchange with the API that got a response.

        The path or method of the request may be undocumented.
        """
        return (observation for observation in self.seen if observation.role in API and observation.answered)

    @cached_property
    def _by_role(self) -> dict[Role, list[Observation]]:
        by_role: dict[Role, list[Observation]] = {}
        for observation in self.seen:
            if observation.answered or observation.role == "delivery":
                by_role.setdefault(observation.role, []).append(observation)
        return by_role

    @cached_property
    def tasks(self) -> dict[str, TaskRecord]:
        """The exchanges about each task, by task id.

        The ids are in the order in which the trace mentions them.
        """
        tasks: dict[str, TaskRecord] = {}
        for observation in self.seen:
            if observation.task_id and observation.role in {"create", "query", "delivery"}:
                _add(observation, tasks.setdefault(observation.task_id, TaskRecord(observation.task_id)))
        owner = {
            url: task
            for task in tasks.values()
            for observation in task.views
            for url in results_of(observation.body)
        }
        for observation in self.seen:
            if observation.role == "link" and observation.exchange.url in owner:
                owner[observation.exchange.url].links.append(observation)
        return {id_: task for id_, task in tasks.items() if task.create or task.queries or task.deliveries}

    @cached_property
    def other_models(self) -> tuple[str, ...]:
        """The undocumented models for which the server created tasks."""
        bodies = (create.request_json for create in self.of("create") if create.operation is None)
        return tuple(dict.fromkeys(str(body["model"]) for body in bodies))

    def _interpreted(self, entry: Entry) -> Observation:
        account = self.trace.account(entry.who)
        exchange = entry.exchange
        request, answer = _json(exchange.request_body), _json(exchange.response_body)
        if entry.kind == "delivery":
            return Observation(entry, "delivery", account, request, answer, task_id=_id_in(request))
        role, task_id = self._role(entry)
        if role == "query":
            query = self.spec.query
            return Observation(
                entry, role, account, request, answer,
                task_id=task_id, success=query.success, errors=query.errors,
            )  # fmt: skip
        if role != "create":
            return Observation(entry, role, account, request, answer, task_id=task_id)
        creates = self.spec.creates[(exchange.method.upper(), self.path(exchange.url))]
        operation = operation_of(request, creates)
        accepted = 200 <= exchange.status < 300  # noqa: PLR2004
        judged = not (accepted and self.trace.other_models and is_of_other_model(request, creates))
        faults = (
            create_faults(exchange.request_headers, exchange.request_body, creates, self.trace.receiver)
            if judged
            else ()
        )
        return Observation(
            entry, "create", account, request, answer, faults,
            operation if judged else None, _id_in(answer) if accepted else "", operation.success, operation.errors,
        )  # fmt: skip

    def path(self, url: str) -> str:
        """Return the path of a URL, without the path of the API's base URL.

        If the URL is malformed, return `NOWHERE`. `NOWHERE` differs from every path.
        """
        try:
            path = urlsplit(url).path
        except ValueError:
            return NOWHERE
        return path.removeprefix(self._prefix) if path.startswith(f"{self._prefix}/") else path

    def _role(self, entry: Entry) -> tuple[Role, str]:
        url, method = entry.exchange.url, entry.exchange.method.upper()
        if self.trace.origin and not f"{url}/".startswith(f"{self.trace.origin}/") and "://" in url:
            return "elsewhere", ""
        path = self.path(url)
        if path == NOWHERE:
            return "elsewhere", ""
        before, _, task_id = path.rpartition("/")
        if f"{before}/" == self.spec.query.path.partition("{")[0] and task_id:
            return ("query", task_id) if method == self.spec.query.method else ("other method", "")
        if path == CREDITS:
            return ("credits" if method == "GET" else "other method"), ""
        if any(path == documented for _, documented in self.spec.creates):
            return ("create" if (method, path) in self.spec.creates else "other method"), ""
        return "other path", ""


def _add(observation: Observation, task: TaskRecord) -> None:
    if observation.role == "create":
        task.create = task.create or observation
    elif observation.role == "delivery":
        task.deliveries.append(observation)
    elif observation.succeeded:
        task.queries.append(observation)
    elif observation.answered:
        task.refused.append(observation)


def _as_link(observation: Observation) -> Observation:
    return Observation(observation.entry, "link", observation.account)


def _json(body: bytes) -> Any:
    return decode_json(body) if body else NOT_JSON


def _id_in(body: Any) -> str:
    task_id = body.get("id") if isinstance(body, dict) else None
    return task_id if isinstance(task_id, str) else ""
