"""Pass a command of a store to the batched lane of the mock server.

The lane collects the commands of several HTTP requests. `BatchingStore.send` then executes these commands together.
"""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


@coroutine
def sent(command: Any) -> Generator[tuple[Any], Sequence[Any], Any]:
    """Pass one command to the batched lane, and return the store's reply.

    If the reply is an exception, raises it.
    """
    (reply,) = yield (command,)
    if isinstance(reply, Exception):
        raise reply
    return reply
