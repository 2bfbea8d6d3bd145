"""Connections to the mock in tests that replace functions of `socket` or `http.client`.

Tests, and tools such as httpretty, replace these functions to simulate network faults. The module keeps references to
the real functions. Import the module before any test runs.
"""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from http.client import HTTPResponse

_Socket = socket.socket
_resolve = socket.getaddrinfo
_request, _getresponse = HTTPConnection.request, HTTPConnection.getresponse


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Return a connection. `seconds` limits the time for connecting, and for each read and write.

    Raises OSError if no address of the host can be reached.
    """
    problem = OSError(f"{host} has no address")
    for family, address in _addresses(host, port):
        connection = _Socket(family, socket.SOCK_STREAM)
        connection.settimeout(seconds)
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem


def exchange(
    connection: HTTPConnection, method: str, target: str, body: bytes | None, headers: dict[str, str]
) -> HTTPResponse:
    """Send a request, and return the response. Raises OSError or HTTPException if the connection fails."""
    _request(connection, method, target, body, headers)
    return _getresponse(connection)


def _addresses(host: str, port: int) -> list[tuple[int, Any]]:
    try:
        version = ip_address(host).version
    except ValueError:
        return [
            (family, address) for family, _, _, _, address in _resolve(host, port, type=socket.SOCK_STREAM)
        ]
    return [(socket.AF_INET6 if version == 6 else socket.AF_INET, (host, port))]  # noqa: PLR2004  (IPv6)
