"""`evolink-check api` beside `schemathesis run`: the time, and how many broken servers each of them finds.

    uv run --group dev benchmarks/beside_schemathesis.py [SERVERS]

Both get the same documents, the same keys and the same seed, and check the same sample of the broken servers of the
tests: the mock with one defect each. Schemathesis has found a defect if it reports a failure that it does not report
of the correct mock.
"""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from evolink_check.fuzzing.merged_document import merged
from evolink_spec import load
from measuring.processes import ENVIRONMENT, beside_python
from support.faulty_servers.create import CREATE_DEFECTS
from support.faulty_servers.exchange import EXCHANGE
from support.faulty_servers.lifecycle import LIFE
from support.faulty_servers.wrapper import Defect, Workshop, correct, key

SEED = "1"
CORRECT = Defect("", "none", lambda: correct)


@dataclass(frozen=True)
class Run:
    """The result of one command: what it reports as failed, its seconds and its CPU seconds."""

    failed: frozenset[str]
    seconds: float
    cpu: float


def measured(command: list[str], folder: str) -> tuple[float, float]:
    """Run a command. Returns its seconds and the CPU seconds of its process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu


def evolink_check(url: str, place: int, folder: str, *options: str) -> Run:
    """One run of `evolink-check api`."""
    keys = ("--token", key("main", place), "--other-token", key("other", place))
    report = Path(folder) / "report.json"
    report.unlink(missing_ok=True)
    command = [beside_python("evolink-check"), "api", url, *keys, "--no-memory", "--seed", SEED, *options]
    seconds, cpu = measured([*command, "--json", str(report)], folder)
    verdicts = json.loads(report.read_text(encoding="utf-8"))["verdicts"]
    return Run(frozenset(verdict["clause"] for verdict in verdicts if verdict["violations"]), seconds, cpu)


def schemathesis(url: str, place: int, folder: str) -> Run:
    """One run of `schemathesis run`. A failure is named by its operation and its title."""
    report = Path(folder) / "junit.xml"
    report.unlink(missing_ok=True)
    command = [beside_python("schemathesis"), "run", "document.json", "--url", url, "--seed", SEED]
    more = ["-H", f"Authorization: Bearer {key('main', place)}", "--report-junit-path", str(report)]
    seconds, cpu = measured([*command, *more, "--suppress-health-check", "all"], folder)
    cases = ET.parse(report).iter("testcase")
    failed = frozenset(
        f"{case.get('name')}: {line.strip()}"
        for case in cases
        for failure in case.iter("failure")
        for line in f"{failure.get('message')}\n{failure.text}".splitlines()
        if line.strip().startswith("- ")
    )
    return Run(failed, seconds, cpu)


def resolve_only_loopback() -> None:
    """Let the mock reach no other machine: Schemathesis sends callback URLs with hosts that may exist."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **named: Any) -> Any:
        if host not in {"127.0.0.1", "localhost"}:
            raise socket.gaierror(socket.EAI_NONAME, "only loopback addresses are resolved here")
        return resolve(host, *args, **named)

    socket.getaddrinfo = getaddrinfo


def main(count: str = "12") -> None:
    """Print a line for each server, and the sums."""
    every = [defect for defect in (*EXCHANGE, *CREATE_DEFECTS, *LIFE) if not defect.scaled]
    chosen = [CORRECT, *every[:: max(1, len(every) // int(count))][: int(count)]]
    rows = []
    resolve_only_loopback()
    with TemporaryDirectory() as folder, Workshop() as workshop:
        document = next(iter(merged(load())))
        (Path(folder) / "document.json").write_text(json.dumps(document), encoding="utf-8")
        for place, defect in enumerate(chosen):
            runs = []
            for check in (evolink_check, paid_evolink_check, schemathesis):
                with workshop.serving(defect.make()) as url:
                    workshop.prepare(url, place)
                    runs.append(check(url, place, folder))
            rows.append(runs)
            print(defect.clause or "correct", *map(shown, runs, rows[0]), sep=" | ", flush=True)
    for column, name in enumerate(("evolink-check", "evolink-check, 150 credits", "schemathesis")):
        runs = [row[column] for row in rows]
        found = sum(bool(run.failed - runs[0].failed) for run in runs)
        print(
            f"{name}: found {found} of {len(runs) - 1}, false alarms {len(runs[0].failed)},"
            f" {sum(run.seconds for run in runs):.0f} s, CPU {sum(run.cpu for run in runs):.0f} s"
        )


def paid_evolink_check(url: str, place: int, folder: str) -> Run:
    """One run with a budget, so that tasks are created, as Schemathesis does."""
    return evolink_check(url, place, folder, "--max-credits", "150")


def shown(run: Run, before: Run) -> str:
    """The failures of a run that the correct server does not have, and its cost."""
    new = (
        "; ".join(sorted(run.failed - before.failed)) if run is not before else "; ".join(sorted(run.failed))
    )
    return f"{new or '-'} ({run.seconds:.1f} s, CPU {run.cpu:.1f} s)"


if __name__ == "__main__":
    main(*sys.argv[1:])
