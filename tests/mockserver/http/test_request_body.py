"""The beginning of every request body is kept, whatever becomes of the request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from evolink_mock.domain.exchange import KEPT, SCOPE_KEY, Exchange
from evolink_mock.http import request_body
from evolink_mock.http.connection import WHOLE_BODY
from evolink_mock.http.errors import ApiError
from evolink_mock.http.request_body import keep_body, receive_body
from evolink_mock.http.requests import ClientDisconnectedError
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

GONE = {"type": "http.disconnect"}


class Client:
    """Sends a body in chunks, and then nothing more."""

    def __init__(self, *chunks: bytes, is_whole: bool = True) -> None:
        self.unread: list[dict[str, Any]] = [
            {"type": "http.request", "body": chunk, "more_body": number < len(chunks) or not is_whole}
            for number, chunk in enumerate(chunks, 1)
        ]
        self.exchange = Exchange("POST", "/", 0.0)
        self.extra: dict[str, Any] = {}

    async def receive(self) -> dict[str, Any]:
        return self.unread.pop(0) if self.unread else GONE

    def body(self, limit: int, headers: Mapping[bytes, bytes] | None = None) -> bytes | ApiError:
        scope = {SCOPE_KEY: self.exchange, **self.extra}
        return asyncio.run(receive_body(scope, self.receive, headers or {}, limit))

    def keep(self) -> None:
        asyncio.run(keep_body({SCOPE_KEY: self.exchange}, self.receive))


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=5))
def test_a_body_is_received_and_kept_however_it_arrives(chunks: list[bytes]) -> None:
    client = Client(*chunks)
    assert client.body(100) == client.exchange.request_body == b"".join(chunks)


@given(body=st.binary(max_size=9), limit=st.integers(0, 9), is_connected=st.booleans())
def test_a_body_that_has_arrived_is_received_in_one_step_to_the_same_effect(
    body: bytes, limit: int, *, is_connected: bool
) -> None:
    outcomes: list[Any] = []
    for extra in ({}, {WHOLE_BODY: True}):
        client = Client(body) if is_connected else Client()
        client.extra = extra
        try:
            outcomes.append((client.body(limit), client.exchange.request_body))
        except ClientDisconnectedError:
            outcomes.append(("disconnected", client.exchange.request_body))
    assert outcomes[0] == outcomes[1]


def test_of_a_large_body_only_the_beginning_is_kept() -> None:
    client = Client(b"a" * KEPT, b"b" * KEPT)
    assert client.body(3 * KEPT) == b"a" * KEPT + b"b" * KEPT
    assert client.exchange.request_body == b"a" * KEPT


@pytest.mark.parametrize("headers", [{}, {b"content-length": b"200"}])
def test_of_a_body_beyond_the_limit_the_beginning_is_kept(headers: dict[bytes, bytes]) -> None:
    client = Client(b"a" * 60, b"b" * 60, b"c" * 80)
    assert client.body(100, headers) == ApiError(400, "the body is larger than 100 bytes")
    assert client.exchange.request_body.startswith(b"a" * 60 + b"b" * 60)


def test_a_client_that_waits_for_100_continue_is_not_made_to_send_the_body_of_a_refused_request() -> None:
    client = Client(b"a" * 200)
    client.exchange.request_headers = [(b"content-length", b"200"), (b"expect", b"100-continue")]
    client.keep()
    assert isinstance(client.body(100, dict(client.exchange.request_headers)), ApiError)
    assert (client.exchange.request_body, len(client.unread)) == (b"", 1)


def test_no_more_than_the_beginning_is_read_of_a_refused_request() -> None:
    client = Client(*[b"a" * KEPT] * 4)
    client.keep()
    assert (client.exchange.request_body, len(client.unread)) == (b"a" * KEPT, 3)


def test_a_client_that_waits_for_the_refusal_before_it_sends_a_body_gets_it_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_body, "PATIENCE_SECONDS", 0.01)
    client = Client(b"half", is_whole=False)

    async def receive() -> dict[str, Any]:
        if not client.unread:
            await asyncio.Event().wait()
        return await client.receive()

    asyncio.run(keep_body({SCOPE_KEY: client.exchange}, receive))
    assert client.exchange.request_body == b"half"


def test_a_request_without_a_body_has_nothing_to_keep() -> None:
    client = Client(b"")
    client.keep()
    assert client.exchange.request_body == b""


def test_what_a_client_sent_before_it_disconnected_is_kept() -> None:
    for attempt in (lambda client: client.body(100), Client.keep):
        client = Client(b"half", is_whole=False)
        with pytest.raises(ClientDisconnectedError):
            attempt(client)
        assert client.exchange.request_body == b"half"
