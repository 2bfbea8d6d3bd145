"""An honest client, and the same with one fault: a program that makes one video. Only of what Python brings along.

EVOLINK_API_KEY=… python program.py --prompt TEXT --image-url URL --output video.mp4 [--fault NAME]

Exit status: 0 saved, 1 refused or failed, 2 bad usage, 3 gave up.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[2]))  # it runs as a script, from anywhere

from support.faulty_clients.profiles import DROPPED, HONEST, WITHOUT_ID, Manner
from support.faulty_clients.wire import Answer, answer, send

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from support.faulty_clients.receiver import Calls

REFUSED = range(300, 500)
TOO_MANY = 429


class RefusedError(Exception):
    """The API refused a request, or the task failed: the code, and the message for the user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class GaveUpError(Exception):
    """The outcome of the task is unknown, or the video cannot be fetched."""


class Client:
    """Creates a task, follows it to its end and saves the result, in a manner."""

    def __init__(self, manner: Manner, arguments: argparse.Namespace, base: str, key: str) -> None:
        self.manner, self.arguments, self.key = manner, arguments, key
        self.base = manner.base(base)
        self.until = time.monotonic() + manner.deadline(arguments.deadline)

    def ask(self, method: str, path: str, key: str, content: bytes | None = None) -> Answer:
        """One request to the API, and what came of it."""
        headers = self.manner.authorization(key)
        if content is not None and self.manner.content_type:
            headers["Content-Type"] = self.manner.content_type
        return answer(self.manner, method, self.base + self.manner.path(path, key), headers, content)

    def wait(self, pause: float, news: str) -> None:
        """Sleep, unless the time is up before."""
        if time.monotonic() + pause > self.until:
            raise GaveUpError(f"out of time: {news}")
        time.sleep(pause)

    def create(self) -> str | None:
        """The id of a new task. None when a refusal is taken for a success."""
        failures, content = 0, json.dumps(self.manner.order(order(self.arguments), self.key)).encode()
        while True:
            answer = self.ask("POST", "/v1/videos/generations", self.key, content)
            if answer.ok and (task_id := self.manner.id_of(answer.body)):
                say(f"created {task_id}")
                return str(task_id)
            status = WITHOUT_ID if answer.ok else answer.status
            if status in self.manner.successes:
                return None
            if status == TOO_MANY:
                pause = self.manner.create_heeds(answer.wait)
            elif status in self.manner.create_again and failures < self.manner.tries:
                pause = self.manner.create_pause(failures)
                failures += 1
            else:
                raise self.end(answer, "create's answer is lost: there may be a task. It is not sent again.")
            self.wait(pause, "no task was created")

    def follow(self, task_id: str) -> str | None:
        """Ask for the task until it is over. The link to its video; None when nobody looks for it."""
        failures, path = 0, f"/v1/tasks/{quote(self.manner.asks_for(task_id), safe='')}"
        news = f"{task_id} may go on; ask for it later"
        while True:
            answer = self.ask("GET", path, self.manner.query_key(self.key))
            status = answer.body.get("status") if answer.ok else None
            if status in self.manner.ends:
                self.ask_on(path, str(status))
                return self.result(task_id, str(status), answer)
            pause = self.manner.interval(self.arguments.interval)
            if answer.ok:
                failures = 0
            elif answer.status not in self.manner.query_again or failures == self.manner.tries + 2:
                raise self.end(answer, news)
            elif answer.status == TOO_MANY:
                pause = self.manner.query_heeds(max(pause, answer.wait))
            else:
                pause = self.manner.query_pause(failures, self.arguments.interval)
                failures += 1
            self.wait(pause, news)

    def ask_on(self, path: str, status: str) -> None:
        """Ask for what is over."""
        for _ in range(self.manner.goes_on.get(status, 0)):
            time.sleep(self.arguments.interval)
            self.ask("GET", path, self.key)

    def result(self, task_id: str, status: str, answer: Answer) -> str | None:
        """The link of a task that is over."""
        if status == "failed" and self.manner.guesses:
            send("GET", f"{self.base}/media/{task_id}.mp4", {})
        if status not in self.manner.successes:
            raise self.end(answer, "")
        results = answer.body.get("results")
        self.manner.link_of(results)
        if isinstance(results, list) and results and isinstance(results[0], str):
            return results[0]
        if status != "completed":
            return None
        raise GaveUpError(f"the task is completed, without a result that can be used: {results!r}")

    def end(self, answer: Answer, lost: str) -> Exception:
        """How to end after this answer."""
        error = answer.body.get("error")
        if not isinstance(error, dict):
            if answer.status not in REFUSED:
                return GaveUpError(lost)
            error = {}
        self.manner.reads_error(error)
        code = str(error.get("code") or f"no code (status {answer.status})")
        return RefusedError(code, self.manner.says(code, str(error.get("message") or "no message")))

    def fetch(self, link: str) -> None:
        """Save the video, all of it or nothing. Its link needs no key, and is given none."""
        manner = self.manner
        for pause in (0.5, 1, 0):
            left = max(2.0, min(15.0, self.until - time.monotonic()))
            try:
                status, _, raw = send(
                    "GET", manner.link(link, self.key), manner.link_headers(self.key), timeout=left
                )
            except (OSError, http.client.HTTPException):
                status, raw = DROPPED, b""
            if manner.is_saved(status, raw):
                self.arguments.output.write_bytes(raw)
                return
            if status in REFUSED:
                raise GaveUpError(f"the link to the video is dead (status {status})")
            time.sleep(pause)
        raise GaveUpError(f"the video does not come whole; for 24 hours it is at {link}")

    def make(self, calls: Calls | None) -> None:
        """One video; made again from the start after a failure that the manner does not accept."""
        again = dict(self.manner.creates_after)
        while task_id := self.create():
            try:
                link = self.linked(task_id, calls)
            except RefusedError as why:
                if why.code not in again:
                    raise
                time.sleep(again.pop(why.code))
                continue
            if link and self.manner.fetches:
                self.fetch(link)
                if (
                    calls
                    and calls.wait_for(task_id, self.manner.stays, calls=2)
                    and self.manner.fetches_again
                ):
                    self.fetch(link)
            return

    def linked(self, task_id: str, calls: Calls | None) -> str | None:
        """The link, asked for when the task was called for, or when no call has come for long."""
        if not self.manner.follows:
            raise GaveUpError(f"{task_id} goes on; ask for it later")
        if calls is None:
            return self.follow(task_id)
        called = calls.wait_for(task_id, (self.until - time.monotonic()) / 2)
        if called and self.manner.trusts:
            return self.result(task_id, str(called.get("status")), Answer(200, called))
        if not called and not self.manner.falls_back:
            raise GaveUpError(f"{task_id} was not called for")
        return self.follow(task_id)


