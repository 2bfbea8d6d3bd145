"""Reading a request: whose it is, how large it may be, and what its links begin with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from evolink_mock.http.errors import ApiError
from evolink_mock.http.requests import ClientDisconnectedError, Origins, read_body, token_of
from hypothesis import example, given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterable

IS_URI = jsonschema_rs.Draft202012Validator({"format": "uri"}, validate_formats=True).is_valid
TOO_LARGE = ApiError(400, "the body is larger than 10 bytes")
GONE = {"type": "http.disconnect"}


def arriving(*chunks: bytes) -> list[dict[str, Any]]:
    """The messages in which a body arrives."""
    return [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]


def read(messages: Iterable[dict[str, Any]], length: bytes | None = None, limit: int = 10) -> tuple[Any, int]:
    """What is read, and how many messages were left unread."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    headers = {} if length is None else {b"content-length": length}
    return asyncio.run(read_body(receive, headers, limit)), len(left)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (b"Bearer key", "key"),
        (b"bearer key", "key"),
        (b"BEARER key", "key"),
        (b"Bearer   key  ", "key"),
        (b"Bearer key~402", "key~402"),
        (b"Bearer \xe9", "é"),
        (b"", None),
        (b"Bearer", None),
        (b"Bearer ", None),
        (b"Bearer  \t", None),
        (b"key", None),
        (b"Basic a2V5OmtleQ==", None),
        (b"BearerX key", None),
        (b"Bearer\tkey", None),
    ],
)
def test_the_token_is_what_stands_behind_bearer(header: bytes, token: str | None) -> None:
    assert token_of(header) == token


@given(st.binary())
def test_any_header_is_a_token_or_none(header: bytes) -> None:
    token = token_of(header)
    assert token is None or token.strip()


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=5))
def test_a_body_is_whole_however_it_arrives(chunks: list[bytes]) -> None:
    body = b"".join(chunks)
    body_read, _ = read(arriving(*chunks))
    assert body_read == (body if len(body) <= 10 else TOO_LARGE)


def test_a_message_without_a_body_is_an_empty_one() -> None:
    assert read([{"type": "http.request"}]) == (b"", 0)


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not() -> None:
    assert read(arriving(b"x" * 10), b"10") == (b"x" * 10, 0)
    assert read(arriving(b"x" * 11)) == (TOO_LARGE, 0)


def test_a_body_that_says_it_is_too_large_is_not_read_at_all() -> None:
    assert read(arriving(b"x"), b"11") == (TOO_LARGE, 1)


def test_nothing_is_read_beyond_the_limit() -> None:
    assert read(arriving(b"x" * 6, b"x" * 6, b"x" * 6)) == (TOO_LARGE, 1)


@pytest.mark.parametrize("length", [b"1", b"0", b"-5", b"", b"many", b"1e9", b" 99", b"+99", "٩٩".encode()])
def test_a_body_larger_than_it_says_is_refused_all_the_same(length: bytes) -> None:
    assert read(arriving(b"x" * 6, b"x" * 6), length)[0] == TOO_LARGE
    assert read(arriving(b"x" * 6), length)[0] == b"x" * 6


@pytest.mark.parametrize("length", [b"9" * 5000, b"1" + b"0" * 19])
def test_a_length_of_any_number_of_digits_is_too_large(length: bytes) -> None:
    assert read(arriving(b"x"), length) == (TOO_LARGE, 1)


@pytest.mark.parametrize("before", [[], arriving(b"x", b"y")[:1]])
def test_a_client_that_goes_away_is_noticed(before: list[dict[str, Any]]) -> None:
    with pytest.raises(ClientDisconnectedError):
        read([*before, GONE])


def origin(host: bytes, public: str | None = None, **scope: Any) -> str:
    return Origins(public).of({"scheme": "http", "server": ("127.0.0.1", 8080)} | scope, {b"host": host})


@pytest.mark.parametrize(
    ("host", "begins"),
    [
        (b"mock.test", "http://mock.test"),
        (b"mock_1.test:9000", "http://mock_1.test:9000"),
        (b"192.0.2.1:80", "http://192.0.2.1:80"),
        (b"[::1]:8080", "http://[::1]:8080"),
        (b"[::ffff:192.0.2.1]", "http://[::ffff:192.0.2.1]"),
    ],
)
def test_links_begin_as_the_client_called_the_server(host: bytes, begins: str) -> None:
    assert origin(host) == begins
    assert origin(host, scheme="https") == begins.replace("http:", "https:")


