"""`evolink-mock run`: the life of the command, and that of its mock."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from evolink_mock.cli import run as running
from evolink_mock.cli.app import SERVE_OPTIONS, app
from evolink_mock.cli.run import run, run_child, with_assigned_ports
from evolink_mock.interception import namespace
from evolink_mock.settings import Settings
from evolink_spec import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PYTHON = sys.executable
SPEC = load()
posix = pytest.mark.skipif(os.name != "posix", reason="signals are of POSIX")


@pytest.fixture(autouse=True)
def _log() -> Iterator[None]:
    """A run lets the mock's log go to stderr; the next test has it as it was."""
    log = logging.getLogger("evolink_mock")
    handlers, level, propagate = list(log.handlers), log.level, log.propagate
    yield
    log.handlers[:], log.propagate = handlers, propagate
    log.setLevel(level)


def said(program: str, *arguments: str) -> list[str]:
    """A command: Python with this program."""
    return [PYTHON, "-c", program, *arguments]


def ends(command: Sequence[str]) -> int:
    return run_child(command, os.environ)


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_of_the_command_is_ours(code: int) -> None:
    assert ends(said(f"raise SystemExit({code})")) == code


@posix
def test_a_command_ended_by_a_signal_gives_what_a_shell_would() -> None:
    assert ends(said("import os; os.kill(os.getpid(), 9)")) == 128 + 9


def test_a_command_that_is_not_there_is_127(capsys: pytest.CaptureFixture[str]) -> None:
    assert ends(["no-such-command-here"]) == 127
    assert capsys.readouterr().err == "evolink-mock: no-such-command-here: there is no such command\n"


