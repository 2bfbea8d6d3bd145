"""How much a connection accepts and for how long it waits; every refusal has the documented shape."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from evolink_mock.http import request_body, requests
from evolink_mock.server.connections import ConnectionLimits
from support.mocks.in_process import BODY, CREATE
from support.mocks.sockets import LOOPS, Loop, over_a_socket, send

START = b"GET /v1/credits HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key\r\nconnection: close\r\n"
BEFORE = b"GET /v1/credits HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key\r\n\r\n"
SMALL = ConnectionLimits(head_bytes=2000)
QUICK = ConnectionLimits(head_seconds=0.05)


def refusal(answer: bytes, status: int) -> dict[str, Any]:
    """The `error` of a response that is the only one."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert {b"content-type: application/json", b"connection: close"} <= set(head.split(b"\r\n"))
    error: dict[str, Any] = json.loads(body)["error"]
    assert error.keys() == {"code", "message", "type"}
    return error


def with_head_of(size: int) -> bytes:
    """A request whose URL, header names and values, with four bytes for each header, have this size."""
    fields = sum(len(line) + 2 for line in START.split(b"\r\n")[1:-1]) + len("/v1/credits")
    return START + b"x-fill: " + b"x" * (size - fields - len("x-fill") - 4) + b"\r\n\r\n"


@LOOPS
def test_a_head_of_the_limit_is_accepted_and_one_byte_more_is_not(loop: Loop) -> None:
    async def scene(port: int) -> None:
        assert (await send(port, with_head_of(2000))).startswith(b"HTTP/1.1 200 ")
        assert "larger than 2000 bytes" in refusal(await send(port, with_head_of(2001)), 431)["message"]

    over_a_socket(scene, loop, SMALL)


@LOOPS
@pytest.mark.parametrize("parts", [[START, b"x: " + b"y" * 3000], [START, *[b"x: y\r\n"] * 900]])
def test_a_head_is_refused_before_it_ends(loop: Loop, parts: list[bytes]) -> None:
    async def scene(port: int) -> None:
        assert refusal(await send(port, *parts), 431)["code"] == "request_header_fields_too_large"

    over_a_socket(scene, loop, SMALL)


def test_many_small_requests_in_one_packet_are_not_one_large_head() -> None:
    async def scene(port: int) -> None:
        answers = await send(port, BEFORE * 100 + START + b"\r\n")
        assert answers.count(b"HTTP/1.1 200 ") == 101

    over_a_socket(scene, limits=SMALL)


@LOOPS
@pytest.mark.parametrize("before", [b"", BEFORE])
def test_a_head_that_does_not_end_in_time_is_answered_with_408(loop: Loop, before: bytes) -> None:
    async def scene(port: int) -> None:
        answers = await send(port, before + START)
        assert refusal(answers[answers.rindex(b"HTTP/1.1 ") :], 408)["code"] == "request_timeout"
        assert answers.count(b"HTTP/1.1 200 ") == bool(before)

    over_a_socket(scene, loop, QUICK)


def test_a_connection_on_which_nothing_is_sent_is_closed_without_a_word() -> None:
    async def scene(port: int) -> None:
        assert await send(port) == b""

    over_a_socket(scene, limits=QUICK)


def test_a_body_that_does_not_end_in_time_is_answered_with_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.05)

    async def scene(port: int) -> None:
        head = (
            b"POST %b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key\r\ncontent-type: application/json\r\n"
        )
        answer = await send(port, head % CREATE.encode() + b"content-length: 20\r\n\r\n{")
        assert refusal(answer, 408)["code"] == "request_timeout"

    over_a_socket(scene, limits=ConnectionLimits(linger_seconds=0.05))


def test_a_request_that_is_refused_is_answered_although_its_body_does_not_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_body, "PATIENCE_SECONDS", 0.05)

    async def scene(port: int) -> None:
        head = b"POST /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 20\r\n\r\n"
        assert refusal(await send(port, head), 404)["code"] == "not_found"

    over_a_socket(scene, limits=ConnectionLimits(linger_seconds=0.05))


CHUNKED = (
    b"POST %b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key\r\ncontent-type: application/json\r\n"
    % CREATE.encode()
)
CHUNKED += b"transfer-encoding: chunked\r\n\r\n"
DOCUMENT = json.dumps(BODY).encode()


@LOOPS
@pytest.mark.parametrize(
    "framing", [b"2;x=%b\r\n{}\r\n" % (b"y" * 9000), b"2\r\n{}\r\n0\r\nx: %b" % (b"y" * 9000)]
)
def test_what_frames_a_body_has_a_limit(monkeypatch: pytest.MonkeyPatch, loop: Loop, framing: bytes) -> None:
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.2)

    async def scene(port: int) -> None:
        answer = await send(
            port, CHUNKED, *(framing[place : place + 500] for place in range(0, len(framing), 500))
        )
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 "))

    over_a_socket(scene, loop, SMALL)


@LOOPS
@pytest.mark.parametrize("pause", [True, False], ids=["later", "at once"])
def test_an_invalid_chunk_is_answered_at_once(loop: Loop, *, pause: bool) -> None:
    async def scene(port: int) -> None:
        answer = await send(port, *([CHUNKED, b"zz\r\n"] if pause else [CHUNKED + b"zz\r\n"]))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 400 ") == 1

    over_a_socket(scene, loop)


@LOOPS
def test_a_body_in_chunks_of_a_byte_and_with_trailers_is_read(loop: Loop) -> None:
    async def scene(port: int) -> None:
        chunks = [b"1\r\n%c\r\n" % byte for byte in DOCUMENT]
        answers = await send(
            port, CHUNKED, *chunks, b"0\r\nauthorization: Bearer other\r\n\r\n", START + b"\r\n"
        )
        assert answers.count(b"HTTP/1.1 200 OK") == 2

    over_a_socket(scene, loop, SMALL)


def test_a_client_that_waits_for_100_is_told_to_continue_and_the_connection_is_not_used_again() -> None:
    async def scene(port: int) -> None:
        head = CHUNKED.replace(
            b"transfer-encoding: chunked", b"expect: 100-continue\r\ncontent-length: %d" % len(DOCUMENT)
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(DOCUMENT)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")  # up to the end of the connection
        writer.close()
        assert (await send(port, head.replace(CREATE.encode(), b"/nowhere"))).startswith(b"HTTP/1.1 404 ")

    over_a_socket(scene)


@LOOPS
def test_too_many_connections_are_refused_with_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture, loop: Loop
) -> None:
    async def scene(port: int) -> None:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        for reader, writer in held:
            writer.write(BEFORE)
            await reader.readuntil(b"}}}")
        for _ in range(3):
            assert refusal(await send(port, START + b"\r\n"), 503)["code"] == "service_unavailable"
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        assert (await send(port, START + b"\r\n")).startswith(b"HTTP/1.1 200 ")

    with caplog.at_level(logging.INFO, "evolink_mock"):
        over_a_socket(scene, loop, ConnectionLimits(connections=4))
    assert [record.getMessage() for record in caplog.records] == [
        "more than 4 connections: others are refused"
    ]


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n"]
)
def test_what_is_not_http_is_refused_after_the_requests_before_it(data: bytes) -> None:
    async def scene(port: int) -> None:
        assert refusal(await send(port, data), 400)["type"] == "invalid_request_error"
        slow = BEFORE.replace(b"\r\n\r\n", b"\r\nprefer: mock=latency=50ms\r\n\r\n")
        answers = await send(port, slow + data)
        assert answers.count(b"HTTP/1.1 ") == answers.count(b"HTTP/1.1 200 ") == 1

    over_a_socket(scene)
