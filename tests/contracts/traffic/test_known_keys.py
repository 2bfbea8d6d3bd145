"""Known keys are removed from any text in one pass."""

from __future__ import annotations

import pytest
from evolink_check.traffic.known_keys import KEY, KnownKeys
from hypothesis import given
from hypothesis import strategies as st
from support.steps import steps_of

LETTERS = st.text("ab1-", min_size=8, max_size=12)


@given(st.lists(LETTERS, max_size=30), st.text("ab1- ", max_size=60))
def test_no_known_key_is_left(keys: list[str], text: str) -> None:
    plain = KnownKeys(keys).remove_from(text)
    assert not any(key in part for key in keys for part in plain.split(KEY))


@given(st.lists(LETTERS, min_size=17, max_size=30, unique=True))
def test_many_keys_are_removed_as_few_are(keys: list[str]) -> None:
    text = " ".join(keys)
    assert KnownKeys(keys).remove_from(text) == " ".join([KEY] * len(keys))


def test_of_keys_that_begin_alike_the_longest_is_removed() -> None:
    keys = KnownKeys(["sk-abcdefgh", "sk-abcdefgh-more"])
    assert keys.remove_from("sk-abcdefgh-more sk-abcdefgh") == f"{KEY} {KEY}"


def test_a_key_keeps_the_mark_that_it_was_given_first() -> None:
    keys = KnownKeys()
    keys.add("sk-abcdefgh", "~mark")
    keys.add("sk-abcdefgh")
    assert keys.remove_from("a sk-abcdefgh b") == "a ~mark b"


@pytest.mark.parametrize(
    ("key", "text", "plain"),
    [
        ("ab12", "id ab12, ab12!", f"id {KEY}, {KEY}!"),
        ("ab12", "cab12 ab123 x-ab12", "cab12 ab123 x-ab12"),
        ("man", "the man", "the man"),
        ("dance", "dance", "dance"),
        ("12345", "12345", "12345"),
    ],
)
def test_a_short_key_is_removed_as_a_whole_word_that_is_no_word_by_chance(
    key: str, text: str, plain: str
) -> None:
    assert KnownKeys([key]).remove_from(text) == plain


def test_with_a_limit_the_keys_that_were_added_last_are_known() -> None:
    keys = KnownKeys(limit=2)
    for key in ("first-key", "second-key", "first-key", "third-key", "ab12"):
        keys.add(key)
    assert keys.remove_from("first-key second-key third-key ab12") == f"first-key second-key {KEY} {KEY}"
    assert not KnownKeys(["first-key"], limit=0)


def test_the_work_does_not_grow_with_the_number_of_keys() -> None:
    text = "no key stands here " * 50
    few, many = ([f"sk-proj-{number:08}" for number in range(count)] for count in (100, 3000))
    steps = [steps_of(KnownKeys(keys).remove_from, text) for keys in (few, many)]
    assert steps[1] <= steps[0] + 100


def test_a_text_twice_as_long_takes_twice_the_work() -> None:
    keys = KnownKeys(f"sk-proj-{number:08}" for number in range(100))
    steps = [steps_of(keys.remove_from, "sk-proj-00000001 sk-proj-x " * count) for count in (100, 200)]
    assert steps[1] <= 2.1 * steps[0]
