"""`evolink-mock tail`: the requests of a running mock as they come, from its stream of events."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from evolink_mock.cli.options import TailOptions

_SILENCE_SECONDS = 40.0  # the mock sends a comment every 15
_COLOURS = {2: "green", 3: "cyan", 4: "yellow", 5: "red", 0: "magenta"}
_LOST = "the mock closed the connection: it stopped, or this terminal was too slow"


class TailError(Exception):
    """The mock cannot be followed; the text gives the reason."""


def run(options: TailOptions) -> int:
    """Print the requests until Ctrl-C or until the mock stops. Returns the exit status."""
    try:
        for name, data in events(options):
            if name == "missed":
                click.secho(f"{data} requests were missed", err=True, fg="yellow")
            elif options.account in {"", data["account"]}:
                click.echo(json.dumps(data) if options.json else line_of(data))
    except TailError as error:
        click.secho(f"evolink-mock: {error}", err=True, fg="red")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def events(options: TailOptions) -> Generator[tuple[str, Any]]:
    """The events of the mock, each with its name and decoded data. `TailError` once there can be no more."""
    url = urlsplit(options.url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise TailError(f"{options.url!r} is no URL: write http://HOST:PORT")
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    headers = {"Accept": "text/event-stream"}
    if options.key:
        headers["Mock-Operator-Key"] = options.key
    else:
        headers["Authorization"] = f"Bearer {options.token}"
    try:
        with closing(kind(url.hostname, url.port, timeout=_SILENCE_SECONDS)) as connection:
            connection.request("GET", "/__mock__/events", headers=headers)
            response = connection.getresponse()
            if response.status != 200:  # noqa: PLR2004
                raise TailError(_refusal(options, response.status))
            yield from parse(response)
    except (OSError, HTTPException) as error:
        raise TailError(
            f"no evolink-mock responds at {options.url}: {error or type(error).__name__}"
        ) from error
    raise TailError(_LOST)


def _refusal(options: TailOptions, status: int) -> str:
    if status == 401:  # noqa: PLR2004
        what = "--key is not the key of its console" if options.key else "--token is not one of its tokens"
        return f"the mock at {options.url} refuses: {what}"
    return f"the mock at {options.url} has no stream of events (status {status}): is it a mock with --ui on?"


def parse(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """The events in a stream of server-sent events, with their JSON data."""
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
    """An exchange as a line: time, status, request, task, account, reasons."""
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
