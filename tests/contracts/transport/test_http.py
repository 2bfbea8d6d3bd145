"""What a server may do to one exchange."""

from __future__ import annotations

import gzip
import threading
import zlib
from typing import TYPE_CHECKING

import pytest
from evolink_check.transport import http
from evolink_check.transport.http import LARGEST_ANSWER, HttpClient
from support.mocks.raw_servers import answering, raw_server, repeating
from support.mocks.targets import CREDITS, subject_at, target_of

if TYPE_CHECKING:
    import socket

    from evolink_check.traffic.trace import Entry
    from support.mocks.raw_servers import Talk

TRICKLED_HEAD = repeating(b"X-More: 1\r\n", 0.01, b"HTTP/1.1 200 OK\r\n")
INTERIM = repeating(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)
TRICKLED_BODY = repeating(b" ", 0.01, b"HTTP/1.1 200 OK\r\n\r\n")
SILENT = repeating(b"", 0.1)
HOLDING = {"head": TRICKLED_HEAD, "interim": INTERIM, "body": TRICKLED_BODY, "silent": SILENT}


def exchanged(talk: Talk) -> Entry:
    with raw_server(talk) as url, target_of(subject_at(url)) as target:
        return target.send(CREDITS)


def answer_of(body: bytes, *headers: bytes) -> bytes:
    head = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), b"Connection: close", *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


@pytest.mark.parametrize("how", HOLDING)
def test_an_exchange_ends_at_its_deadline_whatever_the_server_sends(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_API_SECONDS", 0.3)
    entry = exchanged(HOLDING[how])
    assert (entry.exchange.status, entry.problem) == (0, "no answer in time")
    assert entry.ended - entry.began < 5


@pytest.mark.parametrize("how", HOLDING)
def test_an_exchange_ends_with_the_run_whatever_the_server_sends(how: str) -> None:
    stop, arrived = threading.Event(), threading.Event()

    def talk(connection: socket.socket, ended: threading.Event) -> None:
        arrived.set()
        HOLDING[how](connection, ended)

    def stop_it() -> None:
        arrived.wait(5)
        stop.set()

    with raw_server(talk) as url, target_of(subject_at(url), stop=stop) as target:
        stopping = threading.Thread(target=stop_it)
        stopping.start()
        entry = target.send(CREDITS)
        stopping.join()
    assert entry.problem == f"{HttpClient.LEFT}: the time of the run was over"
    assert entry.ended - entry.began < 5


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate", "raw deflate"])
def test_a_coded_body_is_decoded(coding: str) -> None:
    body = b'{"success": true}' * 100
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    coded = {
        "identity": body,
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "raw deflate": raw.compress(body) + raw.flush(),
    }[coding]
    name = coding.removeprefix("raw ").encode()
    entry = exchanged(answering(answer_of(coded, b"Content-Encoding: " + name)))
    assert (entry.exchange.status, entry.exchange.response_body, entry.size) == (200, body, None)


def test_of_a_longer_answer_than_is_kept_status_and_length_are_known() -> None:
    entry = exchanged(answering(answer_of(b"[" + b"{}," * LARGEST_ANSWER + b"{}]")))
    assert (entry.exchange.status, entry.exchange.response_body, entry.problem) == (200, b"", "")
    assert entry.size is not None
    assert LARGEST_ANSWER < entry.size < LARGEST_ANSWER + 200_000


def test_a_compressed_body_is_decoded_only_as_far_as_it_is_kept() -> None:
    coded = gzip.compress(b" " * 100 * LARGEST_ANSWER)
    entry = exchanged(answering(answer_of(coded, b"Content-Encoding: gzip")))
    assert entry.size is not None
    assert LARGEST_ANSWER < entry.size <= LARGEST_ANSWER + 200_000
