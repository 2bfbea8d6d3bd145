"""How a call of a store passes its command to the fast lane, which sends the commands of several requests together."""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


@coroutine
def sent(command: Any) -> Generator[tuple[Any], Sequence[Any], Any]:
    """Yield a command to the fast lane, and receive the reply.

    Return the reply, or raise it if the reply is an error.
    """
    (reply,) = yield (command,)
    if isinstance(reply, Exception):
        raise reply
    return reply
