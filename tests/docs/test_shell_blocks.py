"""The shell commands of the pages: run where they can be, else read by the program that they call."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from evolink_spec.clauses import load_clauses
from evolink_spec.documents import read
from evolink_spec.options.command_line import CONTEXT
from support import doc_tables
from support.doc_pages import blocks, commands
from support.mocks.mock_process import BIN, free_port
from support.mocks.redis_server import NO_SERVER, PROGRAM, new_place
from support.paths import OPENAPI

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT = 30
DEFAULT = "http://127.0.0.1:8080"
ALL = [
    (block.page.name, re.sub(r"^uv run (--extra \w+ )?", "", command))
    for block in blocks("sh")
    for command in commands(block)
]
# These change the machine, or set a variable of the shell.
NOT_RUN = {
    "pip install uv",
    "sudo apt-get install pipx",
    "pipx install uv",
    "python3 -m venv ~/.uv-venv",
    "~/.uv-venv/bin/pip install uv",
    "~/.uv-venv/bin/uv run evolink-mock serve",
    "python3 -m venv ~/.uv-venv && ~/.uv-venv/bin/pip install uv",
    'export PATH="$HOME/.uv-venv/bin:$PATH"',
    'python -m pip install "path/to/evolink-mock[contracts]"',
    f"export EVOLINK_BASE_URL={DEFAULT}",
    "export EVOLINK_API_KEY=any-token",
    'eval "$(_EVOLINK_MOCK_COMPLETE=bash_source evolink-mock)"',  # test_completion does
    "evolink-mock mcp http://127.0.0.1:8080",  # tests/mockserver/mcp does
}
CREATION = "TASK=$(curl "  # creates a task, and keeps its id
SERVES = sorted({command for _, command in ALL if command.startswith("evolink-mock serve")})
CURLS: dict[str, list[str]] = defaultdict(list)
for name, command in ALL:
    if command.startswith(("curl ", CREATION)):
        CURLS[name].append(command)
WHOLE = sorted(  # commands that end by themselves
    {
        command
        for _, command in ALL
        if command.startswith(
            (
                *(
                    "evolink-mock recipes",
                    "evolink-mock schema",
                    "evolink-mock hosts",
                    "evolink-mock documents",
                ),
                *("evolink-check clauses", "evolink-check schema", "evolink-check client --list"),
                "evolink-check receiver --list",
            )
        )
    }
)
DEMOS = {command for _, command in ALL if command.startswith("evolink-mock demo")}
RUNS = {command for _, command in ALL if command.startswith("evolink-mock run -- ")}
_OTHER = ("evolink-check ", "evolink-mock run --hosts", "evolink-mock wait", "evolink-mock store")
READ = sorted(  # commands that need a network of their own, or another server
    {command for _, command in ALL if command.startswith(_OTHER) and command not in WHOLE}
)
# What a shown request is answered when that is no success.
ANSWERS = {"mock=402": 402, '"503, ok"': 503, '"429*2, ok"': 429}
CLAUSES = {clause.id for clause in load_clauses()}
CLIENT = """\
import os, urllib.request
request = urllib.request.Request(
    "https://api.evolink.ai/v1/credits", headers={"Authorization": "Bearer " + os.environ["EVOLINK_API_KEY"]}
)
print(urllib.request.urlopen(request).status)
"""


def test_every_command_is_run_or_read_or_known_to_change_the_machine() -> None:
    known = {
        *NOT_RUN,
        *SERVES,
        *WHOLE,
        *DEMOS,
        *RUNS,
        *READ,
        *(one for found in CURLS.values() for one in found),
    }
    assert [command for _, command in ALL if command not in known] == []
    assert {command for _, command in ALL} >= NOT_RUN, "the list of what is not run names more than the pages"


def _environment(folder: Path, **more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVOLINK_")}
    path = os.pathsep.join((str(BIN), own.get("PATH", "")))
    return {
        **own,
        "PATH": path,
        "NO_PROXY": "127.0.0.1",
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        **more,
    }


@contextmanager
def _serving(command: str, folder: Path) -> Iterator[str]:
    """The URL of a `serve` command, on free ports of loopback only, once it is ready."""
    command = command.replace("--host 0.0.0.0", "--host 127.0.0.1")
    if "redis://127.0.0.1:6379" in command:
        command = command.replace("redis://127.0.0.1:6379", new_place())
    command = re.sub(r"(--(?:https|proxy)-port) \d+", r"\1 0", command)
    command = re.sub(r"--control 127\.0\.0\.1:\d+", f"--control 127.0.0.1:{free_port()}", command)
    argv = [*shlex.split(command), "--port", "0"]
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=_environment(folder),
    )
    assert process.stdout is not None
    timer = threading.Timer(TIMEOUT, process.kill)  # a command that never gets ready fails, it does not hang
    timer.start()
    output = ""
    try:
        while not (ready := re.search(r" at (http://127\.0\.0\.1:\d+)", output)):
            line = process.stdout.readline()
            output += line
            assert line, f"it ended: {output}"
        yield ready[1]
    finally:
        timer.cancel()
        process.terminate()
        process.communicate(timeout=TIMEOUT)


def _documents(folder: Path) -> None:
    """The files that a shown `--spec` names."""
    document = read(OPENAPI / "grok-imagine-image-to-video.yaml")
    for name, model in (("seedance.yaml", "seedance"), ("nano-banana.md", "nano")):
        text = json.dumps(document).replace("grok-imagine-image-to-video-beta", model)
        page = f"# A page\n\n````yaml {name}\n{text}\n````\n" if name.endswith(".md") else text
        (folder / name).write_text(
            page.replace("createGrokImagineImageToVideoGeneration", model), encoding="utf-8"
        )
    info = {"title": "t", "version": "1"}
    overlay = {"overlay": "1.0.0", "info": info, "actions": [{"target": "$", "update": {}}]}
    (folder / "my-overlay.yaml").write_text(json.dumps(overlay), encoding="utf-8")
    shutil.copytree(folder, folder / "pages", ignore=shutil.ignore_patterns("pages", "my-overlay.yaml"))


@pytest.mark.parametrize("command", SERVES)
def test_every_serve_command_gets_ready(command: str, tmp_path: Path) -> None:
    if "redis://" in command and PROGRAM is None:
        pytest.skip(NO_SERVER)
    _documents(tmp_path)
    with _serving(command, tmp_path) as url:
        assert url.startswith("http://127.0.0.1:")


class _Session:
    """A reader who runs the requests of a page in their order, against a mock whose tasks take a second."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._task = ""

    def run(self, command: str) -> tuple[int, str]:
        """The status and the body of the answer."""
        if "$TASK" in command and (not self._task or "/outcome" in command):
            self._create()
        while "/media/" in command and self._status() != "completed":
            assert self._status() in {"pending", "processing", "completed"}
        if command.startswith(CREATION):
            self._task = self._shell(command + '; printf %s "$TASK"')
            return (200 if self._status() in {"pending", "processing", "completed"} else 0), self._task
        status, body = self._curl(command)
        if "/v1/videos/generations" in command and status == 200:
            self._task = json.loads(body)["id"]
        return status, body

    def _status(self) -> Any:
        query = f'curl -s {DEFAULT}/v1/tasks/$TASK -H "Authorization: Bearer any-token"'
        return json.loads(self._curl(query)[1])["status"]

    def _create(self) -> None:
        create = next(command for command in CURLS["getting-started.md"] if "generations" in command)
        self._task = json.loads(self._curl(create)[1])["id"]

    def _curl(self, command: str) -> tuple[int, str]:
        body, _, status = self._shell(command + r" -w '\n%{http_code}'").rpartition("\n")
        return int(status), body

    def _shell(self, command: str) -> str:
        """The output of a command of a POSIX shell."""
        done = subprocess.run(
            ["sh", "-c", command.replace(DEFAULT, self._url)],
            capture_output=True,
            text=True,
            cwd=self._folder,
            env=_environment(self._folder, TASK=self._task),
            timeout=TIMEOUT,
            check=True,
        )
        return done.stdout


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("page", CURLS)
def test_the_requests_of_a_page_succeed_in_their_order_or_fail_as_the_page_says(
    page: str, tmp_path: Path
) -> None:
    with _serving("evolink-mock serve --duration 1s", tmp_path) as url:
        session = _Session(url, tmp_path)
        for command in CURLS[page]:
            status, body = session.run(command)
            wanted = next((code for part, code in ANSWERS.items() if part in command), None)
            assert status == wanted if wanted else 200 <= status < 300, f"{command}\n{status} {body}"
    if any("video.mp4" in command for command in CURLS[page]):
        assert (tmp_path / "video.mp4").read_bytes()[4:8] == b"ftyp"


