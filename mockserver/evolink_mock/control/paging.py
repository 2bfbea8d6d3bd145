"""Pages of a long list: `limit` items each, after the item with a certain key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

from msgspec import Meta, Struct

from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
_DEFAULT, _MOST = 100, 1000


class PageQuery(Struct, frozen=True):
    """Selects a page of a list: `after` is the `next` of the previous page."""

    limit: Annotated[int, Meta(ge=1, le=_MOST)] = _DEFAULT
    after: Annotated[str, Meta(max_length=200)] = ""


def page(
    items: Sequence[T], key: Callable[[T], str], query: PageQuery
) -> tuple[Sequence[T], str | None] | ApiError:
    """A page of a list, and the `after` of the next page, which is None for the last one. 400 for an unknown key."""
    start = 0
    if query.after:
        start = next((index for index, item in enumerate(items, 1) if key(item) == query.after), -1)
        if start < 0:
            return ApiError(400, f"after: {query.after[:60]!r} is not in the list", "after")
    selected = items[start : start + query.limit]
    has_more = start + query.limit < len(items)
    return selected, key(selected[-1]) if has_more else None
