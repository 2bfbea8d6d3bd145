"""Callbacks over https with a certificate authority of the user's, and tasks that a receiver is told of."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import trustme
from evolink_check.receiver.delivery.http import HttpSender
from evolink_check.receiver.records import Callback, Reply, Timing
from evolink_check.receiver.registration import RegistrationError, url_register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODIES: list[bytes] = []


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        BODIES.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(404 if self.path == "/unknown" else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL of an endpoint that accepts everything but `/unknown`."""
    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


async def send(url: str, ca: Path | None) -> Reply:
    sender = HttpSender(Timing(), ca)
    try:
        return await sender.send(Callback(f"{url}/hook", b"{}"), 5.0)
    finally:
        await sender.close()


def test_a_receiver_with_a_certificate_of_the_users_own_is_called_with_its_authority(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(context) as url:
        assert asyncio.run(send(url, tmp_path / "ca.pem")).status == 204
        assert "certificate verify failed" in asyncio.run(send(url, None)).problem


def test_a_receiver_is_told_of_a_task_by_the_response_to_its_create_request() -> None:
    with serving() as url:
        url_register(f"{url}/tasks")({"id": "task-1"})
        assert BODIES[-1] == b'{"id":"task-1"}'
        with pytest.raises(RegistrationError, match="answered 404"):
            url_register(f"{url}/unknown")({"id": "task-1"})
    with pytest.raises(RegistrationError, match="does not answer"):
        url_register(f"{url}/tasks")({"id": "task-1"})
