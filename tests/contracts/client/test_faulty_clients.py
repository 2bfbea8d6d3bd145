"""Clients with one fault each: the clause that it breaks accuses them, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.faulty_clients.cases import FAULTS
from support.faulty_clients.profiles import HONEST
from support.faulty_clients.runs import CLAUSES, Leader, program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.faulty_clients.cases import Fault

AHEAD = 10
LONG = [fault for fault in FAULTS if fault.deadline > 30]  # these begin first, wherever they stand
# What no client can be made to do within the time of a test.
UNSEEN = {"client.fetch-in-24h": "it takes a client that comes back a day later"}


@pytest.fixture(scope="module")
def leader() -> Iterator[Leader]:
    with Leader() as found:
        yield found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one.clause}: {one.name}".replace(" ", "-"))
def test_a_faulty_client_is_caught_by_its_clause_and_by_no_other(
    fault: Fault, leader: Leader, record_property: Callable[[str, object], None]
) -> None:
    place = FAULTS.index(fault)
    for one in (*LONG, *FAULTS[place : place + AHEAD]):  # these run while this one is waited for
        client = program(one.scenario, ("--fault", one.name), deadline=one.deadline)
        leader.begin(one.name, client, one.scenario, limit=one.limit, alone=one.alone)
    found = leader.found(fault.name)
    record_property("caught by", (fault.clause, fault.name, ", ".join(sorted(found))))
    assert found.keys() == {fault.clause}, found


def test_every_fault_changes_the_honest_manner_under_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 45
    assert all(fault.manner != HONEST for fault in FAULTS)


def test_every_clause_that_can_be_seen_has_a_client_that_breaks_it() -> None:
    seen = {clause.id for clause in CLAUSES if clause.observed.where != "unseen"}
    assert seen - {fault.clause for fault in FAULTS} == UNSEEN.keys()
