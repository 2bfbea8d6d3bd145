"""One line for each exchange, which nobody can forge and no secret enters."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest
from evolink_mock.domain.exchange import Exchange
from evolink_mock.http import access_log
from evolink_mock.http.access_log import AccessLog, format_line
from evolink_mock.http.middleware import ExchangeMiddleware
from evolink_mock.http.route_table import RouteTable
from hypothesis import given
from hypothesis import strategies as st

ANYTHING = st.text(st.characters() | st.sampled_from("\n\r\t\x00\x1b\x7f\x85\u2028\u202e"), max_size=20)


def an_exchange(**changes: Any) -> Exchange:
    values: dict[str, Any] = {"method": "GET", "path": "/v1/credits", "began": 10.0, "status": 200}
    return Exchange(**values | changes)


def line_of(colour: bool = False, **changes: Any) -> str:  # noqa: FBT001, FBT002
    return format_line(an_exchange(**changes), 10.0015, "12:34:56", colour=colour)


def test_a_line_says_when_how_what_and_how_long() -> None:
    assert line_of() == "12:34:56  200  GET /v1/credits  1.5 ms\n"


def test_a_line_says_which_task_whose_and_why() -> None:
    assert line_of(method="POST", path="/v1/x", task_id="task-1", account="ab12cd", notes=("one", "two")) == (
        "12:34:56  200  POST /v1/x  task-1  account ab12cd  1.5 ms  (one; two)\n"
    )


def test_a_task_that_stands_in_the_path_is_not_said_twice() -> None:
    assert line_of(path="/v1/tasks/task-1", task_id="task-1").count("task-1") == 1


def test_what_was_never_answered_has_no_status() -> None:
    assert line_of(status=0).startswith("12:34:56  ---  ")


@pytest.mark.parametrize(
    ("status", "code"), [(200, "32"), (304, "36"), (404, "33"), (500, "31"), (0, "35"), (100, "0")]
)
def test_colours_are_for_the_status_alone(status: int, code: str) -> None:
    coloured = line_of(colour=True, status=status)
    assert coloured.replace(f"\033[{code}m", "").replace("\033[0m", "") == line_of(status=status)
    assert "\033" not in line_of(status=status)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_no_path_or_reason_can_forge_a_line_or_drive_a_terminal(path: str, first: str, second: str) -> None:
    written = line_of(path=path, notes=(first, second))
    assert written[:-1].isprintable()
    assert written.endswith("\n")


def test_a_long_path_or_reason_is_cut() -> None:
    assert len(line_of(path="/" + "x" * 10_000, notes=("y" * 10_000, "\n" * 10_000))) < 1000


def test_printable_letters_of_any_script_stay_readable() -> None:
    assert "/vidéo/動画" in line_of(path="/vidéo/動画")


async def _request(**scope: Any) -> Exchange:
    """The exchange of a request that is not answered."""
    noted: list[Exchange] = []

    async def nothing(*_: Any) -> None:
        return

    middleware = ExchangeMiddleware(nothing, RouteTable([]), noted.append)
    await middleware({"type": "http", "method": "GET", "path": "/v1/credits"} | scope, nothing, nothing)  # type: ignore[arg-type]
    return noted[0]


def test_neither_the_token_nor_the_query_string_enters_the_log() -> None:
    headers = [(b"authorization", b"Bearer s3cr3t")]
    exchange = asyncio.run(_request(query_string=b"key=s3cr3t", headers=headers))
    assert "s3cr3t" not in format_line(exchange, 11.0, "12:34:56")


def test_each_exchange_is_written_when_it_ends() -> None:
    written: list[str] = []
    log = AccessLog(written.append, colour=False)
    for number in range(3):
        log(an_exchange(path=f"/{number}"))
        assert [text.split()[3] for text in written] == [f"/{index}" for index in range(number + 1)]


def test_the_time_of_day_is_read_again_when_it_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    times = iter(["12:00:00", "12:00:01"])
    monkeypatch.setattr(access_log, "local_time", lambda: next(times))
    log = AccessLog(written.append, colour=False)
    for ended in (5.0, 5.09, 5.2):
        log(an_exchange(began=ended - 1, seconds=1.0))
    assert [text.split()[0] for text in written] == ["12:00:00", "12:00:00", "12:00:01"]


@pytest.mark.parametrize(
    ("path", "notes", "hidden"),
    [
        ("/v1/tasks/sk-17", (), "sk-17"),
        ("/v1/tasks/sk-17", ("there is no /v1/tasks/sk-17",), "sk-17"),
        ("/v1/videos/generations", ("callback_url: https://h.example/T0KEN/x is an internal name",), "T0KEN"),
    ],
)
def test_neither_a_key_in_a_path_nor_the_path_of_a_callback_url_is_logged(
    path: str, notes: tuple[str, ...], hidden: str
) -> None:
    headers = [(b"authorization", b"Bearer sk-17")]
    exchange = an_exchange(path=path, notes=notes, status=404, request_headers=headers)
    line = format_line(exchange, exchange.began, "")
    assert hidden not in line
    assert ("h.example" in line) is ("h.example" in str(notes))


def test_a_line_of_json_has_the_fields_of_a_request_and_no_secret() -> None:
    written: list[str] = []
    log = AccessLog(written.append, colour=False, as_json=True)
    log(
        an_exchange(
            path="/v1/tasks/\n", status=0, notes=("reset",), account="f19d71", task_id="task-1", seconds=0.25
        )
    )
    (line,) = written
    assert line.count("\n") == 1
    fields = json.loads(line)
    assert datetime.fromisoformat(fields.pop("time")).tzinfo is not None
    assert fields == {
        "level": "info",
        "logger": "evolink_mock.access",
        "event": "request",
        "status": None,
        "method": "GET",
        "path": "/v1/tasks/\n",
        "account": "f19d71",
        "task": "task-1",
        "milliseconds": 250.0,
        "reasons": ["reset"],
    }
    log(an_exchange(path="/s3cr3t", status=404, request_headers=[(b"authorization", b"Bearer s3cr3t")]))
    assert "s3cr3t" not in written[1]


def fields_of(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(access_log.format_json(an_exchange(**changes), 0.0))
    return fields


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (b'{"error": {"code": "unauthorized", "message": "Invalid token"}}', ["Invalid token"]),
        (b"<h1>Bad Gateway</h1>", []),
    ],
)
def test_the_reason_of_an_error_without_notes_is_the_message_of_its_response(
    body: bytes, reasons: list[str]
) -> None:
    assert fields_of(status=401, answer_body=body)["reasons"] == reasons
    assert fields_of(status=401, answer_body=body, notes=("a hint",))["reasons"] == ["a hint"]


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        (b"0b1c2d3e-4f50-4a61-8b72-9c83ad94be05", "0b1c2d3e-4f50-4a61-8b72-9c83ad94be05"),
        (b"\x1b[2J", "\\x1b[2J"),
        (b"x" * 1000, "x" * 300),
        (b"s3cr3t", "[removed]"),
    ],
)
def test_the_id_of_a_request_is_logged_printable_bounded_and_without_credentials(
    sent: bytes, logged: str
) -> None:
    headers = [(b"X-Request-ID", sent), (b"authorization", b"Bearer s3cr3t")]
    assert fields_of(request_headers=headers)["request_id"] == logged
    assert "request_id" not in fields_of(request_headers=headers[1:])
