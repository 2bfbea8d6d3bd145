"""Export and import of the whole state of a mock as JSON Lines.

The first line describes the server. Each account has a line of its own. After this line, each task, delivery, recorded
request and violation has a line. An account ends with the numbers of requests and violations dropped from its journal.

An infinite time, such as an endless task's end, is written as null. The `due` of a delivery is the time of its next
attempt. If the task never ends, `due` is "never". If no attempt is planned, `due` is null.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from evolink_mock.domain.accounts import Account
from evolink_mock.domain.deliveries import Delivery
from evolink_mock.domain.exchange import Journal, Violation
from evolink_mock.domain.store import AccountState
from evolink_mock.stores.records import ExchangeRecord, TaskRecord, exchange_of, exchange_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.domain.store import Store
    from evolink_mock.domain.tasks import Task
    from evolink_mock.stores.records import OperationIndex

T = TypeVar("T")
VERSION = 1  # the version of the export's format
_NEVER = "never"
_MAY_NEVER_COME = ("starts", "ends")  # members of a timetable that may be infinite
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_EXCHANGE_FIELDS = ExchangeRecord.__struct_fields__


class Header(msgspec.Struct, frozen=True):
    """The first line of an export."""

    now: float  # time on the server's clock, in Unix seconds
    seed: int | None = None  # the seed of the task ids
    clock: list[float] | None = None  # a time on the server's clock, the real time at that moment, scale
    version: int = VERSION  # the version of the export's format


async def export(store: Store, operations: OperationIndex, header: Header) -> AsyncIterator[bytes]:
    """Yield the lines of the export as JSON, each with its newline.

    The lines of an account describe its state at one time.
    """
    yield _line("store", msgspec.to_builtins(header))
    for account in await store.accounts():
        token = account.token
        line = _line("account", _account_fields(account))
        tasks, deliveries = await store.tasks(token), await store.deliveries(token)
        journal = await store.journal(token)
        exchanges, violations = [*journal], [*journal.violations]
        dropped = {"exchanges": journal.dropped, "violations": journal.dropped_violations}
        yield line  # after all reads, because requests may change the account during the export
        for task in tasks:
            yield _line("task", _task_fields(task, operations))
        for delivery in deliveries:
            yield _line("delivery", _delivery_fields(delivery))
        for exchange in exchanges:
            yield _line("exchange", _named(exchange_record(exchange), _EXCHANGE_FIELDS))
        for violation in violations:
            yield _line("violation", msgspec.to_builtins(violation))
        yield _line("dropped", dropped)


def read_header(lines: Iterator[bytes]) -> Header:
    """Parse the first line of an export.

    Raises ValueError if the file is not an export. Raises ValueError if the format is too new for this version of
    evolink-mock.
    """
    fields = _fields(1, next(lines, b""))
    if fields.pop("kind", "") != "store":
        raise ValueError("line 1: this is not an export of evolink-mock")
    if fields.get("version", 0) > VERSION:
        raise ValueError(
            f"line 1: the format has version {fields['version']}, but this evolink-mock supports up to {VERSION}"
        )
    return _converted(1, fields, Header)


def read_accounts(lines: Iterable[bytes], operations: OperationIndex) -> Iterator[AccountState]:
    """Yield the accounts of an export from the lines after the header.

    Raises ValueError, with the line number, if a line is invalid.
    """
    state: AccountState | None = None
    for number, line in enumerate(lines, 2):
        fields = _fields(number, line)
        kind = fields.pop("kind", "")
        if kind == "account":
            if state is not None:
                yield state
            account = _account(number, fields)
            state = AccountState(account, [], [], Journal(account.label))
        elif state is None:
            raise ValueError(f"line {number}: an account must come before its {kind or 'parts'}")
        else:
            _add(number, kind, fields, state, operations)
    if state is not None:
        yield state


def _add(
    number: int, kind: str, fields: dict[str, Any], state: AccountState, operations: OperationIndex
) -> None:
    assert isinstance(state.tasks, list)  # noqa: S101  (created by `read_accounts`)
    assert isinstance(state.deliveries, list)  # noqa: S101
    if kind == "task":
        task_id = str(fields.pop("id", ""))
        timetable = fields.get("timetable", {})
        timetable |= {name: math.inf for name in _MAY_NEVER_COME if timetable.get(name, 0) is None}
        record = _converted(number, fields, TaskRecord)
        try:
            state.tasks.append(operations.task_of(task_id, state.account.token, record))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    elif kind == "delivery":
        if fields.get("due") == _NEVER:
            fields["due"] = math.inf
        state.deliveries.append(_converted(number, fields, Delivery))
    elif kind == "exchange":
        values = [fields.get(name) for name in _EXCHANGE_FIELDS]
        _append(state.journal, exchange_of(_converted(number, values, ExchangeRecord)))
    elif kind == "violation":
        state.journal.violations.append(_converted(number, fields, Violation))
    elif kind == "dropped":
        state.journal.dropped = int(fields["exchanges"])
        state.journal.dropped_violations = int(fields["violations"])
    else:
        raise ValueError(f"line {number}: unknown kind {kind!r}")


def _append(journal: Journal, exchange: Exchange) -> None:
    # `append` would add the violations, but an export has separate lines for them.
    violations = [*journal.violations]
    journal.append(exchange)
    journal.violations.clear()
    journal.violations.extend(violations)


def _line(kind: str, fields: dict[str, Any]) -> bytes:
    return _encode({"kind": kind, **fields}) + b"\n"


def _fields(number: int, line: bytes) -> dict[str, Any]:
    try:
        return _decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(f"line {number}: {error}") from error


def _converted(number: int, fields: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"line {number}: {error}") from error


def _named(record: msgspec.Struct, names: tuple[str, ...]) -> dict[str, Any]:
    values = msgspec.to_builtins(record)  # an array without names
    return dict(zip(names, values, strict=True))


def _task_fields(task: Task, operations: OperationIndex) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(operations.record_of(task))
    timetable = fields["timetable"]
    timetable |= {name: _finite(timetable[name]) for name in _MAY_NEVER_COME}
    return {"id": task.id, **fields}


def _account_fields(account: Account) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(account)
    fields["latest_end"] = _finite(account.latest_end)
    fields["refunds"] = [[_finite(when), price] for when, price in account.refunds]
    fields.pop("mover", None)
    return fields


def _account(number: int, fields: dict[str, Any]) -> Account:
    if fields.get("latest_end", 0.0) is None:
        fields["latest_end"] = math.inf
    refunds = fields.get("refunds", [])
    fields["refunds"] = [[math.inf if when is None else when, price] for when, price in refunds]
    return _converted(number, fields, Account)


def _delivery_fields(delivery: Delivery) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(delivery)
    if delivery.due is not None and not math.isfinite(delivery.due):
        fields["due"] = _NEVER
    return fields


def _finite(instant: float) -> float | None:
    return instant if math.isfinite(instant) else None
