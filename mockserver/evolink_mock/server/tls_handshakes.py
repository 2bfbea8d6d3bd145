"""Detect clients that abort the TLS handshake.

The usual reason is an untrusted certificate.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

HANDSHAKE_SECONDS = 10.0  # maximum time of a handshake


class TlsHandshakes:  # asyncio does not report failed handshakes
    """Watches the TLS handshakes of one listener.

    `on_failure` is called with the host name that the client requested. The call is made if a handshake exceeds its
    time limit. The call is also made if a handshake has not succeeded before `close`.
    """

    def __init__(self, context: ssl.SSLContext, default_name: str, on_failure: Callable[[str], None]) -> None:
        self._default_name = default_name
        self._on_failure = on_failure
        self._open: dict[ssl.SSLObject, str] = {}
        context.sni_callback = self._begin

    def _begin(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        self._open[connection] = name or self._default_name
        asyncio.get_running_loop().call_later(HANDSHAKE_SECONDS, self._expire, connection)

    def complete(self, connection: ssl.SSLObject) -> None:
        """Stop watching a handshake that has succeeded."""
        self._open.pop(connection, None)

    def close(self) -> None:
        """Report every handshake that has not succeeded."""
        for connection in list(self._open):
            self._expire(connection)

    def _expire(self, connection: ssl.SSLObject) -> None:
        name = self._open.pop(connection, None)
        if name is not None:
            self._on_failure(name)
