"""The commands `wait` and `tail`, which concern a running mock."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from evolink_mock.domain.clock import stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from evolink_mock.cli.options import TailOptions

_PAUSE_SECONDS = 0.1  # between two requests for the readiness
_READY_SECONDS = 5.0  # time for one response
_SILENCE_SECONDS = 40.0  # maximum time without data; the mock sends a comment every 15 seconds
_COLOURS = {2: "green", 3: "cyan", 4: "yellow", 5: "red", 0: "magenta"}
_never = threading.Event()  # never set; waiting for it is a pause
_LOST = "the mock closed the connection because it stopped or because this terminal was too slow"


class NoMockError(Exception):
    """No mock responds, or the mock responds with an error.

    The message states the reason for this error.
    """


def wait(
    url: str,
    seconds: float,
    now: Callable[[], float] = stopwatch,
    sleep: Callable[[float], object] = _never.wait,
) -> int:
    """Wait at most `seconds` until the mock at `url` is ready. Return the exit status."""
    last = now() + seconds
    while True:
        try:
            with closing(_connection(url, _READY_SECONDS)) as connection:
                status = _request(connection, "/__mock__/ready", {}).status
            if status == 200:  # noqa: PLR2004
                return 0
            problem = f"it answers with status {status}"
        except (OSError, HTTPException) as error:
            problem = f"no evolink-mock responds at {url}: {error or type(error).__name__}"
        except NoMockError as error:
            return _fail(str(error))
        if now() >= last:
            return _fail(f"not ready after {seconds:g} s: {problem}")
        sleep(_PAUSE_SECONDS)


def tail(options: TailOptions) -> int:
    """Print requests until Ctrl-C is pressed or the mock stops. Return the exit status."""
    try:
        for name, data in events(options):
            if name == "missed":
                click.secho(f"{data} requests were missed", err=True, fg="yellow")
            elif options.account in {"", data["account"]}:
                click.echo(json.dumps(data) if options.json else line_of(data))
    except NoMockError as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


def events(options: TailOptions) -> Generator[tuple[str, Any]]:
    """Yield the events that the mock sends, as pairs of name and decoded data.

    Raises `NoMockError` when the connection ends.
    """
    headers = {"Accept": "text/event-stream"}
    if options.key:
        headers["Mock-Operator-Key"] = options.key
    else:
        headers["Authorization"] = f"Bearer {options.token}"
    try:
        with closing(_connection(options.mock_url, _SILENCE_SECONDS)) as connection:
            response = _request(connection, "/__mock__/events", headers)
            if response.status != 200:  # noqa: PLR2004
                raise NoMockError(_refusal(options, response.status))
            yield from parse(response)
    except (OSError, HTTPException) as error:
        raise NoMockError(
            f"no evolink-mock responds at {options.mock_url}: {error or type(error).__name__}"
        ) from error
    raise NoMockError(_LOST)


def _connection(address: str, seconds: float) -> HTTPConnection:
    """Prepare a connection. `seconds` limits each wait for data."""
    try:
        url = urlsplit(address)
        host, port = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in {"http", "https"}:
        raise NoMockError(f"{address.rpartition('@')[2]!r} is not a URL: write http://HOST:PORT")
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    return kind(host, port, timeout=seconds)


def _request(connection: HTTPConnection, path: str, headers: Mapping[str, str]) -> HTTPResponse:
    connection.request("GET", path, headers=dict(headers))
    return connection.getresponse()


def _fail(problem: str) -> int:
    click.secho(f"evolink-mock: {problem}", err=True, fg="red")
    return 1


def _refusal(options: TailOptions, status: int) -> str:
    if status == 401:  # noqa: PLR2004
        what = "--key is not the key of its console" if options.key else "--token is not one of its tokens"
        return f"the mock at {options.mock_url} refuses the request: {what}"
    what = f"has no stream of events (status {status}): perhaps it was started with --ui off"
    return f"the mock at {options.mock_url} {what}"


def parse(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the decoded JSON of each server-sent event in the stream."""
    name, data = "", ""
    for raw in stream:
        field, _, value = raw.decode("utf-8", "replace").rstrip("\r\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            data += value
        elif not field and data:
            yield name, json.loads(data)
            name, data = "", ""


def line_of(event: dict[str, Any]) -> str:
    """Format an exchange as a line: time, status, request, task, account, violations and notes."""
    status = event["status"]
    at = datetime.fromtimestamp(event["at"]).astimezone().strftime("%H:%M:%S")
    shown = click.style(str(status or "---"), fg=_COLOURS.get(status // 100, "white"))
    task_id = event["task_id"]
    task = f"  {task_id}" if task_id and task_id not in event["path"] else ""
    account = f"  account {event['account']}" if event["account"] else ""
    notes = "; ".join([*event["violations"], *event["notes"]])
    return f"{at}  {shown}  {event['method']} {event['path']}{task}{account}" + (
        f"  ({notes})" if notes else ""
    )
