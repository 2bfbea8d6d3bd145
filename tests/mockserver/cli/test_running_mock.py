"""`tail` prints the requests to a running mock, `wait` returns once it is ready."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from click.testing import CliRunner
from evolink_mock.cli import app as cli
from evolink_mock.cli import running_mock
from evolink_mock.cli.options import TailOptions
from evolink_mock.server.thread import serve_in_thread
from evolink_mock.settings import Settings
from evolink_spec import load

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a-key-for-this-test"
EVENT: dict[str, Any] = {
    "account": "f19d71",
    "at": 0.0,
    "method": "POST",
    "path": "/v1/videos/generations",
    "status": 400,
    "task_id": None,
    "violations": ["model: missing"],
    "notes": [],
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve_in_thread(load(), Settings(port=0, ui_key=KEY)) as server:
        yield server.url


def test_a_line_has_the_status_the_request_the_account_and_the_reasons() -> None:
    line = running_mock.line_of(EVENT)
    assert line.endswith("POST /v1/videos/generations  account f19d71  (model: missing)")
    assert "400" in line
    assert "---" in running_mock.line_of(EVENT | {"status": 0})
    assert "  task-1  " in running_mock.line_of(EVENT | {"task_id": "task-1"})


def test_events_are_read_across_comments_and_lines() -> None:
    stream = io.BytesIO(
        b"retry: 1000\n\n: still here\n\nevent: exchange\nid: 1\ndata: {\ndata: }\n\nevent: missed\ndata: 3\n\n"
    )
    assert [*running_mock.parse(stream)] == [("exchange", {}), ("missed", 3)]


@pytest.mark.parametrize(("token", "key"), [("mine", ""), ("", KEY)])
def test_the_requests_to_a_running_mock_are_shown(url: str, token: str, key: str) -> None:
    followed = running_mock.events(TailOptions(url=url, token=token, key=key))
    received: list[Any] = []
    thread = threading.Thread(target=lambda: received.append(next(followed)))
    thread.start()
    with httpx2.Client(trust_env=False) as client:
        while thread.is_alive():  # whoever follows sees what comes after it has connected
            client.get(f"{url}/v1/credits", headers={"authorization": "Bearer mine"})
            thread.join(0.05)
    followed.close()
    name, event = received[0]
    assert (name, event["path"], event["status"]) == ("exchange", "/v1/credits", 200)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("", "--key is not the key of its console"),
        ("http://127.0.0.1:1", "no evolink-mock responds at http://127.0.0.1:1"),
        ("localhost:8080", "is not a URL"),
    ],
)
def test_a_mock_that_cannot_be_followed_is_one_line_and_status_1(
    url: str, address: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert running_mock.tail(TailOptions(url=address or url, key="another-key")) == 1
    assert problem in capsys.readouterr().err


def test_a_mock_that_is_ready_is_not_waited_for(url: str) -> None:
    assert CliRunner().invoke(cli.app, ["wait", url]).exit_code == 0


@pytest.mark.parametrize(
    ("words", "variable", "expected"),
    [
        ([], None, "http://127.0.0.1:8080"),
        ([], "http://127.0.0.1:1", "http://127.0.0.1:1"),
        (["--url", "http://127.0.0.1:2"], "http://127.0.0.1:1", "http://127.0.0.1:2"),
        (["http://127.0.0.1:3"], "http://127.0.0.1:1", "http://127.0.0.1:3"),
    ],
)
def test_the_mock_is_named_by_an_argument_an_option_or_the_variable_that_serve_prints(
    words: list[str], variable: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[str] = []

    def record(options: TailOptions) -> int:
        followed.append(options.mock_url)
        return 0

    monkeypatch.setattr(running_mock, "tail", record)
    result = CliRunner().invoke(cli.app, ["tail", *words], env={"EVOLINK_BASE_URL": variable})
    assert (result.exit_code, followed) == (0, [expected])


def test_an_argument_and_an_option_with_two_urls_are_refused() -> None:
    result = CliRunner().invoke(cli.app, ["wait", "http://127.0.0.1:2", "--url", "http://127.0.0.1:3"])
    assert result.exit_code == 2
    assert "URL and --url cannot be used together" in result.output


def test_a_mock_that_never_gets_ready_is_told_after_the_time_out(capsys: pytest.CaptureFixture[str]) -> None:
    elapsed = [0.0]
    status = running_mock.wait(
        "http://127.0.0.1:1",
        2.0,
        now=lambda: elapsed[0],
        sleep=lambda seconds: elapsed.append(elapsed.pop() + seconds),
    )
    assert status == 1
    assert "not ready after 2 s: no evolink-mock responds" in capsys.readouterr().err
