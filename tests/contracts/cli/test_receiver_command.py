"""`evolink-check receiver` as a process, with receivers on real sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import uvicorn
from click.testing import CliRunner
from evolink_check.cli.app import app
from support.mocks.mock_process import BIN, free_port, served
from support.paths import ROOT
from support.receivers.app import SECRET
from support.receivers.faulty import BooksTwice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.applications import Starlette

CHECK = [str(BIN / "evolink-check"), "receiver"]
FLASK = [sys.executable, str(ROOT / "tests/support/receivers/flask_app.py")]
TIMEOUT = 100


def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHECK, *words],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, **more},
    )


def refused(*words: str) -> str:
    done = CliRunner().invoke(app, ["receiver", *words])
    assert done.exit_code == 2
    return done.output


def test_a_flask_application_that_is_started_passes_everything(tmp_path: Path) -> None:
    report, junit, html = (tmp_path / name for name in ("r.json", "r.xml", "r.html"))
    files = ("--json", str(report), "--junit", str(junit), "--html", str(html))
    url = "http://127.0.0.1:{port}/hook"
    done = run("--secret", SECRET, "--url", url, "--burst", "30", "--seed", "5", *files, "--", *FLASK)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    found = json.loads(report.read_text())
    assert (found["subject"], found["exit_status"], found["seed"], found["notes"]) == ("receiver", 0, 5, [])
    assert {clause["status"] for clause in found["clauses"] if clause["id"] != "receiver.asks-back"} == {
        "passed"
    }
    assert {run["id"] for run in found["scenarios"]} >= {"chunked", "burst", "secret-missing", "api-down"}
    assert int(ET.parse(junit).getroot().attrib["tests"]) > 100
    assert "evolink-check receiver" in html.read_text()
    for text in (done.stdout, *(path.read_text() for path in (report, junit, html))):
        assert SECRET not in text


@contextmanager
def serving(application: Starlette) -> Iterator[int]:
    """The port on which an application is served in a thread."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()


def test_a_running_receiver_is_called_at_its_url_and_asks_the_mock_of_the_user(tmp_path: Path) -> None:
    with served("--token", "key-of-the-shop") as mock:
        receiver = BooksTwice(mock, "key-of-the-shop")
        with serving(receiver.app) as port:
            url = f"http://127.0.0.1:{port}/hook?secret={SECRET}"
            words = ("--url", url, "--mock", mock, "--scenario", "twice", "--scenario", "completed")
            ledger = tmp_path / "booked.json"
            before = run(
                *words, "--ledger", str(ledger), "--patience", "1", EVOLINK_API_KEY="key-of-the-shop"
            )
    assert before.returncode == 1
    assert "receiver.takes-effect" in before.stdout
    assert "the ledger names none of the tasks: is it the right one?" in before.stdout


def test_ctrl_c_ends_the_receiver_and_reports_what_was_seen() -> None:
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    main = f"{code}sys.argv[0] = 'evolink-check'; from evolink_check.cli.app import main; main()"
    words = ("--secret", SECRET, "--url", "http://127.0.0.1:{port}/hook", "-v", "--burst", "2", "--", *FLASK)
    with subprocess.Popen(
        [sys.executable, "-c", main, "receiver", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("slow-body" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130, errors
    assert "stopping; a report on the results so far follows" in errors
    assert "cut short:" in output
    assert "receiver." not in output.partition("not observed")[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "no receiver: write the command that starts it after --"),
        (("http://127.0.0.1:1/hook",), "is a URL, not a command: pass it with --url"),
        (("--url", "http://127.0.0.1:1/hook"), "start `evolink-mock serve`"),
        (("--url", "http://127.0.0.1:1/hook", "--trust-secret"), "has no secret to rely on"),
        (("--url", "ftp://x/hook", "--", "true"), "invalid callback URL"),
        (("--scenario", "twise", "--", "true"), "there is no scenario 'twise' (did you mean twice?)"),
        (("--scenario", "secret-*", "--", "true"), "need a callback URL with a --secret"),
        (("--booked", "(", "--", "true"), "--booked: "),
        (("--ca", "none.pem", "--", "true"), "--ca: there is no file none.pem"),
        (("--scenario", "before-create", "--", "true"), "or --register"),
        (("--warn", "receiver.secre", "--", "true"), "receiver.secret"),
        (("--ledger", "-", "--url", "http://127.0.0.1:1/", "--mock", "http://x"), "--ledger - is the output"),
    ],
)
def test_a_mistake_in_the_options_is_explained_before_anything_starts(
    words: tuple[str, ...], expected: str
) -> None:
    assert expected in refused(*words)


def test_a_receiver_that_does_not_start_is_told_with_its_output() -> None:
    output = refused("--", sys.executable, "-c", "import sys; sys.exit('no database')")
    assert "the program ended with status 1 and printed" in output
    assert "no database" in output


def test_a_receiver_that_is_not_there_is_told() -> None:
    words = ("--url", f"http://127.0.0.1:{free_port()}/hook?secret=s3cret-1234", "--trust-secret")
    assert "start the receiver, or write its command after --" in refused(*words)
