"""The command `evolink-mock demo`, which runs a complete task over real HTTP."""

from __future__ import annotations

import json
import os
import queue
import tempfile
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from evolink_spec import load
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from evolink_mock.server.thread import serve_in_thread
from evolink_mock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evolink_mock.domain.units import Speed

_POLL_SECONDS = 0.5
_CALLBACK_SECONDS = 15
_TOKEN = "demo"  # noqa: S105  (any token is accepted)


def run(folder: Path, speed: Speed) -> int:
    """Run a task, print its progress, and save its video in `folder`.

    Returns the exit status.
    """
    console = Console()
    if problem := _problem(folder):
        return _fail(problem)
    spec = load()
    with _callback_receiver() as (callback_url, received):
        settings = Settings(port=0, duration=speed, allow_callbacks_to=(callback_url.split("/")[2],))
        with serve_in_thread(spec, settings) as server:
            url = server.url
            (_, path), by_model = next(iter(spec.creates.items()))
            request = _request(next(iter(by_model)), callback_url)
            console.print(f"[bold]POST {path}[/]  {escape(json.dumps(request))}")
            task = _send(url + path, request)
            console.print(
                f"  → {task['status']}, [cyan]{task['id']}[/], {task['usage']['credits_reserved']} credits"
            )
            done = _watch(console, url + spec.query.path.replace(f"{{{spec.query.parameter}}}", task["id"]))
            console.print(f"[bold]callback[/]  {_describe_callback(received)}")
            target = folder / f"{task['id']}.mp4"
            try:
                _save(done["results"][0], target)
            except OSError as error:
                return _fail(f"{target}: the video cannot be saved: {error.strerror or error}")
            console.print(
                f"[bold]saved[/]  [green]{escape(str(target.resolve()))}[/]  {target.stat().st_size:,} bytes"
            )
    console.print("\nTo test your own client: [bold]evolink-mock serve[/]")
    return 0


def _fail(problem: str) -> int:
    Console(stderr=True).print(f"[red]evolink-mock: {escape(problem)}[/]", soft_wrap=True)
    return 2


def _problem(folder: Path) -> str:
    """Return why the video cannot be made; empty if it can."""
    try:
        folder.resolve()
    except FileNotFoundError:
        return "the working directory has been deleted: change to another one, or set --output"
    if not folder.is_dir():
        return f"--output: there is no folder {folder}"
    if not os.access(folder, os.W_OK):
        return f"--output: cannot write in {folder}"
    try:
        tempfile.gettempdir()
    except OSError:
        return "there is no writable temporary folder: set TMPDIR to one"
    return ""


def _request(model: str | None, callback_url: str) -> dict[str, Any]:
    return {
        "model": model,
        "prompt": "The person starts dancing",
        "image_urls": ["https://example.com/image.jpg"],
        "duration": 6,
        "quality": "480p",
        "callback_url": callback_url,
    }


def _watch(console: Console, url: str) -> dict[str, Any]:
    columns = (
        TextColumn("[bold]GET[/]  {task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
    )
    pause = threading.Event()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("pending", total=100)
        while True:
            task = _send(url)
            progress.update(bar, completed=task["progress"], description=task["status"])
            if task["status"] in {"completed", "failed"}:
                return task
            pause.wait(_POLL_SECONDS)


def _describe_callback(received: queue.Queue[dict[str, Any]]) -> str:
    try:
        body = received.get(timeout=_CALLBACK_SECONDS)
    except queue.Empty:
        return "[red]no callback was received[/]"
    return f"POST of the same body: {body['status']}, {escape(body['results'][0])}"


def _send(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers)  # noqa: S310  (the mock's own URL)
    with _direct.open(request) as response:
        body_received: dict[str, Any] = json.load(response)
        return body_received


def _save(url: str, target: Path) -> None:
    with _direct.open(url) as response:
        target.write_bytes(response.read())


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


@contextmanager
def _callback_receiver() -> Iterator[tuple[str, queue.Queue[dict[str, Any]]]]:
    received: queue.Queue[dict[str, Any]] = queue.Queue()  # the JSON bodies of the callbacks

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Do not log the request, because `run` prints the callback."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?secret=kept", received
    finally:
        server.shutdown()
        server.server_close()
