"""What the processes of one store share: the seed of ids, and the time; and which accounts are dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evolink_mock.domain.accounts import AccountTerms
from evolink_mock.service import store_opening
from evolink_mock.service.store_opening import SEEDED_START, State, open_state
from evolink_mock.settings import Settings
from evolink_mock.stores.memory import MemoryStore
from support.mocks.stores import WALL, Wall, result
from support.records.builders import SPEC

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    moved = Wall()
    monkeypatch.setattr(store_opening, "wall_time", moved)
    return moved


def opened(tmp_path: Path, **choices: object) -> State:
    settings = Settings(store=f"sqlite:{tmp_path / 'mock.db'}", **choices)  # type: ignore[arg-type]
    return open_state(SPEC, settings, None, lambda _: None)


def test_a_restart_goes_on_with_the_same_ids_and_the_time_has_passed(tmp_path: Path, wall: Wall) -> None:
    first = opened(tmp_path)
    assert first.clock.now() == pytest.approx(WALL, abs=1)
    first.store.close()
    wall.now += 1000
    again = opened(tmp_path)
    assert again.terms == first.terms
    assert again.clock.now() == pytest.approx(WALL + 1000, abs=1)
    again.store.close()


def test_a_seeded_clock_starts_once_and_another_scale_goes_on_from_its_time(
    tmp_path: Path, wall: Wall
) -> None:
    first = opened(tmp_path, seed=1, clock_scale=60.0)
    assert first.clock.now() == pytest.approx(SEEDED_START, abs=10)
    first.store.close()
    wall.now += 10
    opened(tmp_path, seed=1, clock_scale=1.0).store.close()
    wall.now += 10
    third = opened(tmp_path, seed=1, clock_scale=1.0)
    assert third.clock.now() == pytest.approx(SEEDED_START + 610, abs=1)
    third.store.close()


def test_in_memory_an_account_is_unused_once_a_look_has_passed_without_a_request() -> None:
    store = MemoryStore(AccountTerms(1, 100))
    store.recorder("old")
    store.recorder("new")
    assert result(store.unused(-50.0, 0.0)) == []
    store.recorder("new")
    assert result(store.unused(50.0, 100.0)) == ["old"]
    result(store.drop("old"))
    assert result(store.unused(50.0, 100.0)) == []
