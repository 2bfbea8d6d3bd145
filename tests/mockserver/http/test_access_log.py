"""One line for each exchange, which anonymous can forge and no secret enters."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from evolink_mock.domain.exchange import Exchange
from evolink_mock.http import access_log
from evolink_mock.http.access_log import AccessLog, line
from evolink_mock.http.middleware import ExchangeMiddleware
from evolink_mock.http.route_table import RouteTable
from hypothesis import given
from hypothesis import strategies as st

ANYTHING = st.text(st.characters() | st.sampled_from("\n\r\t\x00\x1b\x7f\x85\u2028\u202e"), max_size=20)


def an_exchange(**changes: Any) -> Exchange:
    values: dict[str, Any] = {"method": "GET", "path": "/v1/credits", "began": 10.0, "status": 200}
    return Exchange(**values | changes)


def told(colour: bool = False, **changes: Any) -> str:  # noqa: FBT001, FBT002
    return line(an_exchange(**changes), 10.0015, "12:34:56", colour=colour)


def test_a_line_says_when_how_what_and_how_long() -> None:
    assert told() == "12:34:56  200  GET /v1/credits  1.5 ms\n"


def test_a_line_says_which_task_whose_and_why() -> None:
    assert told(method="POST", path="/v1/x", task_id="task-1", account="ab12cd", notes=("one", "two")) == (
        "12:34:56  200  POST /v1/x  task-1  account ab12cd  1.5 ms  (one; two)\n"
    )


def test_a_task_that_stands_in_the_path_is_not_said_twice() -> None:
    assert told(path="/v1/tasks/task-1", task_id="task-1").count("task-1") == 1


def test_what_was_never_answered_has_no_status() -> None:
    assert told(status=0).startswith("12:34:56  ---  ")


@pytest.mark.parametrize(
    ("status", "code"), [(200, "32"), (304, "36"), (404, "33"), (500, "31"), (0, "35"), (100, "0")]
)
def test_colours_are_for_the_status_alone(status: int, code: str) -> None:
    coloured = told(colour=True, status=status)
    assert coloured.replace(f"\033[{code}m", "").replace("\033[0m", "") == told(status=status)
    assert "\033" not in told(status=status)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_no_path_or_reason_can_forge_a_line_or_drive_a_terminal(path: str, one: str, other: str) -> None:
    written = told(path=path, notes=(one, other))
    assert written[:-1].isprintable()
    assert written.endswith("\n")


def test_a_long_path_or_reason_is_cut() -> None:
    assert len(told(path="/" + "x" * 10_000, notes=("y" * 10_000, "\n" * 10_000))) < 1000


def test_printable_letters_of_any_script_stay_readable() -> None:
    assert "/vidéo/動画" in told(path="/vidéo/動画")


async def _request(**scope: Any) -> Exchange:
    """What the front notes of a request that anonymous answers."""
    noted: list[Exchange] = []

    async def nothing(*_: Any) -> None:
        return

    front = ExchangeMiddleware(nothing, RouteTable([]), noted.append)
    await front({"type": "http", "method": "GET", "path": "/v1/credits"} | scope, nothing, nothing)  # type: ignore[arg-type]
    return noted[0]


def test_neither_the_token_nor_the_query_string_enters_the_log() -> None:
    headers = [(b"authorization", b"Bearer s3cr3t")]
    exchange = asyncio.run(_request(query_string=b"key=s3cr3t", headers=headers))
    assert "s3cr3t" not in line(exchange, 11.0, "12:34:56")


class Stream(io.StringIO):
    """A terminal that counts what is written at once, and tells when it was."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.news = asyncio.Event()

    def write(self, text: str) -> int:
        self.written.append(text)
        self.news.set()
        return len(text)


async def _log(count: int, stream: Stream) -> None:
    log = AccessLog(stream, colour=False)
    for number in range(count):
        log(an_exchange(path=f"/{number}"))
    assert stream.written == []
    async with asyncio.timeout(5):
        await stream.news.wait()


def test_exchanges_are_written_together_in_their_order_one_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "_FLUSH_SECONDS", 0)
    stream = Stream()
    asyncio.run(_log(50, stream))
    (text,) = stream.written
    assert [one.split()[3] for one in text.splitlines()] == [f"/{number}" for number in range(50)]


async def _log_and_flush(stream: Any, *paths: str) -> AccessLog:
    log = AccessLog(stream, colour=False)
    for path in paths:
        log(an_exchange(path=path))
    log.flush()
    return log


def test_what_is_left_is_written_when_the_server_stops_and_only_once() -> None:
    stream = io.StringIO()
    log = asyncio.run(_log_and_flush(stream, "/1", "/2"))
    log.flush()
    assert stream.getvalue().count("\n") == 2


class Gone(io.StringIO):
    """A stream that raises whenever it is written to, or flushed."""

    def __init__(self, error: Exception, *, late: bool) -> None:
        super().__init__()
        self.error, self.late = error, late

    def write(self, text: str) -> int:
        if self.late:
            return len(text)
        raise self.error

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(5, "Input/output error"), ValueError("I/O operation on closed file")]
)
def test_a_closed_pipe_is_no_reason_to_stop_serving(error: Exception, late: bool) -> None:  # noqa: FBT001
    log = asyncio.run(_log_and_flush(Gone(error, late=late), "/1"))
    log.flush()


@pytest.mark.parametrize(
    ("encoding", "path"), [("ascii", r"/vid\xe9o"), ("latin-1", "/vidéo"), ("utf-8", "/vidéo")]
)
def test_a_letter_that_the_stream_cannot_write_costs_no_line(encoding: str, path: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")
    asyncio.run(_log_and_flush(stream, "/1", "/vidéo", "/3"))
    assert [one.split()[3] for one in raw.getvalue().decode(encoding).splitlines()] == ["/1", path, "/3"]
