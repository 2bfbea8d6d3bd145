"""Clients that keep the contract are accused of nothing, whatever they meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faulty_clients.runs import HONEST_PROGRAM, SCENARIOS, Leader, program
from support.faulty_clients.variants import VARIANTS
from support.paths import EXAMPLE_CLIENTS as CLIENTS

if TYPE_CHECKING:
    from pathlib import Path

POLLING, CALLED = CLIENTS / "httpx_sync.py", CLIENTS / "with_callback.py"
# Whatever a hasty rule would mistake for a fault: what is repeated, refused, lost, odd, or over without a result.
MET: dict[Path, tuple[str, ...]] = {
    HONEST_PROGRAM: (
        *("query-500-always", "status-unknown", "callback-never", "create-500", "create-429", "query-429"),
        *(
            "query-drop",
            "query-html",
            "create-drop",
            "create-minimal",
            "create-402",
            "query-404",
            "shape-extra",
        ),
        *("query-any", "fail-content-policy-violation", "link-expired", "callback-twice", "callback-early"),
    ),
    POLLING: ("create-cut", "query-502", "link-truncated"),
    CALLED: ("callback", "callback-twice"),
}
# Responses that are rarer still; once, whatever the seed.
RARE = (
    *("missing-1", "missing-5", "create-hang", "query-string", "query-redirect-elsewhere", "link-redirect"),
    *("results-missing", "not-found-yet", "create-504-done", "failure-without-error", "retry-after-zero"),
    *("query-trickle", "refused"),
)


@pytest.mark.parametrize("seed", [1, 20])
def test_good_clients_are_accused_of_nothing(seed: int) -> None:
    with Leader(seed) as leader:
        for path, ids in MET.items():
            for id_ in ids:
                leader.begin(f"{path.stem}: {id_}", program(id_, path=path, deadline=8), id_)
        found = {
            name: leader.found(name)
            for path, ids in MET.items()
            for name in (f"{path.stem}: {id_}" for id_ in ids)
        }
    assert {name: broken for name, broken in found.items() if broken} == {}


def test_clients_that_choose_otherwise_where_they_may_are_accused_of_nothing() -> None:
    with Leader() as leader:
        for one in VARIANTS:
            client = program(one.scenario, ("--fault", one.name), deadline=one.deadline)
            leader.begin(one.name, client, one.scenario, limit=one.limit)
        for id_ in RARE:
            leader.begin(id_, program(id_, deadline=8), id_)
        found = {name: leader.found(name) for name in (*(one.name for one in VARIANTS), *RARE)}
    assert len(VARIANTS) >= 15
    assert {name: broken for name, broken in found.items() if broken} == {}


def test_what_good_clients_meet_is_there() -> None:
    assert {id_ for ids in (*MET.values(), RARE) for id_ in ids} <= SCENARIOS.keys()
