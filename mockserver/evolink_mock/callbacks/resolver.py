"""Resolve host names in dedicated threads, so that a name server that never answers delays nothing else.

A look-up by the system cannot be cancelled. The threads are daemons: the process ends without waiting for them, as it
would for the threads of the event loop's own pool.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

MOST_LOOKUPS = 512  # at one time; each is a thread


class Resolver:
    """Addresses of host names, as the system resolves them. Concurrent look-ups of a name share one thread."""

    def __init__(self, most: int = MOST_LOOKUPS) -> None:
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}
        self._slots = asyncio.Semaphore(most)

    async def __call__(self, host: str, port: int) -> list[str]:
        """The addresses of a host. OSError or UnicodeError if it has none."""
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
        threading.Thread(target=_look_up, args=(key, lookup), name=f"resolve {key[0]}", daemon=True).start()

    def _forget(self, key: tuple[str, int]) -> None:
        del self._under_way[key]
        self._slots.release()


def _look_up(key: tuple[str, int], lookup: asyncio.Future[list[str]]) -> None:
    """Resolve a name in this thread, and pass the outcome to the event loop if it still runs."""
    outcome: list[str] | Exception
    try:
        infos = socket.getaddrinfo(*key, type=socket.SOCK_STREAM)
        outcome = list(dict.fromkeys(str(info[4][0]) for info in infos))
    except Exception as error:  # noqa: BLE001  (whatever it is, it belongs to who asked)
        outcome = error
    with suppress(RuntimeError):  # the loop was closed meanwhile
        lookup.get_loop().call_soon_threadsafe(_settle, lookup, outcome)


def _settle(lookup: asyncio.Future[list[str]], outcome: list[str] | Exception) -> None:
    if lookup.done():
        return
    if isinstance(outcome, Exception):
        lookup.set_exception(outcome)
        lookup.exception()  # mark the exception as retrieved: perhaps nothing waits for it any more
    else:
        lookup.set_result(outcome)
