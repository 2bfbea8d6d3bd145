"""Good clients through every scenario, with one seed after the other: whatever accuses one of them is a false alarm.

python benchmarks/good_clients.py [--seeds 20] [--jobs 16] [--client NAME]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_check.client.harness.config import Description
from evolink_check.client.harness.scenarios import scenarios
from evolink_check.client.plan import SuitePlan
from evolink_check.client.runner import run_suite
from evolink_spec import load
from evolink_spec.clauses import load_clauses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_check.client.verdicts.verdicts import ScenarioRun

HERE = Path(__file__).parents[1]
CLIENTS = HERE / "examples" / "clients"
DEADLINE = 10
TOLD = (
    *("--prompt", "{prompt}", "--image-url", "{image_url}", "--output", "{output}"),
    *("--interval", "1", "--deadline", str(DEADLINE)),
)
CALLED = ("--callback-url", "{callback_url}", "--listen", "{callback_listen}")
HONEST = str(HERE / "tests" / "support" / "faulty_clients" / "program.py")
COMMANDS: dict[str, tuple[str, ...]] = {
    "honest": (sys.executable, HONEST, *TOLD),
    "honest, called back": (sys.executable, HONEST, *TOLD, *CALLED),
    "httpx_sync": (sys.executable, str(CLIENTS / "httpx_sync.py"), *TOLD),
    "httpx_async": (sys.executable, str(CLIENTS / "httpx_async.py"), *TOLD),
    "fetch": ("node", str(CLIENTS / "fetch.mjs"), *TOLD),
    "curl": ("bash", str(CLIENTS / "curl.sh"), *TOLD),
    "with_callback": (sys.executable, str(CLIENTS / "with_callback.py"), *TOLD, *CALLED),
}


def plan_of(name: str, seed: int, jobs: int) -> SuitePlan:
    """Every scenario that applies to a client; those of callbacks only, and a few, to one that takes them."""
    description = Description(COMMANDS[name], deadline=DEADLINE)
    spec = load()
    met = tuple(one for one in scenarios(spec) if one.calls == description.is_called_back)
    clauses = tuple(one for one in load_clauses() if one.binds == "client")
    return SuitePlan(description, met, spec, clauses, jobs=jobs, seed=seed)


def accusations(runs: Iterable[ScenarioRun]) -> list[str]:
    """What is said against the client, a line for each clause of each run, and runs that could not be judged."""
    found = [f"{run.scenario.id}: {run.problem}" for run in runs if run.problem]
    for run in runs:
        for verdict in run.violations:
            violation = verdict.violations[0]
            found.append(f"{run.scenario.id}: {verdict.clause.id}: {violation.expected} | {violation.seen}")
    return found


def main() -> int:
    """Run them all. The exit status is 1 when any is accused."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, default=20)
    words.add_argument("--jobs", type=int, default=16)
    words.add_argument("--client", action="append", choices=COMMANDS)
    told = words.parse_args()
    alarms = 0
    for seed in range(1, told.seeds + 1):
        for name in told.client or COMMANDS:
            began = time.monotonic()
            runs = run_suite(plan_of(name, seed, told.jobs))
            said = accusations(runs)
            alarms += len(said)
            print(
                f"seed {seed}, {name}: {len(runs)} scenarios in {time.monotonic() - began:.0f} s", flush=True
            )
            for line in said:
                print(f"    {line}", flush=True)
    print(f"{alarms} false alarms")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
