"""Log lines are written in a thread: a reader that is slow, blocked or gone stops nothing."""

from __future__ import annotations

import io
import json
import logging
import os
import select
import threading
from typing import TYPE_CHECKING

import pytest
from evolink_mock.server.log_writer import LogWriter, logging_to_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pipe() -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """Both ends of a pipe; its capacity is 64 KiB."""
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as output, os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield output, stream


def test_lines_are_written_in_their_order_and_all_before_it_ends() -> None:
    stream = io.StringIO()
    with LogWriter(stream) as writer:
        for number in range(1000):
            writer.write(f"{number}\n")
    assert stream.getvalue() == "".join(f"{number}\n" for number in range(1000))


def test_a_blocked_reader_costs_lines_and_learns_how_many(
    pipe: tuple[io.TextIOWrapper, io.TextIOWrapper],
) -> None:
    output, stream = pipe
    os.set_blocking(stream.fileno(), False)
    filled = 0
    try:
        while True:
            filled += os.write(stream.fileno(), b"x" * 4095 + b"\n")
    except BlockingIOError:
        os.set_blocking(stream.fileno(), True)
    with LogWriter(stream, limit=100) as writer:
        for number in range(10_000):
            writer.write(f"{number}\n")  # never waits
        lines = [output.readline() for _ in range(filled // 4096)]
        assert set(lines) == {"x" * 4095 + "\n"}
        kept = [output.readline()]
        while "dropped" not in kept[-1]:
            kept.append(output.readline())
    assert kept[0] == "0\n"
    assert kept[-1] == f"{10_000 - len(kept) + 1} log lines were dropped because they were not read in time\n"


def test_a_reader_that_never_reads_does_not_hold_up_the_end(
    pipe: tuple[io.TextIOWrapper, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evolink_mock.server.log_writer._CLOSE_SECONDS", 0.05)
    output, stream = pipe
    with LogWriter(stream) as writer:
        for _ in range(5000):
            writer.write("x" * 99 + "\n")
    assert any(thread.name == "evolink-mock log" for thread in threading.enumerate()), "it was blocked"
    assert len(output.read(500_000)) == 500_000  # and let go


@pytest.mark.parametrize("blocking", [True, False])
def test_more_than_a_pipe_holds_arrives_whole(
    pipe: tuple[io.TextIOWrapper, io.TextIOWrapper], *, blocking: bool
) -> None:
    output, stream = pipe
    os.set_blocking(stream.fileno(), blocking)  # as another process that shares a terminal may have it
    with LogWriter(stream) as writer:
        for _ in range(3000):
            writer.write("x" * 99 + "\n")
        assert output.read(300_000) == ("x" * 99 + "\n") * 3000


class Broken(io.StringIO):
    """A stream that raises whenever it is written to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), OSError(5, "Input/output error"), ValueError("I/O operation on closed file")]
)
def test_a_closed_pipe_is_no_reason_to_stop(error: Exception) -> None:
    with LogWriter(Broken(error)) as writer:
        writer.write("1\n")


@pytest.mark.parametrize(
    ("encoding", "path"), [("ascii", r"/vid\xe9o"), ("latin-1", "/vidéo"), ("utf-8", "/vidéo")]
)
def test_a_letter_that_the_stream_cannot_write_costs_no_line(encoding: str, path: str) -> None:
    raw = io.BytesIO()
    with LogWriter(io.TextIOWrapper(raw, encoding=encoding, newline="")) as writer:
        for text in ("/1", "/vidéo", "/3"):
            writer.write(f"{text}\n")
    assert raw.getvalue().decode(encoding).splitlines() == ["/1", path, "/3"]


def test_what_is_logged_goes_to_stderr_and_only_meanwhile(capfd: pytest.CaptureFixture[str]) -> None:
    handlers = list(logging.root.handlers)
    with logging_to_stderr(quiet=True):
        logging.getLogger("evolink_mock.some").info("not when quiet")
        logging.getLogger("evolink_mock.some").warning("a warning of ours")
        logging.getLogger("uvicorn.error").warning("a warning of a library")
    assert logging.root.handlers == handlers
    lines = capfd.readouterr().err.splitlines()
    assert [line[10:] for line in lines] == ["a warning of ours", "a warning of a library"]


def test_lines_are_written_in_pieces_that_no_other_writer_divides(
    pipe: tuple[io.TextIOWrapper, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch
) -> None:
    output, stream = pipe
    pieces: list[bytes] = []
    write = os.write

    def recorded(handle: int, data: bytes) -> int:
        pieces.append(data)
        return write(handle, data)

    monkeypatch.setattr(os, "write", recorded)
    with LogWriter(stream) as writer:
        for number in range(300):
            writer.write(f"{number} {'x' * (number % 97)}\n")
        writer.write("y" * 6000 + "\n")
    stream.close()
    assert len(output.read().splitlines()) == 301
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert [len(piece) for piece in pieces if len(piece) > select.PIPE_BUF] == [6001]


def test_a_file_gets_all_waiting_lines_in_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[int] = []
    write = os.write

    def recorded(handle: int, data: bytes) -> int:
        pieces.append(len(data))
        return write(handle, data)

    monkeypatch.setattr(os, "write", recorded)
    with (tmp_path / "log").open("w") as stream:
        writer = LogWriter(stream)
        for _ in range(1000):  # before the thread starts
            writer.write("x" * 99 + "\n")
        with writer:
            pass
    assert pieces == [100_000]
    assert (tmp_path / "log").read_text() == ("x" * 99 + "\n") * 1000


def test_a_record_of_the_log_may_be_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_stderr(quiet=True, as_json=True):
        try:
            int("a\nproblem")
        except ValueError:
            logging.getLogger("evolink_mock").exception("it failed: %s", "badly")
    (line,) = capsys.readouterr().err.splitlines()
    fields = json.loads(line)
    assert (fields["level"], fields["logger"], fields["message"]) == (
        "error",
        "evolink_mock",
        "it failed: badly",
    )
    assert "ValueError: invalid literal" in fields["traceback"]


@pytest.mark.parametrize("as_json", [True, False])
def test_the_number_of_dropped_lines_is_an_object_only_in_a_log_of_json(*, as_json: bool) -> None:
    stream = io.StringIO()
    writer = LogWriter(stream, limit=1, as_json=as_json)
    for _ in range(3):  # before the thread starts
        writer.write("first\n")
    with writer:
        pass
    _, dropped = stream.getvalue().splitlines()
    message = json.loads(dropped)["message"] if as_json else dropped
    assert message == "2 log lines were dropped because they were not read in time"
