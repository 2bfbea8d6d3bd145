"""Makes one video with the EvoLink API, in a coroutine that can run beside others.

EVOLINK_API_KEY=… python httpx_async.py --prompt TEXT --image-url URL --output video.mp4

It uses httpx2, the maintained successor of httpx; `import httpx as httpx2` makes it a client of httpx.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import command
import evolink
import httpx2
from evolink import Answer, GaveUpError

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path


def now() -> float:
    """Return the time of the event loop, in seconds."""
    return asyncio.get_running_loop().time()


async def ask(api: httpx2.AsyncClient, until: float, method: str, path: str, **more: Any) -> Answer:
    """Send one request, and return its response, `LOST` or `UNSENT`."""
    try:
        async with asyncio.timeout(max(1, until - now())):
            return evolink.parse_response(await api.request(method, path, **more))
    except (httpx2.ConnectError, httpx2.ConnectTimeout):
        return evolink.UNSENT
    except (httpx2.HTTPError, TimeoutError):
        return evolink.LOST


async def wait(seconds: float, until: float, news: str) -> None:
    """Sleep. Raises GaveUpError with `news` if that would exceed the deadline."""
    if now() + seconds > until:
        raise GaveUpError(f"out of time: {news}")
    await asyncio.sleep(seconds)


async def create(api: httpx2.AsyncClient, body: dict[str, Any], until: float) -> str:
    """Create a task and return its id."""
    failures = 0
    while True:
        answer = await ask(api, until, "POST", evolink.CREATE, json=body)
        if task_id := evolink.task_id_of(answer, failures):
            print(f"evolink: created {task_id}", file=sys.stderr)
            return task_id
        await wait(evolink.next_wait(answer, failures, 1), until, "no task was created")
        failures += answer.failed


async def follow(api: httpx2.AsyncClient, task_id: str, interval: float, until: float) -> str:
    """Poll the task until it ends, and return the link to its video."""
    failures = 0
    while True:
        answer = await ask(api, until, "GET", evolink.query_path(task_id))
        if link := evolink.result_link(answer):
            return link
        await wait(
            evolink.next_wait(answer, failures, interval), until, f"{task_id} may go on; ask for it later"
        )
        failures = failures + 1 if answer.failed else 0


async def fetch(link: str, output: Path) -> None:
    """Save the whole video or nothing. The link needs no key, so none is sent."""
    part = output.with_name(f"{output.name}.part")
    headers = {"Accept-Encoding": "identity"}
    async with httpx2.AsyncClient(headers=headers, follow_redirects=True, timeout=30) as web:
        for pause in (1, 2, 0):
            try:
                async with web.stream("GET", link) as answer:
                    evolink.check_link(answer)
                    with part.open("wb") as file:  # a disk is fast enough to block on
                        async for chunk in answer.aiter_raw():
                            file.write(chunk)
                if evolink.is_complete(answer, part):
                    part.replace(output)
                    return
            except (httpx2.HTTPError, httpx2.InvalidURL):
                pass  # the video is still there
            finally:
                part.unlink(missing_ok=True)
            await asyncio.sleep(pause)
    raise GaveUpError(f"the video could not be downloaded completely; for 24 hours it is at {link}")


async def make(options: Namespace, base: str, key: str) -> None:
    """Make the video."""
    until = now() + options.deadline
    async with httpx2.AsyncClient(
        base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=30
    ) as api:
        task_id = await create(api, evolink.create_body(options.prompt, options.image_url), until)
        link = await follow(api, task_id, options.interval, until)
    await fetch(link, options.output)


if __name__ == "__main__":
    sys.exit(command.run(lambda *arguments: asyncio.run(make(*arguments)), command.parser()))
