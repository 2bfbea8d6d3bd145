"""The feed of exchanges: numbered, bounded, and a slow follower learns how many it missed."""

from __future__ import annotations

import asyncio

import pytest
from evolink_mock.domain.exchange import Exchange
from evolink_mock.service.exchange_feed import ExchangeFeed
from hypothesis import given
from hypothesis import strategies as st


def an_exchange(path: str = "/", body: bytes = b"") -> Exchange:
    exchange = Exchange("GET", path, 0.0)
    exchange.request_body = body
    return exchange


@given(limit=st.integers(1, 5), published=st.integers(0, 12), read=st.integers(0, 12))
def test_a_follower_gets_every_exchange_after_its_number_or_learns_how_many_it_missed(
    limit: int, published: int, read: int
) -> None:
    feed = ExchangeFeed(limit=limit)
    for number in range(1, published + 1):
        feed.publish(an_exchange(f"/{number}"))
    items, missed = feed.after(min(read, published))
    assert [item.number for item in items] == [
        number for number in range(min(read, published) + 1, published + 1) if number > published - limit
    ]
    assert all(item.exchange.path == f"/{item.number}" for item in items)
    assert missed + len(items) == published - min(read, published)


def test_the_number_of_an_exchange_is_known_though_others_followed_it() -> None:
    feed = ExchangeFeed(limit=2)
    first, second, third = exchanges = [an_exchange() for _ in range(3)]
    for exchange in exchanges:
        feed.publish(exchange)
    assert [feed.number_of(exchange) for exchange in (first, second, third)] == [0, 2, 3]


def test_an_exchange_is_found_by_its_number_for_as_long_as_it_is_stored() -> None:
    feed = ExchangeFeed(limit=2)
    for path in ("/1", "/2", "/3"):
        feed.publish(an_exchange(path))
    assert [exchange and exchange.path for exchange in map(feed.get, range(5))] == [
        None,
        None,
        "/2",
        "/3",
        None,
    ]


def test_the_bodies_of_the_feed_are_bounded() -> None:
    feed = ExchangeFeed(body_bytes=100)
    for _ in range(5):
        feed.publish(an_exchange(body=b"x" * 40))
    assert len(feed.after(0)[0]) == 2
    feed.publish(an_exchange(body=b"x" * 1000))
    assert len(feed.after(0)[0]) == 1


def test_cleared_exchanges_are_not_shown_but_a_reader_that_has_not_read_them_still_does() -> None:
    feed = ExchangeFeed()
    feed.publish(an_exchange())
    feed.clear()
    assert (feed.shown(), feed.get(1)) == ([], None)
    feed.publish(an_exchange())
    assert [item.number for item in feed.shown()] == [2]
    assert [item.number for item in feed.after(0)[0]] == [1, 2]


def test_cleared_exchanges_count_among_those_that_are_stored_or_missed() -> None:
    feed = ExchangeFeed(limit=2)
    for _ in range(3):
        feed.publish(an_exchange())
        feed.clear()
    items, missed = feed.after(0)
    assert ([item.number for item in items], missed) == ([2, 3], 1)


@pytest.mark.parametrize("first", [True, False])
def test_a_follower_waits_for_the_next_exchange(*, first: bool) -> None:
    async def scene() -> int:
        feed = ExchangeFeed()
        if first:
            feed.publish(an_exchange())
        waiting = asyncio.create_task(feed.wait(0))
        await asyncio.sleep(0)
        feed.publish(an_exchange())
        async with asyncio.timeout(5):
            await waiting
        return feed.last

    assert asyncio.run(scene()) == 1 + first
