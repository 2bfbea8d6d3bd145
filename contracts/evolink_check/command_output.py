"""Read the output of a command while it runs. The middle of a long output is discarded."""

from __future__ import annotations

import os
import threading
from typing import IO

from evolink_check.traffic.known_keys import KEY

KEPT = 65_536  # how many bytes are kept of the beginning, and of the end
_CHUNK = 65_536
_CUT = b"\n[...]\n"


class Output:
    """One output stream of a command."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._first, self._last = b"", b""
        self._is_cut = False
        # Without this thread, a full pipe would block the command.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self, token: str, patience: float) -> str:
        """Return the output that was kept, with `KEY` in place of the API key.

        Waits up to `patience` seconds for the stream to close.
        """
        self._reader.join(patience)
        first, last = self._first, self._last
        if self._is_cut:
            first, last = _without_cut_key(first, last, token.encode())
            first += _CUT
        return (first + last).decode("utf-8", "replace").replace(token, KEY)

    def _read(self) -> None:
        with self._pipe:
            while chunk := os.read(self._pipe.fileno(), _CHUNK):
                self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        room = KEPT - len(self._first)
        self._first += chunk[:room]
        last = self._last + chunk[room:]
        self._is_cut = self._is_cut or len(last) > KEPT
        self._last = last[-KEPT:]


def _without_cut_key(first: bytes, last: bytes, token: bytes) -> tuple[bytes, bytes]:
    # The discarded middle may have had one part of the key. The other part remains at the end of `first` or
    # at the beginning of `last`. A search for the complete key does not find this part.
    sizes = range(len(token) - 1, 0, -1)
    before = next((size for size in sizes if first.endswith(token[:size])), 0)
    after = next((size for size in sizes if last.startswith(token[-size:])), 0)
    return first[: len(first) - before], last[after:]
