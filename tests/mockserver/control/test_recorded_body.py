"""The body of a request in the journal: legible when it was compressed, exact when it is binary, never with a key."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode

import pytest
from evolink_mock.control.recorded_body import BodyText, request_text
from evolink_mock.domain.exchange import KEPT, Exchange
from evolink_mock.domain.redaction import KEY_REMOVED, Redactor
from hypothesis import given
from hypothesis import strategies as st

TOKEN = "a-token-of-some-length"
JSON = f'{{"prompt":"Ein Tänzchen","key":"{TOKEN}"}}'.encode()
SHOWN = f'{{"prompt":"Ein Tänzchen","key":"{KEY_REMOVED}"}}'


def recorded(body: bytes, **headers: str) -> BodyText:
    exchange = Exchange("POST", "/", 0.0)
    exchange.request_body = body[:KEPT]
    exchange.request_headers = [
        (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
    ]
    return request_text(exchange, Redactor([TOKEN]))


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (JSON, ""),
        (gzip.compress(JSON, mtime=0), "gzip"),
        (gzip.compress(JSON, mtime=0), " X-Gzip"),
        (zlib.compress(JSON), "deflate"),
        (JSON, "gzip"),
    ],
    ids=["plain", "gzip", "x-gzip", "deflate", "not compressed at all"],
)
def test_a_body_is_recorded_without_its_content_coding_and_without_the_key(body: bytes, coding: str) -> None:
    assert recorded(body, content_encoding=coding) == BodyText(SHOWN)


@given(st.binary(min_size=1, max_size=40).map(lambda data: data + b"\xff"))
def test_a_binary_body_is_recorded_in_base64_without_the_key(data: bytes) -> None:
    shown = recorded(data + TOKEN.encode())
    assert (shown.encoding, shown.size) == ("base64", len(data) + len(TOKEN))
    assert TOKEN.encode() not in b64decode(shown.text)


def test_bytes_without_a_secret_are_recorded_unchanged() -> None:
    image = bytes(range(128, 256)) * 3
    assert b64decode(recorded(image).text) == image


@pytest.mark.parametrize(
    ("headers", "size", "comment"),
    [
        ({"content_length": str(KEPT * 2)}, KEPT * 2, f"the first {KEPT} of {KEPT * 2} bytes"),
        ({"transfer_encoding": "chunked"}, -1, f"the first {KEPT} of an unknown number of bytes"),
        ({"content_length": str(KEPT)}, KEPT, ""),
    ],
)
def test_a_body_that_was_cut_says_how_much_of_it_is_recorded(
    headers: dict[str, str], size: int, comment: str
) -> None:
    shown = recorded(b"x" * KEPT * 2, **headers)
    assert (len(shown.text), shown.size, shown.comment) == (KEPT, size, comment)


def test_a_text_that_was_cut_in_a_character_is_still_text() -> None:
    shown = recorded(b"x" + "é".encode() * KEPT, content_length="131073")
    assert shown.encoding == ""
    assert shown.text.startswith("xéé")