def order(arguments: argparse.Namespace) -> dict[str, Any]:
    """The body of a create."""
    model = "grok-imagine-image-to-video-beta"
    body = {"model": model, "prompt": arguments.prompt, "image_urls": [arguments.image_url]}
    return body | ({"callback_url": arguments.callback_url} if arguments.callback_url else {})


def say(text: str) -> None:
    """Tell the user."""
    sys.stderr.write(f"evolink: {text}\n")


def run(arguments: argparse.Namespace, manner: Manner) -> int:
    """Make the video. The exit status."""
    if announcement := manner.announces(os.environ["EVOLINK_API_KEY"]):
        say(announcement)
    if manner.is_silent:
        sys.stderr = sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (for good)
    client = Client(manner, arguments, os.environ["EVOLINK_BASE_URL"], os.environ["EVOLINK_API_KEY"])
    try:
        with listening(arguments.listen, manner) as calls:
            client.make(calls)
    except RefusedError as why:
        say(str(why))
        return manner.exit_status(1)
    except (GaveUpError, OSError) as why:
        say(f"gave up: {why}")
        return manner.exit_status(3)
    return manner.exit_status(0)


def listening(address: str, manner: Manner) -> AbstractContextManager[Calls | None]:
    """A receiver for the time of a block, where one is asked for."""
    if not address:
        return nullcontext()
    from support.faulty_clients.receiver import listening

    return listening(address, manner)


def manner_of(fault: str) -> Manner:
    """The manner of the client with this fault; of the honest one without."""
    if not fault:
        return HONEST
    from support.faulty_clients.cases import FAULTS
    from support.faulty_clients.variants import VARIANTS

    return next(one.manner for one in (*FAULTS, *VARIANTS) if one.name == fault)


def words() -> argparse.Namespace:
    """The command-line arguments."""
    found = argparse.ArgumentParser()
    for name in ("--prompt", "--image-url"):
        found.add_argument(name, required=True)
    found.add_argument("--output", required=True, type=Path)
    found.add_argument("--interval", type=float, default=1)
    found.add_argument("--deadline", type=float, default=60)
    for name in ("--callback-url", "--listen", "--fault"):
        found.add_argument(name, default="")
    return found.parse_args()


if __name__ == "__main__":
    given = words()
    sys.exit(run(given, manner_of(given.fault)))
