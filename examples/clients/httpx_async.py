"""Makes one video with the EvoLink API, as a coroutine beside others.

EVOLINK_API_KEY=… python httpx_async.py --prompt TEXT --image-url URL --output video.mp4
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import command
import evolink
import httpx
from evolink import Answer, GaveUp

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path


def now() -> float:
    """The time of the loop, in seconds."""
    return asyncio.get_running_loop().time()


async def ask(api: httpx.AsyncClient, until: float, method: str, path: str, **more: Any) -> Answer:
    """One request, and what came of it."""
    try:
        async with asyncio.timeout(max(1, until - now())):
            return evolink.read(await api.request(method, path, **more))
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return evolink.UNSENT
    except (httpx.HTTPError, TimeoutError):
        return evolink.LOST


async def wait(seconds: float, until: float, news: str) -> None:
    """Sleep, unless the time is up before."""
    if now() + seconds > until:
        raise GaveUp(f"out of time: {news}")
    await asyncio.sleep(seconds)


async def create(api: httpx.AsyncClient, body: dict[str, Any], until: float) -> str:
    """The id of a new task."""
    failures = 0
    while True:
        answer = await ask(api, until, "POST", evolink.CREATE, json=body)
        if task_id := evolink.created(answer, failures):
            print(f"evolink: created {task_id}", file=sys.stderr)
            return task_id
        await wait(evolink.pause(answer, failures, 1), until, "no task was created")
        failures += answer.failed


async def follow(api: httpx.AsyncClient, task_id: str, interval: float, until: float) -> str:
    """Ask for the task until it is over. The link to its video."""
    failures = 0
    while True:
        answer = await ask(api, until, "GET", evolink.query(task_id))
        if link := evolink.ended(answer):
            return link
        await wait(evolink.pause(answer, failures, interval), until, f"{task_id} may go on; ask for it later")
        failures = failures + 1 if answer.failed else 0


async def fetch(link: str, output: Path) -> None:
    """Save the video, all of it or nothing. Its link needs no key, and is given none."""
    part = output.with_name(f"{output.name}.part")
    headers = {"Accept-Encoding": "identity"}
    async with httpx.AsyncClient(headers=headers, follow_redirects=True, timeout=30) as web:
        for pause in (1, 2, 0):
            try:
                async with web.stream("GET", link) as answer:
                    evolink.alive(answer)
                    with part.open("wb") as file:  # the disk is fast enough not to be waited for
                        async for chunk in answer.aiter_raw():
                            file.write(chunk)
                if evolink.whole(answer, part):
                    part.replace(output)
                    return
            except (httpx.HTTPError, httpx.InvalidURL):
                pass  # the video is still there
            finally:
                part.unlink(missing_ok=True)
            await asyncio.sleep(pause)
    raise GaveUp(f"the video does not come whole; for 24 hours it is at {link}")


async def make(told: Namespace, base: str, key: str) -> None:
    """All of it."""
    until = now() + told.deadline
    async with httpx.AsyncClient(
        base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=30
    ) as api:
        task_id = await create(api, evolink.order(told.prompt, told.image_url), until)
        link = await follow(api, task_id, told.interval, until)
    await fetch(link, told.output)


if __name__ == "__main__":
    sys.exit(command.run(lambda *given: asyncio.run(make(*given)), command.parser()))
