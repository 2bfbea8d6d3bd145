"""The command in a process of its own: signals, sockets, and terminals that cannot show everything."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from evolink_check.cli.app import app, main
from evolink_mock import MockServer
from support.paths import ROOT
from support.records.trace_builders import BODY, CREATE, Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

URL = "http://127.0.0.1:9"
KEY = "a-key-of-some-length"


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `evolink-check`; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "EVOLINK_API_KEY": KEY, "NO_COLOR": "1"}

    def start(
        *arguments: str, code: str = "from evolink_check.cli.app import main; main()"
    ) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", f"import sys; sys.argv[0] = 'evolink-check'; {code}", *arguments]
        pipe = subprocess.PIPE
        child = subprocess.Popen(words, cwd=tmp_path, env=variables, stdout=pipe, stderr=pipe, text=True)
        started.append(child)
        return child

    yield start
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate()


def test_a_proxy_records_until_it_is_stopped_and_what_it_recorded_is_judged_alike(
    process: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with MockServer(duration="50ms") as mock:
        proxy = process(
            "proxy", "--upstream", mock.base_url, "--port", "0", "--har", "t.har", "--json", "t.json"
        )
        assert proxy.stderr is not None
        ready = proxy.stderr.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", ready)
        assert url, ready
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx2.Client(base_url=url[0], headers=headers, trust_env=False) as client:
            id_ = client.post(CREATE, json=BODY).json()["id"]
            while client.get(f"/v1/tasks/{id_}").json()["status"] != "completed":
                pass
        proxy.send_signal(signal.SIGINT)
        out, err = proxy.communicate(timeout=30)
    assert proxy.returncode == 0, err
    assert "stopping" in err
    assert out
    recorded = (tmp_path / "t.har").read_text()
    assert KEY not in recorded
    assert id_ in recorded
    live = json.loads((tmp_path / "t.json").read_text())
    again = process("recording", "t.har", "--json", "-")
    out, err = again.communicate(timeout=30)
    assert again.returncode == 0, err
    assert _words(json.loads(out)) == _words(live)


def _words(report: Any) -> dict[str, str]:
    return {verdict["clause"]: verdict["status"] for verdict in report["verdicts"]}


STAND_IN = """
import evolink_check.engine.runner, evolink_check.cli.app, threading
from evolink_check.analysis.trace_view import TraceView
from evolink_check.reports.evidence import Evidence
from evolink_check.reports.model import Report
from evolink_check.traffic.trace import Trace
from evolink_spec import load
def execute(plan, *, stop, progress):
    progress(evolink_check.engine.runner.Progress("waiting", 0, 0, 0, 0.0))
    stop.wait()
    {after}
    return Report("api", plan.subject.url, Evidence(TraceView(Trace(()), load())), (), (), 0.0, 1.0)
evolink_check.engine.runner.execute = execute
evolink_check.cli.app.main()
"""


def _waiting(process: Callable[..., subprocess.Popen[str]], after: str) -> subprocess.Popen[str]:
    child = process("api", URL, code=f"exec({STAND_IN.format(after=after)!r})")
    assert child.stderr is not None
    while "waiting" not in (line := child.stderr.readline()):
        assert line
    return child


def test_ctrl_c_stops_a_run_which_then_reports(process: Callable[..., subprocess.Popen[str]]) -> None:
    child = _waiting(process, "pass")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, "again to stop at once" in err) == (130, True)
    assert URL in out


def test_ctrl_c_before_the_first_answer_says_once_that_it_was_stopped(
    process: Callable[..., subprocess.Popen[str]],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        child = process("api", f"http://127.0.0.1:{silent.getsockname()[1]}", "--any-key")
        connection, _ = silent.accept()
        with connection:  # which is never answered
            child.send_signal(signal.SIGINT)
            assert child.stderr is not None
            while "again to stop at once" not in (line := child.stderr.readline()):
                assert line
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert err.count("stopped before the server answered") == 1
    assert "cannot be reached" not in err
    assert out == ""


def test_ctrl_c_twice_ends_it_at_once(process: Callable[..., subprocess.Popen[str]]) -> None:
    child = _waiting(process, "threading.Event().wait()")
    child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    while "again to stop at once" not in (line := child.stderr.readline()):
        assert line
    child.send_signal(signal.SIGINT)
    assert child.wait(10) == 130
    assert threading.active_count() >= 1


def test_the_module_is_the_command(process: Callable[..., subprocess.Popen[str]]) -> None:
    child = process("schema", code="import runpy; runpy.run_module('evolink_check', run_name='__main__')")
    out, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, "")
    assert json.loads(out)


def test_a_terminal_that_cannot_show_a_character_gets_the_rest(
    process: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    from evolink_check.traffic.har.archive import to_har

    made = Tracing()
    made.create()
    (tmp_path / "good.har").write_text(json.dumps(to_har(made.trace(), "1")))
    start = "import io; sys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'ascii'); "
    code = f"{start}from evolink_check.cli.app import main; main()"
    out, err = process("recording", "good.har", "--verbose", code=code).communicate(timeout=30)
    assert (out.count("wire.compact"), "\\u2026" in out, err) == (1, True, "")
    assert "0 failed" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_that_cannot_report_with_the_status_of_the_signal(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app.commands["clauses"], "callback", lambda **_: signal.raise_signal(number))
    monkeypatch.setattr("sys.argv", ["evolink-check", "clauses"])
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 128 + number
    assert capsys.readouterr().err == "\nstopped\n"
    assert signal.getsignal(number) is before
