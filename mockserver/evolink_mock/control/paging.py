"""Pages of a long list: `limit` items each, after the item with a certain key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec import Meta, Struct

from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
_DEFAULT, _MOST = 100, 1000
_MOST_DIGITS = 9  # of the number of an item


class PageQuery(Struct, frozen=True):
    """Selects a page of a list: `after` is the `next` of the previous page."""

    limit: Annotated[int, Meta(ge=1, le=_MOST)] = _DEFAULT
    after: Annotated[str, Meta(max_length=200)] = ""


def page(
    items: Sequence[T], key: Callable[[T], str], query: PageQuery
) -> tuple[Sequence[T], str | None] | ApiError:
    """A page of a list, and the `after` of the next page, which is None for the last one. 400 for an unknown key.

    `after` is the key of an item, and its number if another item may have the same key: `KEY@NUMBER`, from 1. The
    number also saves a search.
    """
    start = _start(items, key, query.after) if query.after else 0
    if start is None:
        return ApiError(400, f"after: {query.after[:60]!r} is not in the list", "after")
    end = start + query.limit
    selected = items[start:end]
    return selected, f"{key(selected[-1])}@{end}" if end < len(items) else None


def _start(items: Sequence[T], key: Callable[[T], str], after: str) -> int | None:
    """The index of the first item after that one; None if there is no such item (any longer)."""
    wanted, at, number = after.rpartition("@")
    if at and number.isdigit() and len(number) <= _MOST_DIGITS:
        index = int(number)
        if 0 < index <= len(items) and key(items[index - 1]) == wanted:
            return index
        after = wanted  # an earlier item was dropped meanwhile
    return next((index for index, item in enumerate(items, 1) if key(item) == after), None)
