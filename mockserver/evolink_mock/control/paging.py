"""Split a long list into pages of at most `limit` items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec import Meta, Struct

from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
_DEFAULT, _MOST = 100, 1000
_MOST_DIGITS = 9  # maximum number of digits of an item's number


class PageQuery(Struct, frozen=True):
    """The query parameters of a route with pages. `after` is the member `next` of the previous response."""

    limit: Annotated[int, Meta(ge=1, le=_MOST)] = _DEFAULT
    after: Annotated[str, Meta(max_length=200)] = ""


def page(
    items: Sequence[T], key: Callable[[T], str], query: PageQuery
) -> tuple[Sequence[T], str | None] | ApiError:
    """Return one page of a list, and the value of `after` for the next page.

    `after` is `KEY@NUMBER`: key and position (from 1) of the page's last item. On the last page, the second value is
    None. Returns a 400 if no item has the key in `query.after`.
    """
    start = _index_after(items, key, query.after) if query.after else 0
    if start is None:
        return ApiError(400, f"after: {query.after[:60]!r} is not in the list", "after")
    end = start + query.limit
    selected = items[start:end]
    # The position distinguishes items with equal keys.
    return selected, f"{key(selected[-1])}@{end}" if end < len(items) else None


def _index_after(items: Sequence[T], key: Callable[[T], str], after: str) -> int | None:
    wanted, at, number = after.rpartition("@")
    if at and number.isdigit() and len(number) <= _MOST_DIGITS:
        index = int(number)
        if 0 < index <= len(items) and key(items[index - 1]) == wanted:
            return index
        after = wanted  # the number has changed, because earlier items were dropped
    return next((index for index, item in enumerate(items, 1) if key(item) == after), None)
