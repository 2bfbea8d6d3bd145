"""Makes one video with the EvoLink API: creates a task, asks until it is over, saves the result.

EVOLINK_API_KEY=… python httpx_sync.py --prompt TEXT --image-url URL --output video.mp4
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import command
import evolink
import httpx
from evolink import Answer, GaveUp

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path


def ask(api: httpx.Client, until: float, method: str, path: str, **more: Any) -> Answer:
    """One request, and what came of it."""
    timeout = min(30, max(1, until - time.monotonic()))
    try:
        return evolink.read(api.request(method, path, timeout=timeout, **more))
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return evolink.UNSENT
    except httpx.HTTPError:
        return evolink.LOST


def wait(seconds: float, until: float, news: str) -> None:
    """Sleep, unless the time is up before."""
    if time.monotonic() + seconds > until:
        raise GaveUp(f"out of time: {news}")
    time.sleep(seconds)


def create(api: httpx.Client, body: dict[str, Any], until: float) -> str:
    """The id of a new task."""
    failures = 0
    while True:
        answer = ask(api, until, "POST", evolink.CREATE, json=body)
        if task_id := evolink.created(answer, failures):
            print(f"evolink: created {task_id}", file=sys.stderr)
            return task_id
        wait(evolink.pause(answer, failures, 1), until, "no task was created")
        failures += answer.failed


def follow(api: httpx.Client, task_id: str, interval: float, until: float) -> str:
    """Ask for the task until it is over. The link to its video."""
    failures = 0
    while True:
        answer = ask(api, until, "GET", evolink.query(task_id))
        if link := evolink.ended(answer):
            return link
        wait(evolink.pause(answer, failures, interval), until, f"{task_id} may go on; ask for it later")
        failures = failures + 1 if answer.failed else 0


def fetch(link: str, output: Path) -> None:
    """Save the video, all of it or nothing. Its link needs no key, and is given none."""
    part = output.with_name(f"{output.name}.part")
    with httpx.Client(headers={"Accept-Encoding": "identity"}, follow_redirects=True, timeout=30) as web:
        for pause in (1, 2, 0):
            try:
                with web.stream("GET", link) as answer, part.open("wb") as file:
                    evolink.alive(answer)
                    file.writelines(answer.iter_raw())
                if evolink.whole(answer, part):
                    part.replace(output)
                    return
            except (httpx.HTTPError, httpx.InvalidURL):
                pass  # the video is still there
            finally:
                part.unlink(missing_ok=True)
            time.sleep(pause)
    raise GaveUp(f"the video does not come whole; for 24 hours it is at {link}")


def make(told: Namespace, base: str, key: str) -> None:
    """All of it."""
    until = time.monotonic() + told.deadline
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {key}"}) as api:
        task_id = create(api, evolink.order(told.prompt, told.image_url), until)
        link = follow(api, task_id, told.interval, until)
    fetch(link, told.output)


if __name__ == "__main__":
    sys.exit(command.run(make, command.parser()))
