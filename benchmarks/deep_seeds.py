"""Deep runs against the correct mock, with one seed after the other: whatever fails in one is a false alarm.

uv run benchmarks/deep_seeds.py [SEEDS] [AT A TIME]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from checks import KNOWN
from measuring.processes import beside_python, free_port, mock, started


def deep(seed: int, *, url: str, hooks: int) -> bool:
    """One run with this seed, told in a line; whether nothing failed and there was no warning."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "known.toml").write_text(KNOWN.format(port=hooks, url=url), encoding="utf-8")
        command = [
            *(beside_python("evolink-check"), "api", url, "--token", f"key-of-seed-{seed:04}-0123456789"),
            *(
                "--other-token",
                f"another-of-seed-{seed:04}-0123456789",
                "--profile",
                "deep",
                "--seed",
                str(seed),
            ),
            *("--max-credits", "150", "--no-memory", "--config", "known.toml", "--json", "r.json"),
        ]
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if not (Path(folder) / "r.json").exists():
            print(f"seed {seed}: {done.stdout}{done.stderr}", flush=True)
            return False
        report = json.loads((Path(folder) / "r.json").read_text(encoding="utf-8"))
    words = report["counts"]
    told = f"{report['exchanges']} exchanges, {report['created']} tasks, {words}, {report['notes']}"
    print(f"seed {seed}: exit {done.returncode}, {time.perf_counter() - began:.0f} s, {told}", flush=True)
    for one in report["verdicts"]:
        for violation in one["violations"][:1]:
            print(f"    {one['clause']}: {violation['expected']} | {violation['seen']}", flush=True)
    return done.returncode == 0 and not words.get("warning")


def alone(seed: int) -> bool:
    """One run against a mock of its own."""
    port, hooks = free_port(), free_port()
    tokens = [f"{whose}-of-seed-{seed:04}-0123456789" for whose in ("key", "another")]
    known = [part for token in tokens for part in ("--token", token)]
    command = mock(port, "--duration", "1s", "--allow-callbacks-to", f"127.0.0.1:{hooks}", *known)
    with started(command, port):
        return deep(seed, url=f"http://127.0.0.1:{port}", hooks=hooks)


def main(seeds: int = 20, workers: int = 2) -> int:
    """Run them all. The exit status is 1 when any found something."""
    with ThreadPoolExecutor(workers) as pool:
        clean = list(pool.map(partial(alone), range(1, seeds + 1)))
    print(f"{clean.count(False)} of {seeds} runs with false alarms")
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
