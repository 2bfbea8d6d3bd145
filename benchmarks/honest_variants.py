"""Check honest clients, receivers and servers that choose otherwise where they may, with one seed after another.

Whatever accuses one of them is a false alarm: python benchmarks/honest_variants.py [--seeds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from contracts.client.test_good_clients import MET, RARE
from contracts.rules.test_faulty_servers import EFFORT, checked, said_of
from evolink_check.client.harness.mock_process import Mock, new_token
from support.faulty_clients.runs import Leader, program
from support.faulty_clients.variants import VARIANTS
from support.faulty_servers.honest import HONEST as HONEST_SERVERS
from support.faulty_servers.wrapper import Workshop
from support.mocks.mock_process import served
from support.receivers.app import HONEST
from support.receivers.checking import check, violations


def accusations_of_clients(seed: int) -> dict[str, dict[str, str]]:
    """The violations of each run of a client that has any."""
    with Leader(seed) as leader:
        names = []
        for fault in VARIANTS:
            client = program(fault.scenario, ("--fault", fault.name), deadline=fault.deadline)
            leader.begin(fault.name, client, fault.scenario, limit=fault.limit)
            names.append(fault.name)
        for path, id_ in [(path, id_) for path, ids in MET.items() for id_ in ids]:
            leader.begin(f"{path.stem}: {id_}", program(id_, path=path, deadline=8), id_)
            names.append(f"{path.stem}: {id_}")
        for id_ in RARE:
            leader.begin(id_, program(id_, deadline=8), id_)
            names.append(id_)
        found = {name: leader.found(name) for name in names}
    print(f"seed {seed}: {len(found)} runs of clients", end="", flush=True)
    return {name: broken for name, broken in found.items() if broken}


def accusations_of_receivers(seed: int, url: str) -> dict[str, dict[str, list[str]]]:
    """The violations of each receiver that has any."""

    async def check_all() -> dict[str, dict[str, list[str]]]:
        mocks = [Mock(url, new_token(), {}) for _ in HONEST]
        results = await asyncio.gather(
            *(
                check(receiver, mock, patience=12.0, seed=seed)
                for receiver, mock in zip(HONEST, mocks, strict=True)
            )
        )
        return {
            receiver.__name__: violations(result) for receiver, result in zip(HONEST, results, strict=True)
        }

    found = asyncio.run(check_all())
    print(f", {len(found)} receivers", end="", flush=True)
    return {name: broken for name, broken in found.items() if broken}


def accusations_of_server(name: str, seed: int) -> dict[str, str]:
    """The violations of one server, by clause."""
    with Workshop() as workshop:
        effort = replace(EFFORT, seed=seed, examples=10)
        return said_of(checked(workshop, HONEST_SERVERS[name](), 0, scaled=False, effort=effort).verdicts)


def accusations_of_servers(seed: int) -> dict[str, dict[str, str]]:
    """The violations of each server that has any."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        runs = {name: pool.submit(accusations_of_server, name, seed) for name in HONEST_SERVERS}
        found = {name: run.result() for name, run in runs.items()}
    print(f", {len(found)} servers", end="", flush=True)
    return {name: broken for name, broken in found.items() if broken}


def main() -> int:
    """Run them all. The exit status is 1 when any is accused."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, default=20)
    alarms = 0
    with served() as url:
        for seed in range(1, words.parse_args().seeds + 1):
            began = time.monotonic()
            found = {
                **accusations_of_clients(seed),
                **accusations_of_receivers(seed, url),
                **accusations_of_servers(seed),
            }
            print(f" in {time.monotonic() - began:.0f} s", flush=True)
            for name, broken in found.items():
                print(f"    {name}: {broken}", flush=True)
            alarms += len(found)
    print(f"{alarms} false alarms")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
