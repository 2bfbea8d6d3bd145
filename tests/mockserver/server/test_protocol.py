"""Over a socket: a connection that is closed without an answer, or in the middle of one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace

import pytest
from evolink_mock.http.connection import TRANSPORT, ConnectionDroppedError, close_connection
from support.mocks.sockets import LOOPS, Loop, over_a_socket, send

HEAD = b"GET /v1/credits HTTP/1.1\r\nhost: mock\r\nauthorization: Bearer key\r\n%b\r\n"


async def say(port: int, recipe: bytes) -> bytes:
    """All that comes back before the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD % (b"prefer: mock=%b\r\n" % recipe))
    try:
        return await reader.read()
    except ConnectionResetError:
        return b"reset"
    finally:
        writer.close()


@LOOPS
def test_a_dropped_answer_closes_the_connection_with_nothing(
    caplog: pytest.LogCaptureFixture, loop: Loop
) -> None:
    async def scene(port: int) -> None:
        assert await say(port, b"drop") in {b"", b"reset"}

    over_a_socket(scene, loop)
    assert caplog.records == []


@LOOPS
def test_a_cut_answer_ends_in_the_middle(caplog: pytest.LogCaptureFixture, loop: Loop) -> None:
    async def scene(port: int) -> None:
        head, _, body = (await say(port, b"cut")).partition(b"\r\n\r\n")
        announced = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        assert head.startswith(b"HTTP/1.1 200 ")
        assert len(body) == announced // 2 > 0

    over_a_socket(scene, loop)
    assert caplog.records == []


def test_the_server_goes_on_after_that() -> None:
    async def scene(port: int) -> None:
        for recipe in (b"drop", b"cut", b"drop"):
            await say(port, recipe)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD % b"connection: close\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()

    over_a_socket(scene)


def test_a_gateway_page_and_a_wrong_type_are_whole_answers() -> None:
    async def scene(port: int) -> None:
        for recipe, sign in ((b"503", b"text/html"), (b"type=text/plain", b"text/plain")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD % (b"connection: close\r\nprefer: mock=%b\r\n" % recipe))
            assert b"content-type: " + sign in (await reader.read()).lower()
            writer.close()

    over_a_socket(scene)


@pytest.mark.parametrize(("sent", "called"), [(True, "close"), (False, "abort")])
def test_what_was_sent_still_arrives_when_the_connection_is_closed(*, sent: bool, called: str) -> None:
    calls: list[str] = []
    transport = SimpleNamespace(close=lambda: calls.append("close"), abort=lambda: calls.append("abort"))

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    asyncio.run(close_connection(ConnectionDroppedError(sent=sent), {TRANSPORT: transport}, gone))
    assert calls == [called]
    with pytest.raises(ConnectionDroppedError):
        asyncio.run(close_connection(ConnectionDroppedError(sent=sent), {}, gone))


@LOOPS
def test_requests_that_follow_a_dropped_one_leave_no_task_and_no_traceback(
    caplog: pytest.LogCaptureFixture, loop: Loop
) -> None:
    async def scene(port: int) -> None:
        for _ in range(5):
            requests = HEAD % b"prefer: mock=drop\r\n" + HEAD % b"" * 3
            with suppress(ConnectionResetError):
                assert await send(port, requests) == b""

    over_a_socket(scene, loop)  # fails when a task is left
    assert caplog.records == []


@LOOPS
@pytest.mark.parametrize("count", [1, 3])
def test_a_client_that_has_closed_its_sending_side_is_answered(loop: Loop, count: int) -> None:
    async def scene(port: int) -> None:
        requests = (HEAD % b"prefer: mock=latency=50ms\r\n") * count
        answers = await asyncio.gather(*(send(port, requests, end=True) for _ in range(10)))
        assert [answer.count(b"HTTP/1.1 200 OK") for answer in answers] == [count] * 10

    over_a_socket(scene, loop)


@LOOPS
def test_a_client_that_closes_in_the_middle_of_its_request_is_not_waited_for(loop: Loop) -> None:
    async def scene(port: int) -> None:
        head = HEAD.replace(b"GET /v1/credits", b"POST /v1/videos/generations")
        request = head % b"content-type: application/json\r\ncontent-length: 9\r\n" + b"abc"
        assert await send(port, request, end=True) == b""

    over_a_socket(scene, loop)
