"""Pages of a list, in which several items may have the same key."""

from __future__ import annotations

import pytest
from evolink_mock.control.paging import PageQuery, page
from evolink_mock.http.errors import ApiError


def all_pages(items: list[str], limit: int) -> list[list[str]]:
    """The pages of a list of keys, one after the other."""
    pages, after = [], ""
    while True:
        found = page(items, str, PageQuery(limit, after))
        assert not isinstance(found, ApiError)
        pages.append([*found[0]])
        if found[1] is None:
            return pages
        after = found[1]


@pytest.mark.parametrize("items", ["abcde", "aabaa", "aaaaa", "a@1"], ids=str)
def test_the_pages_of_a_list_are_the_list(items: str) -> None:
    assert [item for found in all_pages([*items], 2) for item in found] == [*items]


def test_a_page_continues_after_its_item_even_when_an_earlier_one_is_gone() -> None:
    assert page([*"abcdef"], str, PageQuery(3)) == ([*"abc"], "c@3")
    assert page([*"acdef"], str, PageQuery(3, "c@3")) == ([*"def"], None)


def test_the_key_alone_is_enough() -> None:
    assert page([*"abc"], str, PageQuery(5, "b")) == (["c"], None)


@pytest.mark.parametrize("after", ["x", "x@2", "@", "a@99999999999"])
def test_an_unknown_item_is_refused(after: str) -> None:
    found = page(["b", "c"], str, PageQuery(5, after))
    assert isinstance(found, ApiError)
    assert found.param == "after"
