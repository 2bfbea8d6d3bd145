"""Pass a command of a store to the server's batched lane, which sends the commands of several requests together."""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


@coroutine
def sent(command: Any) -> Generator[tuple[Any], Sequence[Any], Any]:
    """Yield one command to the batched lane, which sends it. Return the reply, or raise it if it is an exception."""
    (reply,) = yield (command,)
    if isinstance(reply, Exception):
        raise reply
    return reply
