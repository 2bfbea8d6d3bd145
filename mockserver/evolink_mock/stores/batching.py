"""Pass a command of a store to the batched lane of the mock server.

The lane collects the commands of several HTTP requests, and passes them back to the store in one call of
`BatchingStore.send`, which executes them in one transaction.
"""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


@coroutine
def sent(command: Any) -> Generator[tuple[Any], Sequence[Any], Any]:
    """Yield one command to the batched lane. Return the store's reply, or raise the reply if it is an exception."""
    (reply,) = yield (command,)
    if isinstance(reply, Exception):
        raise reply
    return reply
