"""Callbacks over a real socket on loopback, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from support.mocks.in_process import BODY, Mock, Receiver, playing, shaped

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = ("127.0.0.1",)
TROUBLE = b"500 Internal Server Error"


@pytest.fixture
def calling(start: Callable[..., Mock]) -> Mock:
    """A mock that may call receivers on loopback."""
    return start(allow_callbacks_to=LOOPBACK)


async def create(mock: Mock, url: str, **headers: str) -> dict[str, Any]:
    answer = await mock.asks(
        "POST", "/v1/videos/generations", json=BODY | {"callback_url": url}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()
    return task


@pytest.mark.parametrize(
    ("recipe", "status"), [("", "completed"), ("mock=fail=generation_timeout", "failed")]
)
def test_the_body_is_what_a_query_answers_to_the_byte(calling: Mock, recipe: str, status: str) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            task = await create(calling, receiver.url("/hook?secret=a%2Fb&x=1+2&&y"), prefer=recipe)
            calling.clock.advance(5)
            (got,) = await receiver.until(1)
            answer = await calling.asks("GET", f"/v1/tasks/{task['id']}")
            assert got.body == answer.content
            assert answer.json()["status"] == status
            assert got.line == "POST /hook?secret=a%2Fb&x=1+2&&y HTTP/1.1"
            assert (got.headers["content-type"], got.headers["host"]) == ("application/json", receiver.host)
            assert "authorization" not in got.headers

    calling.run(scene())


def test_nobody_is_called_before_the_end_and_everybody_at_it(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            await create(calling, receiver.url("/first"))
            calling.clock.advance(1)
            await create(calling, receiver.url("/second"))
            await calling.asks("POST", "/v1/videos/generations", json=BODY)  # who did not ask is not called
            calling.clock.advance(3.999)
            await calling.asks("GET", "/v1/credits")
            assert receiver.received == []
            calling.clock.advance(0.001)
            await calling.callbacks.until(1)
            calling.clock.advance(10)
            lines = await calling.callbacks.until(2)
            assert [one.line.split()[1] for one in receiver.received] == ["/first", "/second"]
            assert len(lines) == 2

    calling.run(scene())


def attempts(calling: Mock, answers: list[bytes]) -> list[float]:
    """When a receiver that gives these answers in turn was called, in seconds after the end of the task."""
    seen: list[float] = []

    async def scene() -> None:
        async with Receiver(answers) as receiver:
            task = await create(calling, receiver.url())
            calling.clock.advance(5)
            ended = calling.clock.now()
            for count in range(1, 5):
                lines = await calling.callbacks.until(count)
                seen.append(calling.clock.now() - ended)
                assert len(receiver.received) == len(lines) == count
                if ", again in " not in lines[-1]:
                    break
                wait = float(lines[-1].rpartition("again in ")[2].removesuffix(" s"))
                calling.clock.advance(wait - 0.001)
                await calling.asks("GET", f"/v1/tasks/{task['id']}")
                assert len(receiver.received) == count, "not before its time"
                calling.clock.advance(0.001)
            calling.clock.advance(3600)
            await calling.asks("GET", f"/v1/tasks/{task['id']}")
            assert len(receiver.received) == len(seen), "and never again"
            assert len({one.body for one in receiver.received}) == 1

    calling.run(scene())
    return [round(instant, 3) for instant in seen]


@pytest.mark.parametrize(
    ("answers", "instants"),
    [
        ([b"200 OK"], [0]),
        ([b"204 No Content"], [0]),
        ([b"299 Odd"], [0]),
        ([TROUBLE], [0, 1]),
        ([TROUBLE, b"404 Not Found"], [0, 1, 3]),
        ([b"400 Bad", TROUBLE, b"429 Slow"], [0, 1, 3, 7]),
        ([TROUBLE] * 9, [0, 1, 3, 7]),
        ([b"304 Not Modified", b"202 Accepted", TROUBLE], [0, 1]),
    ],
)
def test_a_failure_is_retried_after_1_2_and_4_seconds_until_a_2xx(
    calling: Mock, answers: list[bytes], instants: list[float]
) -> None:
    assert attempts(calling, list(answers)) == instants


def test_a_redirect_is_a_failure_and_is_not_followed(calling: Mock) -> None:
    async def scene() -> None:
        async with (
            Receiver() as other,
            Receiver([b"302 Found\r\nLocation: " + other.url().encode()]) as receiver,
        ):
            await create(calling, receiver.url())
            calling.clock.advance(5)
            (line,) = await calling.callbacks.until(1)
            assert line.endswith(": 302, again in 1 s")
            calling.clock.advance(1)
            await receiver.until(2)
            assert other.received == []

    calling.run(scene())


def test_a_receiver_that_is_not_there_is_retried_too(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as gone:
            url = gone.url("/hook?secret=hush")
        task = await create(calling, url)
        calling.clock.advance(5)
        (line,) = await calling.callbacks.until(1)
        assert line.startswith(f"callback 1 of {task['id']} to http://{gone.host}: ")
        assert line.endswith(", again in 1 s")

    calling.run(scene())


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://127.0.0.1:9/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://2130706433/",
            "https://[::1]/",
        ),
        *(
            "https://0x7f.1/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "http://example.com/",
        ),
        *("https://192.168.1.1/", "https://169.254.169.254/latest", "https://user:pass@example.com/"),
    ],
)
def test_an_internal_or_plain_http_url_is_refused_by_default(mock: Mock, url: str) -> None:
    answer = mock.post(BODY | {"callback_url": url})
    assert answer.status_code == 400
    error = shaped(answer)
    assert (error["code"], error["param"]) == ("invalid_request", "callback_url")


def test_the_log_of_a_refused_url_says_how_to_allow_it_and_the_answer_does_not(mock: Mock) -> None:
    answer = mock.post(BODY | {"callback_url": "http://127.0.0.1:9000/hook?secret=hush"})
    assert "--allow-callbacks-to" not in answer.text
    assert "--allow-callbacks-to 127.0.0.1:9000" in mock.noted[-1].notes[-1]
    assert "hush" not in answer.text + mock.logged()


@pytest.mark.parametrize(
    ("allowed", "status"), [("127.0.0.1:9000", 200), ("127.0.0.1:9001", 400), ("localhost", 400)]
)
def test_only_the_host_and_port_that_were_allowed_are(
    start: Callable[..., Mock], allowed: str, status: int
) -> None:
    mock = start(allow_callbacks_to=(allowed,))
    assert mock.post(BODY | {"callback_url": "http://127.0.0.1:9000/"}).status_code == status


@pytest.mark.parametrize(("length", "status"), [(2048, 200), (2049, 400)])
def test_a_url_may_have_2048_characters(mock: Mock, length: int, status: int) -> None:
    url = "https://203.0.114.7/"
    assert mock.post(BODY | {"callback_url": url + "x" * (length - len(url))}).status_code == status


def test_a_receiver_that_is_slow_delays_no_answer(calling: Mock) -> None:
    async def scene() -> None:
        held = asyncio.Event()
        arrived = asyncio.Event()

        async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            arrived.set()
            await held.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            task = await create(calling, f"http://127.0.0.1:{port}/")
            calling.clock.advance(5)
            async with asyncio.timeout(10):
                await arrived.wait()
            for _ in range(3):
                assert (await calling.asks("GET", f"/v1/tasks/{task['id']}")).json()["progress"] == 100
            assert calling.callbacks.lines == []
            held.set()
            await calling.callbacks.until(1)

    calling.run(scene())


def test_the_credits_of_a_failed_task_have_returned_when_its_callback_arrives(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            before = (await calling.asks("GET", "/v1/credits")).json()
            await create(calling, receiver.url(), prefer="mock=fail=service_error")
            calling.clock.advance(5)
            (got,) = await receiver.until(1)
            assert json.loads(got.body)["error"]["code"] == "service_error"
            assert (await calling.asks("GET", "/v1/credits")).json() == before

    calling.run(scene())


def test_at_shutdown_the_log_says_in_one_line_how_many_were_never_delivered_and_to_whom(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.INFO, "evolink_mock.callbacks"),
        playing(allow_callbacks_to=LOOPBACK) as mock,
    ):
        for port in (9, 9, 9, 10):
            mock.create(callback_url=f"http://127.0.0.1:{port}/hook?secret=hush")
    told = "4 callbacks were never delivered: 3 to http://127.0.0.1:9, 1 to http://127.0.0.1:10"
    assert caplog.messages == [told]


def test_at_shutdown_what_is_due_is_attempted(calling: Mock) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            await create(calling, receiver.url())
            calling.clock.advance(5)  # and no time for the loop to see it
            await calling.stop()
            assert [json.loads(one.body)["status"] for one in receiver.received] == ["completed"]

    calling.run(scene())
