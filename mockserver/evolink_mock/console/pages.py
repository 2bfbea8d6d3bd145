"""Render the pages of the console, and their parts that the browser updates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from evolink_mock.console import recipe_views, views
from evolink_mock.console.event_stream import event
from evolink_mock.console.exchange_rows import ExchangeFilter, row, selects
from evolink_mock.console.rendering import macro, page
from evolink_mock.console.task_cards import task_cards
from evolink_mock.domain.accounts import example_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_mock.console.event_stream import Encode
    from evolink_mock.service.exchange_feed import Numbered
    from evolink_mock.service.service import Service

_ROWS = 100  # maximum number of rows in the live view when it is opened
_ROWS_IN_BATCH = (
    20  # further exchanges of a batch are only counted: 80 rows a second are more than one can read
)
CLEARED = event("rows", b'<tr class="cleared"></tr>')  # the page drops the rows below this row


class PageRequest(msgspec.Struct, frozen=True):
    """A request for a page of the console."""

    service: Service
    query: Mapping[str, str]
    item: str  # the path segment after the path of the page, such as the number of an exchange; empty if missing
    base_url: str  # the URL at which the browser reached this server
    is_operator: bool


Page = Callable[[PageRequest], Awaitable[bytes | None]]  # None if the item to show has been removed


async def start(request: PageRequest) -> bytes:
    """Render the start page: address, example request, and OpenAPI documents.

    The page shows no data of any account.
    """
    server = await views.overview(request.service, request.base_url, _shown_key(request))
    return page("start.html", tab="start", server=server, is_operator=request.is_operator)


async def live(request: PageRequest) -> bytes:
    """Render the latest exchanges and a form to filter them. The page gets new exchanges as server-sent events."""
    selection = filter_of(request.query)
    feed = request.service.exchange_feed
    # The number of the last exchange when the view was cleared.
    since = _exchange_number(request.query.get("since", ""))
    hidden = since if since <= feed.last else 0  # a number from an earlier run of the mock hides nothing
    items = [item for item in feed.shown() if item.number > hidden and selects(selection, item.exchange)]
    rows = [row(item) for item in reversed(items[-_ROWS:])]
    fields = msgspec.structs.asdict(selection)
    query = urlencode({"after": feed.last, **fields})  # so that the stream misses no exchange
    return page(
        "live.html", tab="live", rows=rows, selection=fields, query=query, since=since, last=feed.last
    )


async def exchange(request: PageRequest) -> bytes | None:
    """Render one exchange with its headers and bodies; None if it is not stored."""
    number = _exchange_number(request.item)
    found = request.service.exchange_feed.get(number)
    return None if found is None else page("exchange.html", item=views.exchange_details(number, found))


async def tasks(request: PageRequest) -> bytes:
    """Render the latest tasks of the selected account.

    If no account is selected, the tasks of the newest accounts are shown.
    """
    service = request.service
    accounts = await views.account_list(service)
    label = request.query.get("account", "")
    selected = [*filter(None, [await views.account_of(service, label)])] if label else accounts
    cards = await task_cards(service, selected, views.MOST)
    template = "task_cards.html" if request.item == "cards" else "tasks.html"
    codes = [failure.code for failure in service.spec.failures]
    labels = [item.label for item in accounts]
    return page(
        template, tab="tasks", cards=cards, account=label, accounts=labels, codes=codes, most=views.MOST
    )


async def accounts(request: PageRequest) -> bytes:
    """Render the accounts that were created last."""
    cards = await views.account_cards(request.service)
    template = "account_cards.html" if request.item == "cards" else "accounts.html"
    return page(template, tab="accounts", cards=cards)


async def recipes(request: PageRequest) -> bytes:
    """Render a table of all effects, and a form that assigns a recipe."""
    text = request.query.get("recipe", "")
    preview = recipe_views.preview(request.service.registry, text)
    if request.item == "preview":
        return page("recipe_preview.html", preview=preview)
    labels = [item.label for item in await views.account_list(request.service)]
    effects = recipe_views.effect_table()
    return page("recipes.html", tab="recipes", preview=preview, recipe=text, effects=effects, accounts=labels)


async def reference(request: PageRequest) -> bytes:
    """Render the reference of the simulated API and of the control API."""
    names = [
        name.rpartition("/")[2] for name in request.service.spec.documents
    ]  # names only: paths are private
    return page("reference.html", tab="reference", names=names, key=_shown_key(request))


def _shown_key(request: PageRequest) -> str:
    service = request.service
    return example_key(service.tokens) if request.is_operator or not service.tokens else "YOUR-KEY"


def _exchange_number(text: str) -> int:
    # No exchange has the number 0.
    return int(text) if text.isdecimal() and len(text) < 16 else 0  # noqa: PLR2004


def filter_of(query: Mapping[str, str]) -> ExchangeFilter:
    """Return the filter that the query parameters describe. Parameters that are no fields of a filter are ignored."""
    names = ExchangeFilter.__struct_fields__
    return ExchangeFilter(**{name: value.strip()[:200] for name, value in query.items() if name in names})


def query_of(raw: bytes) -> dict[str, str]:
    """Decode the query string of a page."""
    return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True))


def row_events(selection: ExchangeFilter) -> Encode:
    """Return a function that encodes matching exchanges as an event named `rows`.

    The newest exchange comes first.
    """

    def encode_batch(items: Sequence[Numbered], missed: int) -> bytes:
        chosen = [item for item in items if selects(selection, item.exchange)]
        hidden = missed + max(0, len(chosen) - _ROWS_IN_BATCH)
        shown = [row(item) for item in reversed(chosen[-_ROWS_IN_BATCH:])]
        if not shown:
            return b""
        html: Any = macro("rows.html", "rows", shown, hidden)
        return event("rows", html.encode(), items[-1].number)

    return encode_batch
