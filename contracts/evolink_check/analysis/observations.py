"""What is observed: one entry of a trace with its operation and decoded bodies, and one task with its exchanges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from evolink_check.traffic.formats import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation
    from evolink_spec.models import ErrorAnswer

    from evolink_check.analysis.request_faults import RequestFault
    from evolink_check.traffic.trace import Account, Entry, Exchange

Role = Literal["create", "query", "credits", "other method", "other path", "link", "delivery", "elsewhere"]
API: frozenset[Role] = frozenset({"create", "query", "credits", "other method", "other path"})


LINKS = 100  # of a body that are looked at; a report counts the others


@dataclass(frozen=True, slots=True)
class Observation:
    """One entry, interpreted. A body that is empty or not JSON is `NOT_JSON`."""

    entry: Entry
    role: Role
    account: Account
    request_json: Any = NOT_JSON
    answer_json: Any = NOT_JSON
    faults: tuple[RequestFault, ...] = ()  # of a create's request
    operation: CreateOperation | None = None  # of a create
    task_id: str = ""  # a query: as asked for; a create or a delivery: as its body says
    success: int = (
        0  # the documented status of a create or a query that went well; 0 where none is documented
    )
    errors: Mapping[int, ErrorAnswer] = field(default_factory=dict)  # its documented errors, by status

    @property
    def number(self) -> int:
        """The place in the trace."""
        return self.entry.number

    @property
    def exchange(self) -> Exchange:
        """The request with its answer."""
        return self.entry.exchange

    @property
    def began(self) -> float:
        """When the request was begun, or a delivery arrived, in Unix seconds."""
        return self.entry.began

    @property
    def ended(self) -> float:
        """When the answer was complete, or the connection was lost, in Unix seconds."""
        return self.entry.ended

    @property
    def who(self) -> str:
        """The label of the account that asked."""
        return self.entry.who

    @property
    def status(self) -> int:
        """The HTTP status; 0 without an answer."""
        return self.entry.exchange.status

    @property
    def answered(self) -> bool:
        """Whether there was any answer."""
        return self.status != 0

    @property
    def succeeded(self) -> bool:
        """A 2xx whose body is a JSON object."""
        return 200 <= self.status < 300 and isinstance(self.answer_json, dict)  # noqa: PLR2004

    @property
    def body(self) -> Mapping[str, Any]:
        """The answer's JSON object; a delivery's is what was delivered. Empty when there is none."""
        value = self.request_json if self.role == "delivery" else self.answer_json
        return value if isinstance(value, dict) else {}

    def header(self, name: str) -> str | None:
        """A header of the answer; of a delivery, of its request."""
        exchange = self.entry.exchange
        headers = exchange.request_headers if self.role == "delivery" else exchange.response_headers
        return next((value for key, value in headers if key.lower() == name.lower()), None)

    def sent(self, name: str) -> str | None:
        """A header of the request."""
        headers = self.entry.exchange.request_headers
        return next((value for key, value in headers if key.lower() == name.lower()), None)


@dataclass(slots=True)
class TaskRecord:
    """Everything that the trace tells of one task, in order of time. `create` is None when it was not seen."""

    id: str
    create: Observation | None = None
    queries: list[Observation] = field(
        default_factory=list
    )  # by who created it or may have, answered with 2xx
    refused: list[Observation] = field(default_factory=list)  # all other queries of it
    deliveries: list[Observation] = field(default_factory=list)
    links: list[Observation] = field(default_factory=list)  # fetches of its results

    @property
    def views(self) -> list[Observation]:
        """Every body about the task in order of the answers: create, queries, deliveries."""
        create = [self.create] if self.create else []
        return sorted([*create, *self.queries, *self.deliveries], key=_answered_at)

    @property
    def callback_url(self) -> str | None:
        """What the create asked to be called; None when nothing, or when the create was not seen."""
        asked = self.create.request_json if self.create else None
        field_name = _callback_field(self.create)
        url = asked.get(field_name) if isinstance(asked, dict) and field_name else None
        return url if isinstance(url, str) else None


def _callback_field(create: Observation | None) -> str:
    operation = create.operation if create else None
    return operation.callback.field if operation and operation.callback else ""


def _answered_at(seen: Observation) -> tuple[float, int]:
    # A delivery tells what the server knew when it sent it; an answer, what it knew at some time before its end.
    return (seen.began if seen.role == "delivery" else seen.ended, seen.number)


def results_of(body: Mapping[str, Any]) -> list[str]:
    """The links in a body about a task, the first `LINKS` of them."""
    results = body.get("results")
    return [url for url in results[:LINKS] if isinstance(url, str)] if isinstance(results, list) else []
