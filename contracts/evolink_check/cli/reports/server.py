"""Serve the HTML report of a run to a browser on this machine."""

from __future__ import annotations

import secrets
import sys
import threading
import webbrowser
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import click

from evolink_check.cli.config import environment
from evolink_check.cli.signals import interrupting

if TYPE_CHECKING:
    from collections.abc import Iterator

_DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY")


def serve_report(page: str) -> None:
    """Serve the HTML page until Ctrl-C is pressed.

    Print a link to the page. On a desktop, also open the page in a browser.
    """
    stop = threading.Event()
    with serving(page) as url, interrupting(stop, "the report is no longer served"):
        click.echo(f"evolink-check: the report is at {url}; press Ctrl-C to stop serving it", err=True)
        # Without a desktop, a text browser might start in this terminal.
        if _has_desktop():
            webbrowser.open(url)
        stop.wait()


@contextmanager
def serving(page: str) -> Iterator[str]:
    """Serve an HTML page on loopback in the `with` block.

    Yield the page's URL. The URL has a free port and is hard to guess.
    """
    content = page.encode()
    path = f"/{secrets.token_urlsafe(16)}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Respond with the page, or with 404 for any other path."""
            is_page = self.path == path
            body = content if is_page else b"there is no such page\n"
            self.send_response(HTTPStatus.OK if is_page else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", f"text/{'html' if is_page else 'plain'}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{path}"
        finally:
            server.shutdown()
            thread.join()


def _has_desktop() -> bool:
    variables = environment()
    return sys.platform in {"darwin", "win32"} or any(variables.get(name) for name in _DESKTOP)
