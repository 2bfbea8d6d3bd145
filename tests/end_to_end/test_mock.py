"""The installed command as a process, driven over real sockets as a client would."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import av
import httpx2
from support.mocks.in_process import BODY, CREATE, Receiver

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

COMMAND = which("evolink-mock", path=str(Path(sys.executable).parent)) or "evolink-mock is not installed"
DEADLINE = 30  # seconds for any one thing, on a busy machine


@asynccontextmanager
async def serving(folder: Path, *options: str) -> AsyncIterator[tuple[Process, str]]:
    """The command, its log in `folder`, and the URL of its ready line. It is gone when the block ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVOLINK_MOCK_")}
    with (folder / "log").open("wb") as log:  # no pipe: nobody reads one while it fills
        process = await asyncio.create_subprocess_exec(
            *(COMMAND, "serve", "--port", "0", *options),
            cwd=folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            ready = (await process.stdout.readline()).decode()
        yield process, next(word for word in ready.split() if word.startswith("http://"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def stopped(process: Process) -> tuple[int | None, str]:
    """Press Ctrl-C: the exit code, and the last line."""
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(DEADLINE):
        out, _ = await process.communicate()
    return process.returncode, out.decode().splitlines()[-1]


async def followed(client: httpx2.AsyncClient, task: dict[str, Any]) -> list[dict[str, Any]]:
    """Every answer to a poll until the task has ended."""
    seen = [task]
    async with asyncio.timeout(DEADLINE):
        while seen[-1]["status"] not in {"completed", "failed"}:
            seen.append((await client.get(f"/v1/tasks/{task['id']}")).json())
    return seen


def watch(video: bytes) -> tuple[str, float, int]:
    """Decode every frame: the codec, the seconds, the lines."""
    with av.open(io.BytesIO(video), "r") as file:
        stream = file.streams.video[0]
        heights = [frame.height for frame in file.decode(stream)]
        assert stream.average_rate is not None
        return stream.codec_context.name, float(len(heights) / stream.average_rate), heights[-1]


def test_the_command_does_the_whole_job_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    async def scene() -> None:
        options = ("--port-file", "port", "--duration", "500ms", "--allow-callbacks-to", "127.0.0.1")
        async with Receiver([b"500 Trouble"]) as receiver, serving(tmp_path, *options) as (process, url):
            async with httpx2.AsyncClient(
                base_url=url, headers={"authorization": "Bearer hush"}, trust_env=False, timeout=DEADLINE
            ) as client:
                hook = receiver.url("/hook?secret=hush")
                created = await client.post(CREATE, json=BODY | {"callback_url": hook})
                assert created.status_code == 200
                seen = await followed(client, created.json())
                assert list(dict.fromkeys(task["status"] for task in seen)) == [
                    "pending",
                    "processing",
                    "completed",
                ]
                (link,) = seen[-1]["results"]
                assert link == f"{url}/media/{seen[0]['id']}.mp4"
                video = await client.get(link, headers={"authorization": ""})
                assert (video.status_code, video.headers["content-type"]) == (200, "video/mp4")
                assert watch(video.content) == ("h264", 6, 480)
                first, again = await receiver.until(2)
                assert first.body == again.body == (await client.get(f"/v1/tasks/{seen[0]['id']}")).content
                assert first.line == again.line == "POST /hook?secret=hush HTTP/1.1"
                refused = await client.post(CREATE, content=b"{")
                assert json.loads(refused.content)["error"]["code"] == "invalid_request"
            assert url.endswith(f":{(tmp_path / 'port').read_text().strip()}")
            assert await stopped(process) == (0, "stopped")
            err = (tmp_path / "log").read_text()
            assert f"callback 1 of {seen[0]['id']} to http://{receiver.host}: 500, again in 1 s" in err
            assert f"200  POST {CREATE}" in err
            assert "hush" not in err
            assert "Traceback" not in err

    asyncio.run(scene())


def test_ctrl_c_tells_which_callbacks_were_never_delivered(tmp_path: Path) -> None:
    async def scene() -> None:
        async with serving(tmp_path, "--quiet", "--duration", "1h", "--allow-callbacks-to", "127.0.0.1") as (
            process,
            url,
        ):
            body = BODY | {"callback_url": "http://127.0.0.1:9/hook?secret=hush"}
            async with httpx2.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
                answer = await client.post(url + CREATE, json=body, headers={"authorization": "Bearer key"})
            assert await stopped(process) == (0, "stopped")
            (line,) = (tmp_path / "log").read_text().splitlines()
            assert answer.status_code == 200
            assert line.endswith("1 callback was never delivered: 1 to http://127.0.0.1:9")

    asyncio.run(scene())
