"""Send the changes of several requests in one call of the script `store.lua`.

One call takes less time than many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from evolink_mock.domain.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_mock.stores.redis.connection import Command, Connection

_NAME = 4  # the place of a part's name in a call of the script; its values follow
_MOST_CHANGES = 50  # in one call, because the server does nothing else in the meantime


def send(connection: Connection, commands: Sequence[Command]) -> list[Any]:
    """Send commands in one round trip.

    Returns the reply to each command. If a command is rejected, its reply is a `StoreError`.
    """
    groups: list[list[Command]] = []
    for command in commands:
        if groups and _is_change(command) and _is_change(groups[-1][0]) and len(groups[-1]) < _MOST_CHANGES:
            groups[-1].append(command)
        else:
            groups.append([command])
    replies: list[Any] = []
    for group, reply in zip(groups, connection.send([_merged(group) for group in groups]), strict=True):
        if len(group) == 1:
            replies.append(reply)
        elif isinstance(reply, StoreError):
            replies += [reply] * len(group)
        else:
            replies += [
                connection.rejected(item) if isinstance(item, ResponseError) else item for item in reply
            ]
    return replies


def _is_change(command: Command) -> bool:
    return len(command) > _NAME and command[_NAME] == "change"


def _merged(group: list[Command]) -> Command:
    if len(group) == 1:
        return group[0]
    values = (value for command in group for value in command[_NAME + 1 :])
    return *group[0][:_NAME], "changes", *values
