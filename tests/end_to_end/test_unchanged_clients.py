"""Programs that know nothing but https://api.evolink.ai complete a task and have their video: under `run`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = Path(sys.executable).parent / "evolink-mock"
HOSTS = Path("/etc/hosts")
TIMEOUT = 60
NOT_PERMITTED = 3

BODY = (
    '{"model": "grok-imagine-image-to-video-beta", "prompt": "The person starts dancing", '
    '"image_urls": ["https://example.com/image.jpg"]}'
)
CURL = f"""
ask() {{ curl -sSf "$@" -H "Authorization: Bearer my-own-key"; }}
id=$(ask https://api.evolink.ai/v1/videos/generations -H "Content-Type: application/json" -d '{BODY}' |
  sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
until task=$(ask "https://api.evolink.ai/v1/tasks/$id") && case $task in *'"completed"'*) true;; *) false;; esac
do :; done
link=$(echo "$task" | sed 's/.*"results":\\["\\([^"]*\\)".*/\\1/')
curl -sSf -o video.mp4 "$link" && echo "$link"
"""
REQUESTS = f"""
import requests
api, key = "https://api.evolink.ai", {{"Authorization": "Bearer my-own-key"}}
task = requests.post(api + "/v1/videos/generations", json={BODY}, headers=key).json()
while task["status"] != "completed":
    task = requests.get(api + "/v1/tasks/" + task["id"], headers=key).json()
open("video.mp4", "wb").write(requests.get(task["results"][0]).content)
print(task["results"][0])
"""
HTTPX2 = f"""
import httpx2
with httpx2.Client(base_url="https://api.evolink.ai", headers={{"Authorization": "Bearer my-own-key"}}) as client:
    task = client.post("/v1/videos/generations", json={BODY}).json()
    while task["status"] != "completed":
        task = client.get("/v1/tasks/" + task["id"]).json()
open("video.mp4", "wb").write(httpx2.get(task["results"][0]).content)
print(task["results"][0])
"""
FETCH = f"""
const api = 'https://api.evolink.ai';
const headers = {{ Authorization: 'Bearer my-own-key', 'Content-Type': 'application/json' }};
let task = await (await fetch(`${{api}}/v1/videos/generations`, {{ method: 'POST', headers, body: '{BODY}' }})).json();
while (task.status !== 'completed') task = await (await fetch(`${{api}}/v1/tasks/${{task.id}}`, {{ headers }})).json();
const video = await (await fetch(task.results[0])).arrayBuffer();
(await import('node:fs')).writeFileSync('video.mp4', Buffer.from(video));
console.log(task.results[0]);
"""
NO_PROXY = f"""
import http.client, json
from urllib.parse import urlsplit
def ask(method, path, body=None):
    connection = http.client.HTTPSConnection("api.evolink.ai")
    connection.request(method, path, body, {{"Authorization": "Bearer my-own-key", "Content-Type": "application/json"}})
    return connection.getresponse().read()
task = json.loads(ask("POST", "/v1/videos/generations", '{BODY}'))
while task["status"] != "completed":
    task = json.loads(ask("GET", "/v1/tasks/" + task["id"]))
open("video.mp4", "wb").write(ask("GET", urlsplit(task["results"][0]).path))
print(task["results"][0])
"""
NODE = ["node", "--input-type=module", "-e", FETCH]
node = pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed")
curl = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


def under_run(folder: Path, command: Sequence[str], *options: str) -> subprocess.CompletedProcess[str]:
    argv: list[str | Path] = [
        COMMAND,
        "run",
        "--duration",
        "100ms",
        "--ca-dir",
        folder / "ca",
        *options,
        "--",
        *command,
    ]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)


def has_its_video(done: subprocess.CompletedProcess[str], folder: Path) -> bool:
    """Whether a program has said the link, saved what is there, and only the mock has been asked."""
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"https://api\.evolink\.ai/media/task-unified-\d{10}-[a-z0-9]{8}\.mp4", done.stdout.strip()
    )
    told = [line.split() for line in done.stderr.splitlines()[1:]]
    assert [line[2:] for line in told] == [
        ["200", "POST", "/v1/videos/generations"],
        ["200", "GET", "/v1/tasks/{task}"],
        ["200", "GET", "/media/{task}.mp4"],
    ]
    return (folder / "video.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["sh", "-eu", "-c", CURL], id="curl", marks=curl),
        pytest.param([sys.executable, "-c", REQUESTS], id="requests"),
        pytest.param([sys.executable, "-c", HTTPX2], id="httpx2"),
        pytest.param([sys.executable, "-c", HTTPX2.replace("httpx2", "httpx")], id="httpx"),
        pytest.param(NODE, id="node-fetch", marks=node),
    ],
)
def test_an_unchanged_program_completes_a_task(command: Sequence[str], tmp_path: Path) -> None:
    assert has_its_video(under_run(tmp_path, command), tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are of Linux")
@pytest.mark.parametrize(
    "command",
    [
        pytest.param([sys.executable, "-c", NO_PROXY], id="http.client"),
        pytest.param(["env", "-u", "NODE_OPTIONS", *NODE], id="node-fetch", marks=node),
    ],
)
def test_a_program_that_honours_no_proxy_completes_a_task_in_a_network_of_its_own(
    command: Sequence[str], tmp_path: Path
) -> None:
    before = HOSTS.read_bytes()
    done = under_run(tmp_path, command, "--hosts")
    if done.returncode == NOT_PERMITTED:
        pytest.skip(done.stderr)
    assert has_its_video(done, tmp_path)
    assert HOSTS.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are of Linux")
def test_a_network_of_its_own_reaches_nothing_else_and_the_user_stays_who_he_is(tmp_path: Path) -> None:
    program = (
        "import os, socket, urllib.request, urllib.error\n"
        "print(os.getuid(), os.getgid())\n"
        "try: socket.create_connection(('192.0.2.1', 443), 5)\n"
        "except OSError as error: print(error.strerror)\n"
        "try: urllib.request.urlopen('http://192.0.2.1/')\n"
        "except urllib.error.HTTPError as error: print(error.code, error.reason)"
    )
    done = under_run(tmp_path, [sys.executable, "-c", program], "--hosts")
    if done.returncode == NOT_PERMITTED:
        pytest.skip(done.stderr)
    assert done.stdout.splitlines() == [
        f"{os.getuid()} {os.getgid()}",
        "Network is unreachable",
        "403 evolink-mock is offline: requests to 192.0.2.1 are refused",
    ]
    assert "refused: 192.0.2.1:80" in done.stderr
