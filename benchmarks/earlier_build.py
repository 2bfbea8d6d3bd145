"""The checks of this build and of an earlier one, in the same rounds: seconds, CPU time and memory.

    uv run benchmarks/earlier_build.py BIN [ROUNDS] [PART...]

BIN is the folder of the commands of the environment in which the earlier build is installed from a checkout. Each round
measures one build after the other. The parts are those in `PARTS`; without any, all are measured.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from checks import KNOWN
from measuring.processes import ENVIRONMENT, free_port, mock, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
NOW = 1_757_169_743.0
MODEL = "grok-imagine-image-to-video-beta"
STATES = (
    ("pending", 0),
    ("processing", 20),
    ("processing", 50),
    ("processing", 80),
    *[("completed", 100)] * 3,
)
WRK = ("wrk", "-t1", "-c1", "-d5s", "--latency", "-H", "Authorization: Bearer benchmark")


@dataclass(frozen=True)
class Build:
    """An installed build: its name in the table, and the folder of its commands."""

    name: str
    bin: Path

    @property
    def examples(self) -> Path:
        """The example clients of its checkout."""
        return self.bin.parents[1] / "examples" / "clients"

    def command(self, *words: str) -> list[str]:
        """A command of `evolink-check`."""
        return [str(self.bin / "evolink-check"), *words]


@dataclass(frozen=True)
class Cost:
    """The cost of a process and of its children. `mib` is the highest resident memory of one process so far."""

    seconds: float
    cpu: float
    note: str = ""


def run(command: list[str], folder: str, *, accepted: tuple[int, ...] = (0,)) -> Cost:
    """Run a command to its end; SystemExit when it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output, _ = process.communicate()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode not in accepted:
        raise SystemExit(f"{command}: {process.returncode}\n{output}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = [line for line in output.splitlines() if line.strip()]
    return Cost(seconds, cpu, lines[-1] if lines else "")


@contextmanager
def served(*options: str) -> Iterator[str]:
    """A mock of this build, which both builds check."""
    port = free_port()
    with started(mock(port, "--quiet", *options), port):
        yield f"http://127.0.0.1:{port}"


def quick(build: Build, folder: str) -> Cost:
    """`api` without a budget."""
    with served("--duration", "1s") as url:
        return run(build.command("api", url, "--any-key", "--no-memory", "--json", "r.json"), folder)


def callbacks(build: Build, folder: str) -> Cost:
    """`api` with a budget, callbacks, a failure and a clock."""
    hooks = free_port()
    with served("--duration", "1s", "--allow-callbacks-to", f"127.0.0.1:{hooks}") as url:
        (Path(folder) / "known.toml").write_text(KNOWN.format(port=hooks, url=url), encoding="utf-8")
        options = ("--any-key", "--no-memory", "--max-credits", "150", "--config", "known.toml")
        return run(build.command("api", url, *options), folder)


def function(build: Build, folder: str) -> Cost:
    """`evolink_check.client.check` of a Python function, 50 examples."""
    return run([str(build.bin / "python"), str(HERE / "measuring" / "checked_function.py")], folder)


def battery(build: Build, folder: str) -> Cost:
    """All scenarios of `client`, for the example client of each build, which polls every second."""
    words = ("--prompt", "{prompt}", "--image-url", "{image_url}", "--output", "{output}", "--interval", "1")
    client = [str(build.bin / "python"), str(build.examples / "httpx_sync.py"), *words, "--deadline", "10"]
    return run(build.command("client", "--jobs", "8", "--deadline", "10", "--", *client), folder)


def recording(build: Build, folder: str) -> Cost:
    """`recording` of 100,000 entries of one key."""
    return _judge(build, folder, entries=100_000, keys=1)


def keys(build: Build, folder: str) -> Cost:
    """`recording` of 16,000 entries of 2,000 keys."""
    return _judge(build, folder, entries=16_000, keys=2_000)


def proxy(build: Build, folder: str) -> Cost:
    """Queries of the credits through `proxy`, one connection of wrk."""
    port = free_port()
    with served() as url, started(build.command("proxy", "--upstream", url, "--port", str(port)), port):
        done = subprocess.run(
            [*WRK, f"http://127.0.0.1:{port}/v1/credits"],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
        )
    said = dict(
        line.split()[:2] for line in done.stdout.splitlines() if line.strip()[:3] in {"50%", "99%", "Req"}
    )
    rate = float(next(line for line in done.stdout.splitlines() if "Requests/sec" in line).split()[1])
    return Cost(1000 / rate, 0.0, f"{rate:,.0f} requests/s, p50 {said['50%']}, p99 {said['99%']}")


PARTS: dict[str, Callable[[Build, str], Cost]] = {
    part.__name__: part for part in (quick, callbacks, function, battery, recording, keys, proxy)
}


def _judge(build: Build, folder: str, *, entries: int, keys: int) -> Cost:
    file = Path(folder) / f"{entries}-{keys}.har"
    if not file.exists():
        file.write_text(json.dumps(_archive(entries, keys)), encoding="utf-8")
    timed = ["/usr/bin/time", "-f", "%M", *build.command("recording", str(file))]
    cost = run(timed, folder, accepted=(0, 1))
    return Cost(cost.seconds, cost.cpu, f"{int(cost.note) / 1024:.0f} MiB")


def _archive(entries: int, keys: int) -> dict[str, Any]:
    """A HAR document of tasks, each with a create and seven queries."""
    made = [
        entry
        for number in range(entries // 8)
        for entry in _task(number, f"sk-{number % keys * 2654435761 % 2**64:016x}{number % keys:08d}")
    ]
    return {"log": {"version": "1.2", "creator": {"name": "benchmark", "version": "1"}, "entries": made}}


def _task(number: int, key: str) -> Iterator[dict[str, Any]]:
    created = int(NOW + number // 10)
    task = {"created": created, "id": f"task-unified-{created}-{number:08d}", "model": MODEL,
            "object": "video.generation.task", "type": "video", "task_info": {"can_cancel": True}}  # fmt: skip
    usage = {"billing_rule": "per_call", "credits_reserved": 5, "user_group": "default"}
    sent = json.dumps({"model": MODEL, "prompt": "A dance", "image_urls": ["https://example.com/a.jpg"]})
    new = {**task, "status": "pending", "progress": 0, "usage": usage}
    yield _entry(NOW + number / 2, "POST", "/v1/videos/generations", key, new, sent)
    for place, (status, progress) in enumerate(STATES, start=1):
        body = {**task, "status": status, "progress": progress}
        results = {"results": [f"https://files.example.com/{number}.mp4"]} if progress == 100 else {}
        yield _entry(NOW + number / 2 + 2 * place, "GET", f"/v1/tasks/{task['id']}", key, {**body, **results})


def _entry(  # noqa: PLR0913, PLR0917  (an entry is made of these)
    began: float, method: str, path: str, key: str, body: Any, sent: str = ""
) -> dict[str, Any]:
    text = json.dumps(body)
    headers = {"Authorization": f"Bearer {key}", "User-Agent": "python-httpx/0.28", "Accept": "*/*"}
    post = {"postData": {"mimeType": "application/json", "text": sent}} if sent else {}
    listed = [{"name": name, "value": value} for name, value in headers.items()]
    kind = {"name": "Content-Type", "value": "application/json"}
    return {
        "startedDateTime": datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds"),
        "time": 12.0,
        "request": {"method": method, "url": f"https://api.evolink.ai{path}",
                    "headers": [*listed, *([kind] if sent else [])], "bodySize": len(sent), **post},
        "response": {"status": 200, "headers": [kind], "bodySize": len(text),
                     "content": {"size": len(text), "mimeType": "application/json", "text": text}},
    }  # fmt: skip


def main(bin_folder: str, rounds: str = "3", *parts: str) -> None:
    """Print a row of the table for each part."""
    builds = [Build("earlier", Path(bin_folder)), Build("this", Path(sys.executable).parent)]
    print(
        "| | earlier | this | ratio (lowest to highest) | CPU seconds | |\n| --- | ---: | ---: | ---: | ---: | --- |"
    )
    with TemporaryDirectory() as folder:
        for part in parts or PARTS:
            costs = [[PARTS[part](build, folder) for build in builds] for _ in range(int(rounds))]
            print(_row(part, costs), flush=True)


def _row(part: str, costs: list[list[Cost]]) -> str:
    before, after = (statistics.median(pair[place].seconds for pair in costs) for place in (0, 1))
    ratios = sorted(pair[1].seconds / pair[0].seconds for pair in costs)
    cpu = " and ".join(f"{statistics.median(pair[place].cpu for pair in costs):.1f}" for place in (0, 1))
    spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    about = PARTS[part].__doc__ or part
    notes = (
        "; ".join(dict.fromkeys(cost.note for cost in costs[-1]))
        if part in {"recording", "keys", "proxy"}
        else ""
    )
    return f"| {about.rstrip('.')} | {before:.2f} | {after:.2f} | {spread} | {cpu} | {notes} |"


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main(*sys.argv[1:])
