from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.engine import task_plan as making
from evolink_check.engine.task_follower import TaskFollower, TrackedTask
from evolink_check.engine.task_plan import FAILS, PlannedTask, delivery_wait_seconds, with_callback_urls
from evolink_check.settings import Effort, Failing
from evolink_check.transport.target import OutOfTimeError
from evolink_mock import MockServer
from evolink_spec.clauses import load_clauses
from support.mocks.targets import CREATE, REFUSED, account_of, subject_at, target_of
from support.records.trace_builders import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.engine.task_plan import Address
    from evolink_check.generation.case import Case
    from evolink_check.settings import Subject
    from evolink_check.transport.callback_script import Answer
    from evolink_spec.clauses import Clause

CLAUSES = {clause.id: clause for clause in load_clauses()}
RULES = making.rules_of(SPEC, CREATE)
CREATES = [replace(CREATE, name=f"create {number}") for number in range(3)]


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(duration="10s", seed=1) as running:
        yield running


class World:
    """A target whose waits move the mock's clock, and nothing else does."""

    def __init__(self, mock: MockServer, seconds: float = 60.0) -> None:
        self.subject = subject_at(mock.base_url)
        self.account = account_of(mock, self.subject)
        account_of(mock, self.subject, "other")
        self.account.clock.freeze()
        self.waits: list[float] = []
        self.target = target_of(self.subject, Effort(max_credits=500.0), wait=self._wait)
        self.follower = TaskFollower(self.target, SPEC, seconds)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.account.clock.advance(seconds)

    def follow(self, case: Any = CREATE, seed: int = 0) -> TrackedTask:
        life = self.follower.begin(PlannedTask(case))
        assert life is not None
        return self.follower.follow(life, Random(seed))

    def bodies(self, name: str = "a create: query") -> list[dict[str, Any]]:
        entries = self.target.recorder.entries()
        return [json.loads(one.exchange.response_body) for one in entries if one.case == name]


Worlds = Callable[..., World]


@pytest.fixture
def worlds(mock: MockServer) -> Iterator[Worlds]:
    with ExitStack() as ending:

        def make(**more: Any) -> World:
            world = World(mock, **more)
            ending.enter_context(world.target)
            return world

        yield make


def test_a_task_is_asked_for_at_once(worlds: Worlds) -> None:
    world = worlds()
    life = world.follower.begin(PlannedTask(CREATE))
    assert life is not None
    assert [one.exchange.method for one in world.target.recorder.entries()] == ["POST", "GET"]
    assert (world.waits, world.bodies()[0]["id"], life.ended) == ([], life.id, 0.0)


def test_a_refused_create_makes_no_life(worlds: Worlds) -> None:
    assert worlds().follower.begin(PlannedTask(REFUSED)) is None


def test_a_task_is_followed_to_its_end_and_its_result_decoded(worlds: Worlds) -> None:
    world = worlds()
    life = world.follow()
    seen = [body["status"] for body in world.bodies()]
    assert list(dict.fromkeys(seen)) == ["pending", "processing", "completed"]
    assert seen.count("completed") == 4
    assert (life.status, life.ended > 0) == ("completed", True)
    (result,) = (one for one in world.target.recorder.entries() if one.media)
    assert (result.exchange.url, result.who) == (life.results[0], "nobody")
    assert result.media is not None
    assert (round(result.media.seconds), result.media.height) == (6, 480)


def test_a_failed_task_has_no_result_to_fetch(worlds: Worlds) -> None:
    world = worlds()
    world.account.recipe("fail=service_error", operation="create")
    life = world.follow()
    assert (life.status, life.results) == ("failed", ())
    assert not any(one.media for one in world.target.recorder.entries())


def test_a_task_that_never_ends_is_left_in_the_end(worlds: Worlds) -> None:
    world = worlds(seconds=30.0)
    world.account.recipe("stuck=processing", operation="create")
    life = world.follow()
    assert (life.ended, life.status) == (0.0, "")
    assert 30.0 <= sum(world.waits) < 36.0


@pytest.mark.parametrize(("seed", "early"), [(0, False), (1, True)])
def test_strangers_ask_once_while_a_task_runs_or_after_its_end(
    worlds: Worlds, seed: int, *, early: bool
) -> None:
    world = worlds()
    world.account.recipe("fail=service_error", operation="create")
    world.follow(seed=seed)
    entries = world.target.recorder.entries()
    asked = [(one.who, one.exchange.status) for one in entries if one.who != "main"]
    assert asked == [("other", 403), ("nobody", 401)]
    assert [one.who for one in entries].index("other") == (2 if early else len(entries) - 2)


def test_a_wrong_key_asks_where_keys_are_known(mock: MockServer) -> None:
    subject = replace(subject_at(mock.base_url), any_key=False)
    with target_of(subject, Effort(max_credits=50.0)) as target:
        follower = TaskFollower(target, SPEC, 1.0)
        life = follower.begin(PlannedTask(CREATE))
        assert life is not None
        follower.query_as_others(life)
    assert [one.who for one in target.recorder.entries()][2:] == ["other", "wrong", "nobody"]


