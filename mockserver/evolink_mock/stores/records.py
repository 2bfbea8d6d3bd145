"""Encode tasks, exchanges and accounts.

A database contains them as MessagePack, an export as JSON.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from evolink_mock.domain.accounts import Account, label_of
from evolink_mock.domain.deliveries import Delivery
from evolink_mock.domain.exchange import Exchange, Journal, Violation
from evolink_mock.domain.tasks import Anomalies, Results, Task, Timetable
from evolink_mock.media.spec import MediaSpec  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evolink_spec import CreateOperation, Spec

_CACHED_TASKS = 4096

encode = msgspec.msgpack.Encoder().encode
decode_account = msgspec.msgpack.Decoder(Account).decode
decode_delivery = msgspec.msgpack.Decoder(Delivery).decode
decode_violation = msgspec.msgpack.Decoder(Violation).decode


class TaskRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """A task as it is encoded, without its id and its account."""

    operation: str  # the key of its create operation in an `OperationIndex`
    model: str
    origin: str
    media: MediaSpec
    timetable: Timetable
    anomalies: Anomalies | None = None
    results: Results | None = None


class ExchangeRecord(Struct, frozen=True, array_like=True):
    """An exchange (a request and its response) as it is encoded in a journal."""

    method: str
    path: str
    status: int
    account: str
    task_id: str
    notes: tuple[str, ...]
    query: bytes
    scheme: str
    request_headers: tuple[tuple[bytes, bytes], ...]
    request_body: bytes
    at: float
    seconds: float
    answer_headers: tuple[tuple[bytes, bytes], ...]
    answer_body: bytes
    is_unmatched: bool
    decided: int = 0


decode_exchange = msgspec.msgpack.Decoder(ExchangeRecord).decode
_decode_task = msgspec.msgpack.Decoder(TaskRecord).decode


class UnknownOperationError(ValueError):
    """No OpenAPI document of this server has the operation of a stored task."""


class OperationIndex:
    """The create operations of the OpenAPI documents by key.

    The record of a task contains the key of its operation.
    """

    def __init__(self, spec: Spec) -> None:
        operations = [operation for by_model in spec.creates.values() for operation in by_model.values()]
        locations = {(operation.id, operation.source, operation.pointer) for operation in operations}
        shared = Counter(name for name, _, _ in locations)
        self._by_key = {_key(operation, shared): operation for operation in operations}
        self._shared = shared
        self.decode = lru_cache(_CACHED_TASKS)(self._decode)  # cached, because clients poll their tasks

    def encode(self, task: Task) -> bytes:
        """Encode a task, without its id and its account, as MessagePack."""
        return encode(self.record_of(task))

    def record_of(self, task: Task) -> TaskRecord:
        """Convert a task to its record."""
        key = _key(task.operation, self._shared)
        return TaskRecord(
            key, task.model, task.origin, task.media, task.timetable, task.anomalies, task.results
        )

    def task_of(self, task_id: str, token: str, record: TaskRecord) -> Task:
        """Convert a stored record to a task.

        Raises `UnknownOperationError` if no OpenAPI document has the operation that created the task.
        """
        operation = self._by_key.get(record.operation)
        if operation is None:
            raise UnknownOperationError(f"{task_id} belongs to {record.operation}, which is in no document")
        return Task(
            task_id,
            token,
            operation,
            record.model,
            record.media,
            record.origin,
            record.timetable,
            record.anomalies,
            record.results,
        )

    def _decode(self, task_id: str, token: str, data: bytes) -> Task:
        return self.task_of(task_id, token, _decode_task(data))


def exchange_record(exchange: Exchange) -> ExchangeRecord:
    """Convert an exchange to its record."""
    return ExchangeRecord(
        exchange.method,
        exchange.path,
        exchange.status,
        exchange.account,
        exchange.task_id,
        exchange.notes,
        exchange.query,
        exchange.scheme,
        tuple(exchange.request_headers),
        exchange.request_body,
        exchange.at,
        exchange.seconds,
        tuple(exchange.answer_headers),
        exchange.answer_body,
        exchange.is_unmatched,
        exchange.decided,
    )


def exchange_of(record: ExchangeRecord) -> Exchange:
    """Convert a record to an exchange. The field `began` of the exchange is 0."""
    fields: dict[str, Any] = msgspec.structs.asdict(record)
    return Exchange(began=0.0, **fields)


def decode_journal(
    token: str, exchanges: Iterable[bytes], violations: Iterable[bytes], counts: Sequence[int]
) -> Journal:
    """Decode the journal of an account.

    `counts` are the numbers of exchanges and violations that were ever appended.
    """
    journal = Journal(label_of(token) if token else "")
    for data in exchanges:
        journal.append(exchange_of(decode_exchange(data)))
    journal.violations.clear()
    journal.violations.extend(map(decode_violation, violations))
    recorded, violated = counts
    journal.dropped = recorded - len(journal)
    journal.dropped_violations = violated - len(journal.violations)
    return journal


def _key(operation: CreateOperation, shared: Mapping[str, int]) -> str:
    # If the operationId is not unique, the file and the JSON pointer identify the operation.
    return operation.id if shared[operation.id] == 1 else f"{operation.source}#{operation.pointer}"
