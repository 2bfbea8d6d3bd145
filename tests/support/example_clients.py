"""The clients of examples/clients under test: each a program of its own, against a mock behind a real socket."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from support.mocks.mock_process import free_port
from support.paths import EXAMPLE_CLIENTS as CLIENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from evolink_mock import MockAccount, MockServer
    from evolink_mock.testing.account import Operation

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "httpx_sync": (sys.executable, str(CLIENTS / "httpx_sync.py")),
    "httpx_async": (sys.executable, str(CLIENTS / "httpx_async.py")),
    "fetch": ("node", str(CLIENTS / "fetch.mjs")),
    "curl": ("bash", str(CLIENTS / "curl.sh")),
    "with_callback": (sys.executable, str(CLIENTS / "with_callback.py")),
}
POLLING = ("httpx_sync", "httpx_async", "fetch", "curl")
GIVEN = {"--prompt": 'A "dance"', "--image-url": "https://example.com/a.jpg", "--interval": "1"}
PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Run:
    """How a client has ended. `asked` is one word a request, `P200 G200 M200`: create, query, media and status."""

    name: str
    account: MockAccount
    video: Path
    status: int
    said: str

    @property
    def asked(self) -> str:
        kinds = {"/v1/v": "P", "/v1/t": "G", "/medi": "M"}
        return " ".join(f"{kinds[one.path[:5]]}{one.status}" for one in self.account.requests)

    def gaps(self) -> list[float]:
        """Seconds between one query and the next."""
        times = [one.at for one in self.account.requests if one.path.startswith("/v1/tasks/")]
        return [after - before for before, after in pairwise(times)]


def command(name: str, output: Path, **more: str) -> list[str]:
    """The command line of a client; `more` replaces or adds options."""
    options = {**GIVEN, "--output": str(output), "--deadline": "8"}
    if name == "with_callback":
        port = free_port()
        options |= {"--callback-url": f"http://127.0.0.1:{port}/hook", "--listen": f"127.0.0.1:{port}"}
    options |= {f"--{option.replace('_', '-')}": value for option, value in more.items()}
    return [*COMMANDS[name], *(word for option in options.items() for word in option)]


def surroundings(base_url: str, key: str) -> dict[str, str]:
    """The environment of a client: nothing of this one's that leads elsewhere."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return kept | {"EVOLINK_BASE_URL": base_url, "EVOLINK_API_KEY": key}


def started(argv: Iterable[str], env: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        list(argv), env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status and what was said on stderr; there is nothing on stdout, and no traceback ever."""
    with process:
        try:
            out, said = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert out == ""
    assert "Traceback" not in said
    assert "    at " not in said  # Node's
    return process.returncode, said


def drive(
    mock: MockServer,
    folder: Path,
    recipes: Mapping[Operation, str],
    names: Iterable[str] = POLLING,
    **more: str,
) -> list[Run]:
    """Run clients side by side, each with an account of its own where these recipes stand."""
    running = []
    for name in names:
        account = mock.account(f"key-of-{name}")  # the same keys: the same few videos
        for operation, recipe in recipes.items():
            account.recipe(recipe, operation=operation)
        video = folder / f"{name}.mp4"
        process = started(command(name, video, **more), surroundings(mock.base_url, account.token))
        running.append((name, account, video, process))
    return [Run(name, account, video, *ended(process)) for name, account, video, process in running]