def test_polls_are_at_odd_instants_but_never_faster_than_every_fifth_of_a_second(worlds: Worlds) -> None:
    world = worlds()
    pauses: list[float] = []
    paused = world.target.pause

    def noted(seconds: float) -> None:
        pauses.append(seconds)
        paused(seconds)

    world.target.pause = noted  # type: ignore[method-assign]
    world.account.recipe("fail=service_error", operation="create")
    life = world.follower.begin(PlannedTask(CREATE))
    assert life is not None
    pauses.clear()
    world.follower.poll_until_end(life, Random(3))
    between = [pause for pause in pauses if pause]
    assert min(between) >= 0.2
    assert max(between) <= 5.0
    assert len(set(between)) == len(between) > 6


def test_the_same_seed_asks_at_the_same_instants(worlds: Worlds) -> None:
    def waits(seed: int) -> list[float]:
        world = worlds()
        world.account.recipe("fail=service_error", operation="create")
        world.follow(seed=seed)
        return world.waits

    assert waits(5) == waits(5) != waits(6)


def test_a_run_that_is_over_ends_a_life(worlds: Worlds) -> None:
    world = worlds()
    life = world.follower.begin(PlannedTask(CREATE))
    world.target.gone = "it fell over"
    assert life is not None
    with pytest.raises(OutOfTimeError, match="it fell over"):
        world.follower.follow(life, Random(0))


# Which tasks are made


def subject_that_fails(**more: Any) -> Subject:
    failing = tuple(
        Failing(code, {"prompt": f"[[fail={code}]]"}) for code in ("service_error", "unknown_error")
    )
    return subject_at("https://api.example.test", failing=failing, **more)


def address(name: str, script: tuple[Answer, ...]) -> str:
    return f"https://hooks.example.test/{name.replace(' ', '-')}/{len(script)}"


def planned(
    subject: Subject, creating: Iterable[Case], address: Address | None, wanted: Iterable[Clause] = ()
) -> tuple[PlannedTask, ...]:
    """What a run creates, whose callbacks go to `address`, or are expected and cannot be watched."""
    return with_callback_urls(
        making.planned_tasks(SPEC, subject, creating, wanted, callbacks=True), SPEC, address
    )


def test_a_task_that_fails_comes_first_and_calls_back() -> None:
    first, *rest = planned(subject_that_fails(), CREATES, address)
    assert first.case.name == f"{FAILS}: service_error"
    assert json.loads(first.case.body)["prompt"] == "[[fail=service_error]]"
    assert json.loads(first.case.body)["callback_url"] == first.address != ""
    assert [one.case.name for one in rest][:3] == ["create 0", "callback: taken", f"{FAILS}: unknown_error"]


def test_a_small_budget_sees_every_kind_of_task() -> None:
    names = [one.case.name for one in planned(subject_that_fails(), CREATES, address)[:4]]
    assert {name.partition(":")[0] for name in names} == {FAILS, "create 0", "callback"}


def test_there_are_six_callbacks_each_at_its_own_address() -> None:
    called = [one for one in planned(subject_at("https://api.example.test"), CREATES, address) if one.address]
    assert len({one.address for one in called}) == len(called) == 6
    assert all(json.loads(one.case.body)["callback_url"] == one.address for one in called)


def test_nobody_is_called_back_where_nobody_watches() -> None:
    made = planned(subject_that_fails(), CREATES, None)
    assert not any(one.address or b"callback_url" in one.case.body for one in made)
    assert len(made) == 5


def test_there_is_nothing_to_make_without_a_create() -> None:
    assert planned(subject_that_fails(), (), address) == ()


@pytest.mark.parametrize(
    ("clause", "names"),
    [
        ("callback.retries", {"create 0", "create 1", "callback", FAILS}),
        ("link.24h", {"create 0", "create 1"}),
        ("failure.codes", {"create 0", "create 1", FAILS}),
        ("mode.enum", set()),
        ("create.accepts", {"create 0", "create 1", "create 2"}),
    ],
)
def test_only_what_a_clause_needs_is_made(clause: str, names: set[str]) -> None:
    made = planned(subject_that_fails(), CREATES, address, [CLAUSES[clause]])
    assert {one.case.name.partition(":")[0] for one in made} == names


def test_one_retry_more_than_there_may_be_would_be_seen() -> None:
    assert RULES is not None
    waits = [delivery_wait_seconds(RULES, count, 1.0) for count in range(1, 7)]
    assert all(longer > wait for longer, wait in zip(waits, (1.0, 2.0, 4.0, 8.0, 8.0, 8.0), strict=True))
    assert waits[0] < waits[1] < waits[2] < waits[3] == waits[4]
    assert all(
        delivery_wait_seconds(RULES, count, 20.0) < delivery_wait_seconds(RULES, count, 1.0)
        for count in range(5)
    )


def test_a_task_is_waited_for_until_its_limit_and_no_longer(worlds: Worlds) -> None:
    world = worlds(seconds=8.0)
    for limit, longest in ((3.0, 3.2), (9.0, 8.0), (0.0, 8.0)):
        world.waits.clear()
        task = TrackedTask(PlannedTask(CREATE), "task-unified-1000000000-zzzzzzzz", limit=limit)
        world.follower.poll_until_end(task, Random(0))
        assert longest <= sum(world.waits) < longest + 5.0
