"""Encode and decode the values that the store writes to a Redis server.

The Lua script `store.lua` makes all writes on the Redis server.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from evolink_mock.stores.records import decode_delivery, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_mock.domain.accounts import Account
    from evolink_mock.domain.deliveries import Delivery
    from evolink_mock.domain.store import Change
    from evolink_mock.domain.tasks import Task

_NEVER = "inf"


def encoded(delivery: Delivery) -> tuple[bytes, str]:
    """Encode a delivery as its record and the time of its next attempt.

    The time is empty if no attempt is planned.
    """
    # The time is separate, because `store.lua` can change it without the record.
    return encode(replace(delivery, due=None)), "" if delivery.due is None else instant_text(delivery.due)


def instant_text(due: float) -> str:
    """Encode a time for the store's Lua script, as a decimal number or `inf`."""
    return repr(float(due)) if math.isfinite(due) else _NEVER


def decoded(data: bytes, due: bytes) -> Delivery:
    """Decode a delivery from its record and the time of its next attempt."""
    delivery = decode_delivery(data)
    return replace(delivery, due=float(due)) if due else delivery


def name_of(token: str) -> bytes:
    """Encode a token as UTF-8, for keys and values on the Redis server."""
    return token.encode("utf-8", "surrogatepass")


def clock_of(account: Account) -> str:
    """Encode an account's clock for the Lua script `store.lua`.

    The result is `frozen` if the clock is frozen. If the clock runs, the result is a number as text. The number is the
    seconds by which the account's clock is ahead of the mock server's clock.
    """
    return "frozen" if account.frozen_at is not None else repr(float(account.shift))


def delivery_values(delivery: Delivery) -> tuple[str, bytes, str, str]:
    """Encode a new delivery for the Lua script `store.lua`.

    Returns the task id, the record, the receiver, and the first due time.
    """
    data, due = encoded(delivery)
    return delivery.task_id, data, delivery.target.authority(), due


def change_values(
    account: Account, change: Change, encode_task: Callable[[Task], bytes], *, is_clock_new: bool
) -> tuple[Any, ...]:
    """Encode a `Change` for the Lua script `store.lua`.

    A `Change` contains the records that are stored together with an account. If `is_clock_new` is true, the account's
    clock is encoded too.
    """
    clock = clock_of(account) if is_clock_new else ""
    task, delivery, due = change.task, change.delivery, change.due
    if task is None:
        return clock, "", "", "", "", "", "", ""
    data, receiver, first = (b"", "", "") if delivery is None else delivery_values(delivery)[1:]
    moved = "" if due is None else instant_text(due)
    return clock, task.id, encode_task(task), int(change.replaces) or "", data, receiver, first, moved