def test_every_answer_that_is_no_success_is_shown() -> None:
    shown = [command for found in CURLS.values() for command in found]
    assert [part for part in ANSWERS if not any(part in command for command in shown)] == []


def _whole(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command),
        capture_output=True,
        text=True,
        cwd=folder,
        env=_environment(folder),
        timeout=TIMEOUT,
        check=True,
    )


@pytest.mark.parametrize("command", WHOLE)
def test_a_command_that_lists_something_ends_well(command: str, tmp_path: Path) -> None:
    _documents(tmp_path)
    assert _whole(command, tmp_path).stdout.strip()


@pytest.mark.parametrize("command", DEMOS)
def test_the_demo_saves_a_video(command: str, tmp_path: Path) -> None:
    _whole(f"{command} --duration 200ms", tmp_path)
    assert list(tmp_path.glob("*.mp4"))


@pytest.mark.parametrize("command", RUNS)
def test_a_program_with_a_hard_coded_address_meets_the_mock(command: str, tmp_path: Path) -> None:
    (tmp_path / "my_client.py").write_text(CLIENT, encoding="utf-8")
    done = _whole(command.replace(" python ", f" {sys.executable} "), tmp_path)
    assert done.stdout.strip() == "200"
    assert "GET  /v1/credits" in done.stderr


@pytest.mark.parametrize("command", READ)
def test_a_command_that_is_shown_is_understood(command: str) -> None:
    program, name, *words = shlex.split(command, comments=True)
    found = doc_tables.commands(program)[name]
    # Click keeps the help option of a command, so it must get the names that it has below the program.
    assert found.make_context(name, list(words), resilient_parsing=True, **CONTEXT) is not None
    known = {opt for option in found.params for opt in option.opts}
    own = words[: words.index("--")] if "--" in words else words
    assert {word for word in own if word.startswith("-")} <= known
    for place, word in enumerate(words):
        assert word != "--clause" or words[place + 1] in CLAUSES