@pytest.mark.parametrize(
    "host",
    [
        *(
            b"",
            b"a b",
            b"a/b",
            b"u@h",
            b"h?q",
            b"h:",
            b"h:port",
            b"h:123456",
            b"\xff",
            b"h\r\nx: y",
            b"x" * 254,
        ),
        *(b"[::1", b"[]", b"[::::]", b"[1.2]", b"[::1]x", b"[fe80::1%25lo]", b"<script>", b"h\n"),
    ],
)
def test_a_host_that_could_be_none_is_answered_with_the_bound_address(host: bytes) -> None:
    assert origin(host) == "http://127.0.0.1:8080"


@given(st.binary(max_size=30) | st.text(st.sampled_from("[]:.0af-_%x/@"), max_size=12).map(str.encode))
@example(b"[:.:]")
def test_a_link_is_a_uri_whatever_the_host_says(host: bytes) -> None:
    assert IS_URI(f"{origin(host)}/media/x.mp4")


@pytest.mark.parametrize(
    ("server", "begins"),
    [
        (("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        (("::1", 8080), "http://[::1]:8080"),
        (("mock.test", None), "http://mock.test"),
        (None, "http://127.0.0.1"),
    ],
)
def test_the_bound_address_is_spelt_as_a_url_needs_it(server: Any, begins: str) -> None:
    assert origin(b"", server=server) == begins


def test_a_request_without_a_scheme_came_by_http() -> None:
    assert Origins(None).of({"server": ("127.0.0.1", 8080)}, {}) == "http://127.0.0.1:8080"


@pytest.mark.parametrize("public", ["https://mock.test/below", "https://mock.test/below/"])
def test_a_public_url_stands_in_front_whatever_the_host_says(public: str) -> None:
    assert origin(b"evil.test", public) == "https://mock.test/below"


def test_all_tasks_made_through_a_name_share_one_string() -> None:
    origins = Origins(None)
    scope = {"scheme": "http", "server": ("127.0.0.1", 8080)}
    assert origins.of(scope, {b"host": b"mock.test"}) is origins.of(
        scope, {b"host": bytes(bytearray(b"mock.test"))}
    )
    assert (
        origins.of(scope, {b"host": b"not a host"})
        is origins.of(scope, {b"host": b"nor this"})
        is origins.of(scope, {b"host": b""})
    )


def test_many_names_do_not_fill_the_memory() -> None:
    origins = Origins(None)
    for number in range(5000):
        scope = {"scheme": "http", "server": ("127.0.0.1", 8080)}
        origins.of(scope, {b"host": b"host-%d" % number})
        origins.of(scope, {b"host": b"no host %d" % number})
    remembered = origins._cached  # noqa: SLF001  (what is held is the point)
    assert len(remembered) <= 1000
    assert max(len(host) for _, host in remembered) < 260


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({b"x-forwarded-proto": b"https"}, "https://mock.internal"),
        ({b"x-forwarded-host": b"mock.test:8443"}, "http://mock.test:8443"),
        ({b"x-forwarded-proto": b"HTTPS, http", b"x-forwarded-host": b"a.test, b.test"}, "https://a.test"),
        (
            {b"forwarded": b'for=192.0.2.1;proto=https;host="a.test:1", for=10.0.0.1;host=b'},
            "https://a.test:1",
        ),
        ({b"forwarded": b"Proto=https", b"x-forwarded-host": b"ignored.test"}, "https://mock.internal"),
        ({b"forwarded": b'host="[::1]:8080"'}, "http://[::1]:8080"),
        ({b"x-forwarded-proto": b"javascript", b"x-forwarded-host": b"no host"}, "http://mock.internal"),
        ({b"forwarded": b";;=;host", b"x-forwarded-host": b"x"}, "http://mock.internal"),
        ({}, "http://mock.internal"),
    ],
)
def test_the_headers_of_a_proxy_count_where_it_is_trusted_and_only_there(
    headers: dict[bytes, bytes], origin: str
) -> None:
    scope = {"scheme": "http", "server": ("127.0.0.1", 8080)}
    sent = {b"host": b"mock.internal", **headers}
    assert Origins(None, trust_proxy=True).of(scope, sent) == origin
    assert Origins(None).of(scope, sent) == "http://mock.internal"
