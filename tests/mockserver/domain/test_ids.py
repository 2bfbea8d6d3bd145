"""Ids that have the documented form, are never given twice, and follow from the seed alone."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from evolink_mock.domain import ids
from hypothesis import assume, given
from hypothesis import strategies as st
from support.records.builders import DRAWS

SALTS = st.integers(0, ids.SPACE - 1)
NUMBERS = st.integers(0, ids.SPACE - 1)
TOKENS = st.binary().map(lambda token: token.decode("latin-1"))


@given(st.integers(0, 9_999_999_999), DRAWS)
def test_an_id_has_the_documented_form_and_tells_when_it_was_made(created: int, random: int) -> None:
    made = ids.task_id(created, random)
    assert re.fullmatch(r"task-unified-[0-9]{10}-[0-9a-z]{8}", made)
    assert int(made.split("-")[2]) == created
    assert ids.is_task_id(made)
    assert not ids.is_foreign(made)


@given(DRAWS)
def test_different_draws_are_different_ids_because_the_draw_can_be_read_back(random: int) -> None:
    assert int(ids.task_id(0, random)[-8:], 36) == random


@given(SALTS, NUMBERS, NUMBERS)
def test_no_two_numbers_of_an_account_share_a_draw(first: int, one: int, other: int) -> None:
    assume(one != other)
    assert ids.task_random(first, one) != ids.task_random(first, other)


@given(SALTS, NUMBERS)
def test_a_draw_is_one_of_those_that_eight_letters_can_spell(first: int, number: int) -> None:
    assert 0 <= ids.task_random(first, number) < 36**8


def test_neighbours_do_not_look_alike() -> None:
    made = [ids.task_id(0, ids.task_random(0, number))[-8:] for number in range(1000)]
    assert all(one[:2] != other[:2] for one, other in pairwise(made))


def test_the_salt_is_the_same_in_every_process() -> None:
    assert ids.first_random(1, "key") == 453_685_752_917


@given(st.integers(0, 2**64), st.integers(0, 2**64), TOKENS, TOKENS)
def test_another_seed_or_token_has_other_ids(seed: int, other: int, token: str, other_token: str) -> None:
    assume((seed, token) != (other, other_token))
    assert ids.first_random(seed, token) != ids.first_random(other, other_token)


def test_a_token_of_any_text_has_its_ids() -> None:
    assert ids.first_random(1, "\udcff") != ids.first_random(1, "")


@given(DRAWS)
def test_a_fraction_lies_from_nought_to_less_than_one(random: int) -> None:
    assert 0 <= ids.fraction(random) < 1


def test_fractions_are_spread_evenly() -> None:
    tenths = [int(ids.fraction(ids.task_random(7, number)) * 10) for number in range(2000)]
    assert all(150 < tenths.count(tenth) < 250 for tenth in range(10))


@pytest.mark.parametrize(
    "other", ["", "task-", "task_unified-1757169743-7cvnl5zw", "TASK-UNIFIED-1", " task-unified-"]
)
def test_another_prefix_is_foreign(other: str) -> None:
    assert ids.is_foreign(other)


@pytest.mark.parametrize(
    "other",
    [
        "task-unified-",
        "task-unified-175716974-7cvnl5zw",
        "task-unified-1757169743-7cvnl5z",
        "task-unified-1757169743-7cvnl5zww",
        "task-unified-1757169743-7CVNL5ZW",
        "task-unified-1757169743-7cvnl5zw\n",
        "task-unified-١٧٥٧١٦٩٧٤٣-7cvnl5zw",
        "xtask-unified-1757169743-7cvnl5zw",
    ],
)
def test_a_text_that_this_server_could_not_have_issued_is_not_a_task_id(other: str) -> None:
    assert not ids.is_task_id(other)
