"""Look up host names in separate threads.

A name server that never responds delays nothing else.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

MOST_LOOKUPS = 512  # maximum number of concurrent look-ups, each of which has a thread

# Looked up at import, because a test may replace the function to simulate a network that is down.
_getaddrinfo = socket.getaddrinfo


class Resolver:
    """Looks up host names as the operating system does. Concurrent look-ups of the same name share a thread."""

    def __init__(self, most: int = MOST_LOOKUPS) -> None:
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}
        self._slots = asyncio.Semaphore(most)

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the IP addresses of a host.

        Raises OSError if the look-up fails. Raises UnicodeError if `host` cannot be encoded as a host name.
        """
        key = (host, port)
        if key not in self._under_way:
            await self._slots.acquire()
            if key in self._under_way:
                self._slots.release()
            else:
                self._begin(key)
        return await asyncio.shield(self._under_way[key])

    def _begin(self, key: tuple[str, int]) -> None:
        lookup = self._under_way[key] = asyncio.get_running_loop().create_future()
        lookup.add_done_callback(lambda _: self._forget(key))
        # A look-up cannot be cancelled. When the process ends, Python would wait for the threads of asyncio's own pool,
        # but does not wait for daemon threads.
        threading.Thread(target=_look_up, args=(key, lookup), name=f"resolve {key[0]}", daemon=True).start()

    def _forget(self, key: tuple[str, int]) -> None:
        del self._under_way[key]
        self._slots.release()


def _look_up(key: tuple[str, int], lookup: asyncio.Future[list[str]]) -> None:
    outcome: list[str] | Exception
    try:
        infos = _getaddrinfo(*key, type=socket.SOCK_STREAM)
        outcome = list(dict.fromkeys(str(info[4][0]) for info in infos))
    except Exception as error:  # noqa: BLE001  (any error is passed to the caller)
        outcome = error
    with suppress(RuntimeError):  # the event loop has been closed
        lookup.get_loop().call_soon_threadsafe(_settle, lookup, outcome)


def _settle(lookup: asyncio.Future[list[str]], outcome: list[str] | Exception) -> None:
    if lookup.done():
        return
    if isinstance(outcome, Exception):
        lookup.set_exception(outcome)
        lookup.exception()  # mark the exception as retrieved, because the caller may have been cancelled
    else:
        lookup.set_result(outcome)
