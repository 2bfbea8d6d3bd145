"""Interpret one trace entry, and all entries about a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from evolink_check.traffic.formats import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evolink_spec import CreateOperation
    from evolink_spec.models import ErrorAnswer

    from evolink_check.analysis.request_faults import RequestFault
    from evolink_check.traffic.trace import Account, Entry, Exchange

T = TypeVar("T")
_UNCOMPUTED = object()
Role = Literal["create", "query", "credits", "other method", "other path", "link", "delivery", "elsewhere"]
API: frozenset[Role] = frozenset({"create", "query", "credits", "other method", "other path"})


LINKS = 100  # the maximum number of links of one body that are checked; reports count the others


@dataclass(frozen=True, slots=True)
class Observation:
    """One trace entry and its role, such as `query`.

    The entry is a request or a callback, with the response. The bodies are decoded. A body that is empty or not JSON is
    decoded as `NOT_JSON`.
    """

    entry: Entry
    role: Role  # the operation of the request; "delivery" for a callback, "link" for the download of a result
    account: Account  # the account that sent the request
    request_json: Any = NOT_JSON
    answer_json: Any = NOT_JSON
    faults: tuple[RequestFault, ...] = ()  # the faults of a create request, such as a missing field
    operation: CreateOperation | None = None  # the operation of a create request
    task_id: str = ""  # from the path of a query, the response to a create request, or the body of a callback
    success: int = 0  # the documented status of a successful create request or query; 0 for other requests
    errors: Mapping[int, ErrorAnswer] = field(default_factory=dict)  # the documented errors, by status
    # These are stored, not computed, because the rules read them most often.
    number: int = field(init=False, repr=False, compare=False)  # the number of the entry in the trace
    status: int = field(init=False, repr=False, compare=False)  # the HTTP status; 0 without a response
    # The JSON object in the response or, if the entry is a callback, in the request; empty if there is none.
    body: Mapping[str, Any] = field(init=False, repr=False, compare=False)
    _once: dict[Callable[[Observation], Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", self.entry.number)
        object.__setattr__(self, "status", self.entry.exchange.status)
        object.__setattr__(self, "body", self._body())

    def once(self, make: Callable[[Observation], T]) -> T:
        """Call `make` with this observation, and cache the result."""
        # Several rules need the same results.
        result = self._once.get(make, _UNCOMPUTED)
        if result is _UNCOMPUTED:
            self._once[make] = result = make(self)
        return cast("T", result)

    @property
    def exchange(self) -> Exchange:
        """The request and its response."""
        return self.entry.exchange

    @property
    def began(self) -> float:
        """When the request began or the callback arrived, in Unix seconds."""
        return self.entry.began

    @property
    def ended(self) -> float:
        """When the response was complete or the connection was lost, in Unix seconds."""
        return self.entry.ended

    @property
    def who(self) -> str:
        """The label of the account that sent the request, such as `main`.

        The label of a callback is `server`.
        """
        return self.entry.who

    @property
    def answered(self) -> bool:
        """Whether a response was received."""
        return self.status != 0

    @property
    def succeeded(self) -> bool:
        """Whether the response is a 2xx with a JSON object as its body."""
        return 200 <= self.status < 300 and isinstance(self.answer_json, dict)  # noqa: PLR2004

    def _body(self) -> Mapping[str, Any]:
        value = self.request_json if self.role == "delivery" else self.answer_json
        return value if isinstance(value, dict) else {}

    def header(self, name: str) -> str | None:
        """Return a header of the response. Returns None if the header is missing.

        For a callback, return a header of the request.
        """
        exchange = self.entry.exchange
        headers = exchange.request_headers if self.role == "delivery" else exchange.response_headers
        return next((value for key, value in headers if key.lower() == name.lower()), None)

    def sent(self, name: str) -> str | None:
        """Return a header of the request. Returns None if the header is missing."""
        headers = self.entry.exchange.request_headers
        return next((value for key, value in headers if key.lower() == name.lower()), None)


@dataclass(slots=True)
class TaskRecord:
    """The exchanges about one task, ordered by time."""

    id: str
    create: Observation | None = None  # None if the trace has no create request of the task
    queries: list[Observation] = field(default_factory=list)  # with a successful response
    refused: list[Observation] = field(default_factory=list)  # queries with any other response
    deliveries: list[Observation] = field(default_factory=list)
    links: list[Observation] = field(default_factory=list)  # downloads of the task's results

    @property
    def views(self) -> list[Observation]:
        """The create request, the queries and the callbacks, ordered by time.

        A callback is ordered by its arrival. A request is ordered by the end of its response.
        """
        create = [self.create] if self.create else []
        return sorted([*create, *self.queries, *self.deliveries], key=_answered_at)

    @property
    def callback_url(self) -> str | None:
        """The callback URL in the create request.

        The value is None if the URL or the create request is missing.
        """
        body = self.create.request_json if self.create else None
        field_name = _callback_field(self.create)
        url = body.get(field_name) if isinstance(body, dict) and field_name else None
        return url if isinstance(url, str) else None


def _callback_field(create: Observation | None) -> str:
    operation = create.operation if create else None
    return operation.callback.field if operation and operation.callback else ""


def _answered_at(seen: Observation) -> tuple[float, int]:
    return (seen.began if seen.role == "delivery" else seen.ended, seen.number)


def results_of(body: Mapping[str, Any]) -> list[str]:
    """Return at most `LINKS` result links from the JSON of a task.

    Returns an empty list if the JSON has no links.
    """
    results = body.get("results")
    return [url for url in results[:LINKS] if isinstance(url, str)] if isinstance(results, list) else []