@posix
def test_a_command_that_cannot_be_run_is_126(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text").touch()
    assert ends([str(tmp_path / "text")]) == 126
    assert "Permission denied" in capsys.readouterr().err


# A program around `run_child`: what it starts writes to the same output, so that the order of events is seen.
AROUND = "import os, sys; from evolink_mock.cli.run import run_child; sys.exit(run_child(sys.argv[1:], os.environ))"
WAITS = (  # until one of the signals it is given comes, or its input ends
    "import os, signal, sys\n"
    "def heard(number, _): print(signal.Signals(number).name, flush=True); os._exit(3)\n"
    "for name in sys.argv[1:]: signal.signal(getattr(signal, name), heard)\n"
    "print('ready', flush=True); print('read', sys.stdin.readline().strip(), flush=True)"
)


@contextmanager
def around(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [PYTHON, "-c", AROUND, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # no terminal
    ) as process:
        deadline = threading.Timer(20, lambda: os.killpg(process.pid, signal.SIGKILL))
        deadline.start()  # a signal that is lost fails the test, it does not hang it
        try:
            yield process
        finally:
            deadline.cancel()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_to_us_is_passed_on_and_the_command_decides(name: str) -> None:
    with around(*said(WAITS, name)) as process:
        assert line(process) == "ready"
        process.send_signal(getattr(signal, name))
        assert line(process) == name
        process.communicate()
    assert process.returncode == 3


def test_what_we_are_given_to_read_is_for_the_command() -> None:
    with around(*said(WAITS)) as process:
        assert line(process) == "ready"
        output, _ = process.communicate("a line\n")
    assert (output, process.returncode) == ("read a line\n", 0)


@posix
def test_a_signal_that_is_ignored_stays_so() -> None:
    ignoring = "import signal, subprocess, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
    tells = "import signal; print(signal.getsignal(signal.SIGHUP).name)"
    program = f"{ignoring} raise SystemExit(subprocess.call([sys.executable, '-c', *sys.argv[1:]]))"
    done = subprocess.run(said(program, AROUND, *said(tells)), capture_output=True, text=True, check=True)
    assert done.stdout == "SIG_IGN\n"


# In a terminal of its own: `run_child` tells what it passes on, and the terminal's Ctrl-C is pressed.
IN_A_TERMINAL = """
import os, pty, subprocess, sys
pid, terminal = pty.fork()
if pid == 0:
    send = subprocess.Popen.send_signal
    subprocess.Popen.send_signal = lambda self, number: (print("passed on", number, flush=True), send(self, number))
    from evolink_mock.cli.run import run_child
    os._exit(run_child(sys.argv[1:], os.environ))
seen = b""
while b"ready\\r\\n" not in seen:
    seen += os.read(terminal, 1000)
os.write(terminal, b"\\x03")
try:
    while piece := os.read(terminal, 1000):
        seen += piece
except OSError:
    pass  # how a terminal says that anonymous is left
print(seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@posix
def test_a_key_of_the_terminal_reaches_the_command_once() -> None:
    done = subprocess.run(
        said(IN_A_TERMINAL, *said(WAITS, "SIGINT")), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["ready", "^CSIGINT", "3"]


def test_a_mock_for_a_command_takes_free_ports_whatever_is_configured() -> None:
    found = with_assigned_ports(Settings(port=8080, seed=4), private=False)
    assert (found.port, found.https_port, found.proxy_port, found.seed) == (0, 0, 0, 4)
    assert not found.offline


def test_a_mock_in_a_network_of_its_own_stands_where_a_url_without_port_leads() -> None:
    found = with_assigned_ports(Settings(), private=True)
    assert (found.port, found.https_port, found.offline) == (80, 443, True)


def test_the_mock_lives_as_long_as_the_command_and_its_requests_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asks = (
        "import os, urllib.request as u, urllib.error; base = os.environ['EVOLINK_BASE_URL'];"
        "key = {'Authorization': 'Bearer ' + os.environ['EVOLINK_API_KEY']};"
        "print(base); u.urlopen(u.Request(base + '/v1/credits', headers=key)).read()\n"
        "try: u.urlopen(base + '/v1/tasks/nonsense?key=secret')\n"
        "except urllib.error.HTTPError as error: raise SystemExit(error.code - 400)"
    )
    settings = with_assigned_ports(Settings(ca_dir=tmp_path / "ca"), private=False)
    assert run(SPEC, settings, said(asks)) == 1
    out, err = capfd.readouterr()
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(out.strip())
    assert err.splitlines()[:2] == [
        "evolink-mock: the command asked for",
        "      1 x  200  GET  /v1/credits",
    ]
    assert "      1 x  401  GET  /v1/tasks/nonsense" in err
    assert "secret" not in err


def test_with_a_log_of_json_every_line_is_an_object(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVOLINK_API_KEY", "my-own-key")
    settings = with_assigned_ports(Settings(ca_dir=tmp_path / "ca", log_format="json"), private=False)
    asks = "import os, urllib.request as u; u.urlopen(os.environ['EVOLINK_BASE_URL'] + '/__mock__/health')"
    assert run(SPEC, settings, said(asks), verbose=True) == 0
    events = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [event["event"] for event in events] == ["request", "summary", "key-replaced"]
    assert events[1]["requests"][0]["count"] == 1


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    assert run(load(), with_assigned_ports(Settings(ca_dir=tmp_path / "ca"), private=False), said("")) == 0
    assert list(temporary.iterdir()) == []
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_command_that_asked_for_nothing_is_noticed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(load(), with_assigned_ports(Settings(ca_dir=tmp_path / "ca"), private=False), said("print('hello')"))
    out, err = capfd.readouterr()
    assert out == "hello\n"
    assert "nothing: it may ignore proxy settings" in err
    assert "run --hosts" in err


def test_a_key_that_is_set_already_does_not_reach_the_command_and_that_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_assigned_ports(Settings(ca_dir=tmp_path / "ca"), private=False)
    command = said("import os; print(os.environ['EVOLINK_API_KEY'])")
    monkeypatch.setenv("EVOLINK_API_KEY", "a-key-of-mine")
    run(SPEC, settings, command)
    out, err = capfd.readouterr()
    assert out == "any-token\n"
    assert "got EVOLINK_API_KEY=any-token instead of your key" in err
    assert "a-key-of-mine" not in err
    monkeypatch.delenv("EVOLINK_API_KEY")
    run(SPEC, settings, command)
    out, err = capfd.readouterr()
    assert (out, "EVOLINK_API_KEY" in err) == ("any-token\n", False)


ASKS_FOR_CREDITS = (
    "import os, urllib.request as u, urllib.error\n"
    "key = {'Authorization': 'Bearer ' + os.environ.get('MY_KEY', os.environ['EVOLINK_API_KEY'])}\n"
    "try: u.urlopen(u.Request(os.environ['EVOLINK_BASE_URL'] + '/v1/credits', headers=key)).read()\n"
    "except urllib.error.HTTPError as error: raise SystemExit(error.code - 400)"
)


def test_a_stderr_that_nobody_reads_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(65_536))
    os.set_blocking(writer, True)
    with open(writer, "w", encoding="utf-8") as stderr:  # noqa: PTH123  (a pipe)
        monkeypatch.setattr(sys, "stderr", stderr)
        assert run(load(), with_assigned_ports(Settings(), private=False), said("")) == 0
        os.close(reader)


@pytest.mark.parametrize(
    ("options", "key"),
    [(("--recipe", "503"), ""), (("--recipe", "503"), "hard-coded"), (("--token", "x~503"), "")],
)
def test_a_recipe_can_be_given_for_all_that_the_command_does(
    options: tuple[str, ...], key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVOLINK_API_KEY", raising=False)
    if key:
        monkeypatch.setenv("MY_KEY", key)
    assert invoke("run", "--ca-dir", "ca", *options, "--", *said(ASKS_FOR_CREDITS))[0] == 103


def test_where_no_temporary_folder_can_be_made_it_is_said_before_the_command_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(running, "TemporaryDirectory", refused)
    code, err = invoke("run", "--", *said(f"open({str(tmp_path / 'ran')!r}, 'w')"))
    assert (code, "set TMPDIR" in err, "Traceback" in err) == (2, True, False)
    assert not (tmp_path / "ran").exists()


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stderr


def test_a_command_that_never_ran_is_not_reported_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = with_assigned_ports(Settings(ca_dir=tmp_path / "ca"), private=False)
    assert run(SPEC, settings, ["no-such-command-here"]) == 127
    assert "asked for" not in capfd.readouterr().err


def test_run_takes_every_option_of_serve_that_is_not_about_an_address() -> None:
    help_text = (
        CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}).stdout
    )
    address = {"host", "port", "port-file", "public-url", "trust-proxy", "https-port", "proxy-port"}
    for name in SERVE_OPTIONS:
        assert (f"--{name} " in help_text) == (name not in address | {"quiet", "workers", "snapshot"}), name


def test_what_follows_the_command_is_the_commands_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    program = "import sys; print(sys.argv[1:])"
    for dashes in ([], ["--"]):
        code, _ = invoke("run", "--ca-dir", "ca", *dashes, *said(program, "--duration", "--help", "--", "x"))
        assert (code, capfd.readouterr().out) == (0, "['--duration', '--help', '--', 'x']\n")


def test_what_a_configured_project_says_of_ports_is_for_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = f"[tool.evolink-mock]\nport = {taken.getsockname()[1]}\nca-dir = 'ca'\nrate = '0/minute'\n"
        (tmp_path / "pyproject.toml").write_text(text)
        monkeypatch.chdir(tmp_path)
        code, err = invoke("run", "--", *said(""))
        assert (code, "invalid rate '0/minute'" in err) == (2, True)  # it is read
        (tmp_path / "pyproject.toml").write_text(text.replace("0/minute", "9/minute"))
        assert invoke("run", "--", *said(""))[0] == 0
    assert (tmp_path / "ca" / "ca.pem").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("--spec", "/nowhere"), 2, "/nowhere"),
        (("--deny-model", "x"), 2, "'x' is not served"),
        (("--recipe", "fial"), 2, "--recipe: "),
        (("--ca-dir", __file__), 2, "cannot store the certificate authority here"),
        (("--hosts",), 3, "this system forbids namespaces"),
    ],
)
def test_what_prevents_the_mock_prevents_the_command(
    arguments: tuple[str, ...], code: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enter(*_: object) -> None:
        raise namespace.NamespaceError("this system forbids namespaces")

    monkeypatch.setattr(namespace, "enter_namespace", enter)
    found, err = invoke("run", *arguments, "--", *said(f"open({str(tmp_path / 'ran')!r}, 'w')"))
    assert (found, why in err.replace("\n", " ")) == (code, True), err
    assert not (tmp_path / "ran").exists()


def test_a_run_without_a_command_says_what_it_wants() -> None:
    code, err = invoke("run")
    assert code == 2
    assert "COMMAND" in err


def test_a_command_that_speaks_another_protocol_to_the_mock_has_reached_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = (
        "import os, socket; from urllib.parse import urlsplit; u = urlsplit(os.environ['EVOLINK_BASE_URL']); "
        "s = socket.create_connection((u.hostname, u.port)); s.sendall(b'\\x16\\x03\\x01\\r\\n\\r\\n'); s.recv(1)"
    )
    run(load(), with_assigned_ports(Settings(ca_dir=tmp_path / "ca"), private=False), said(program))
    assert "nothing: it connected to the mock" in capfd.readouterr().err
