"""The queue of scenarios: each is taken once, the longest first, and one that is put back is taken again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from evolink_check.client.harness.scenarios import scenarios
from evolink_check.client.pending import Pending
from support.records.trace_builders import SPEC

SCENARIOS = {scenario.id: scenario for scenario in scenarios(SPEC)}


def pending(*ids: str) -> Pending:
    return Pending(SCENARIOS[id_] for id_ in ids)


def taken(queue: Pending, *, long: bool = False) -> str:
    scenario = queue.take(long=long)
    queue.finish()
    return "" if scenario is None else scenario.id


def test_slow_scenarios_come_first_and_those_that_wait_are_for_the_additional_workers() -> None:
    ids = ("happy", "create-402", "create-403", "create-429", "query-429", "stuck-pending")
    queue = pending(*ids)
    assert [taken(queue) for _ in range(4)] == ["create-429", "happy", "create-402", "query-429"]
    assert taken(queue, long=True) == "stuck-pending"
    assert taken(queue, long=True) == "create-403", "nobody is idle"
    assert pending().take(long=False) is None


def test_scenarios_in_which_a_response_never_comes_are_the_first_that_wait() -> None:
    queue = pending("stuck-pending", "query-drops", "create-hang", "query-hang")
    order = [taken(queue, long=True) for _ in range(4)]
    assert order == ["create-hang", "query-hang", "stuck-pending", "query-drops"]


def test_a_worker_waits_while_a_scenario_that_runs_may_be_put_back() -> None:
    queue = pending("happy")
    happy = queue.take(long=False)
    assert happy is not None
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(queue.take, long=False)
        queue.put_back(happy)
        assert other.result(10) == happy


def test_no_scenario_is_taken_after_the_end() -> None:
    queue = pending("happy", "create-402")
    queue.end()
    assert queue.take(long=False) is None
