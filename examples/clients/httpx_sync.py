"""Makes one video with the EvoLink API: creates a task, polls it until it ends, saves the result.

EVOLINK_API_KEY=… python httpx_sync.py --prompt TEXT --image-url URL --output video.mp4

It uses httpx2, the maintained successor of httpx; `import httpx as httpx2` makes it a client of httpx.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import command
import evolink
import httpx2
from evolink import Answer, GaveUpError

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path


def ask(api: httpx2.Client, until: float, method: str, path: str, **more: Any) -> Answer:
    """Send one request, and return its response, `LOST` or `UNSENT`."""
    timeout = min(30, max(1, until - time.monotonic()))
    try:
        return evolink.parse_response(api.request(method, path, timeout=timeout, **more))
    except (httpx2.ConnectError, httpx2.ConnectTimeout):
        return evolink.UNSENT
    except httpx2.HTTPError:
        return evolink.LOST


def wait(seconds: float, until: float, news: str) -> None:
    """Sleep. Raises GaveUpError with `news` if that would exceed the deadline."""
    if time.monotonic() + seconds > until:
        raise GaveUpError(f"out of time: {news}")
    time.sleep(seconds)


def create(api: httpx2.Client, body: dict[str, Any], until: float) -> str:
    """Create a task and return its id."""
    failures = 0
    while True:
        answer = ask(api, until, "POST", evolink.CREATE, json=body)
        if task_id := evolink.task_id_of(answer, failures):
            print(f"evolink: created {task_id}", file=sys.stderr)
            return task_id
        wait(evolink.next_wait(answer, failures, 1), until, "no task was created")
        failures += answer.failed


def follow(api: httpx2.Client, task_id: str, interval: float, until: float) -> str:
    """Poll the task until it ends, and return the link to its video."""
    failures = 0
    while True:
        answer = ask(api, until, "GET", evolink.query_path(task_id))
        if link := evolink.result_link(answer):
            return link
        wait(evolink.next_wait(answer, failures, interval), until, f"{task_id} may go on; ask for it later")
        failures = failures + 1 if answer.failed else 0


def fetch(link: str, output: Path) -> None:
    """Save the whole video or nothing. The link needs no key, so none is sent."""
    part = output.with_name(f"{output.name}.part")
    with httpx2.Client(headers={"Accept-Encoding": "identity"}, follow_redirects=True, timeout=30) as web:
        for pause in (1, 2, 0):
            try:
                with web.stream("GET", link) as answer, part.open("wb") as file:
                    evolink.check_link(answer)
                    file.writelines(answer.iter_raw())
                if evolink.is_complete(answer, part):
                    part.replace(output)
                    return
            except (httpx2.HTTPError, httpx2.InvalidURL):
                pass  # the video is still there
            finally:
                part.unlink(missing_ok=True)
            time.sleep(pause)
    raise GaveUpError(f"the video could not be downloaded completely; for 24 hours it is at {link}")


def make(options: Namespace, base: str, key: str) -> None:
    """Make the video."""
    until = time.monotonic() + options.deadline
    with httpx2.Client(base_url=base, headers={"Authorization": f"Bearer {key}"}) as api:
        task_id = create(api, evolink.create_body(options.prompt, options.image_url), until)
        link = follow(api, task_id, options.interval, until)
    fetch(link, options.output)


if __name__ == "__main__":
    sys.exit(command.run(make, command.parser()))
