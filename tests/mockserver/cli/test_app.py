"""The command line: what it takes, from where, and how it refuses."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from evolink_mock.cli import announcement
from evolink_mock.cli import app as cli
from evolink_mock.cli.problems import reported_problems
from evolink_mock.domain.store import StoreError
from evolink_mock.domain.units import REALTIME, Rate, Speed
from evolink_mock.files import write_atomically
from evolink_mock.interception.certificate_authority import AuthorityError
from evolink_mock.server import listeners
from evolink_mock.server.listeners import PortError
from evolink_mock.serving import serve as serving
from evolink_mock.settings import Settings
from evolink_spec.options.declaration import fields_of
from support.paths import OPENAPI

if TYPE_CHECKING:
    from collections.abc import Callable

LISTEN = listeners.listen
VENDORED = OPENAPI
DOCUMENT = next(path for path in VENDORED.glob("*.yaml") if path.name != "get-task-detail.yaml")
OPTIONS = ["--" + name for name in cli.SERVE_OPTIONS]
DEFAULTS = Settings(credits=1_000_000_000)


@dataclass
class Ran:
    """One run of the command. `settings` is None when it did not come to serving."""

    code: int
    out: str
    err: str
    settings: Settings | None = None
    quiet: bool = False
    port_file: str = ""  # its content while the mock answers


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ran]:
    """Runs `evolink-mock` in an empty folder. It gets ready and stops at once; any port is port 0."""
    monkeypatch.chdir(tmp_path)
    served: list[tuple[Settings, bool]] = []
    port_files: list[str] = []

    def serve(
        _: Any,
        settings: Settings,
        opened: listeners.Listeners,
        *,
        quiet: bool,
        ready: Callable[[], None],
        operator_key: str,
        **more: Any,
    ) -> None:
        assert operator_key
        assert more == {"workers": 1, "snapshot": None}
        served.append((settings, quiet))
        with opened:
            ready()
        port_files.extend(path.read_text() for path in tmp_path.glob("port"))

    monkeypatch.setattr(serving, "serve", serve)
    monkeypatch.setattr(listeners, "listen", lambda host, _, option="": LISTEN(host, 0, option))

    def run(*arguments: str, pyproject: str = "", **environment: str) -> Ran:
        (tmp_path / "pyproject.toml").write_text(pyproject and f"[tool.evolink-mock]\n{pyproject}\n")
        known = {"COLUMNS": "200", "TERMINAL_WIDTH": "200", "NO_COLOR": "1"}
        variables = {f"EVOLINK_MOCK_{name}": value for name, value in environment.items()}
        done = CliRunner().invoke(cli.app, arguments, env=known | variables)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        settings, quiet = served.pop() if served else (None, False)
        return Ran(done.exit_code, done.stdout, done.stderr, settings, quiet, "".join(port_files))

    return run


def test_help_names_every_option_and_command(run: Callable[..., Ran]) -> None:
    top, below = run("--help"), run("serve", "-h")
    assert (top.code, below.code) == (0, 0)
    assert all(word in top.out for word in ("serve", "demo", "--version"))
    assert [option for option in OPTIONS if not re.search(rf"{option}\b(?!-)", below.out)] == []
    assert all(word in below.out for word in ("EVOLINK_MOCK_", "[tool.evolink-mock]", "pyproject.toml"))


def test_every_setting_can_be_chosen() -> None:
    fields = fields_of(Settings)
    assert {field.name for field in fields} == {*Settings.__struct_fields__}
    assert set(OPTIONS) - {field.flag for field in fields} == {
        "--port-file",
        "--quiet",
        "--snapshot",
        "--workers",
    }


def test_the_version_is_that_of_the_package(run: Callable[..., Ran]) -> None:
    from importlib.metadata import version

    assert run("--version").out == f"evolink-mock {version('evolink-mock')}\n"


def test_without_any_choice_the_documented_defaults_are_served(run: Callable[..., Ran]) -> None:
    ran = run("serve")
    assert (ran.code, ran.err, ran.quiet) == (0, "", False)
    assert ran.settings == DEFAULTS
    assert (DEFAULTS.host, DEFAULTS.port, DEFAULTS.speed) == ("127.0.0.1", 8080, Speed(5.0, 5.0))


def test_the_ready_line_three_lines_to_paste_and_the_link_to_the_console_name_the_url(
    run: Callable[..., Ran],
) -> None:
    ran = run("serve", "--token", "b", "--token", "a")
    first, *rest = ran.out.splitlines()
    url = re.search(r"http://127\.0\.0\.1:\d+", first)
    assert url
    pasted = [line.strip() for line in rest if line.startswith("  ")]
    assert pasted[:2] == [f"export EVOLINK_BASE_URL={url[0]}", "export EVOLINK_API_KEY=a"]
    assert pasted[2].startswith('curl "$EVOLINK_BASE_URL/v1/')
    assert re.fullmatch(rf"console: {re.escape(url[0])}/__mock__/ui\?key=[\w-]{{20,}}", pasted[3])
    assert len(pasted) == 4
    assert rest[-1] == "Ctrl-C stops it."


def test_with_a_json_log_the_ready_line_is_one_object_with_the_addresses(run: Callable[..., Ran]) -> None:
    ran = run("serve", "--log-format", "json", "--proxy-port", "0", "--host", "0.0.0.0")
    (line,) = ran.out.splitlines()
    fields = json.loads(line)
    assert {"time", "network_urls", "hosts"} <= fields.keys()
    assert (fields["event"], fields["level"], fields["logger"]) == ("ready", "info", "evolink_mock")
    assert fields["message"].endswith(f" at {fields['url']}")
    assert fields["console"].startswith(f"{fields['url']}/__mock__/ui?key=")
    assert fields["https"].startswith("https://")
    assert fields["proxy"].startswith("http://")
    assert Path(fields["certificate"]).is_absolute()
    assert "control" not in fields


def test_the_port_file_is_written_though_nobody_can_read_the_banner(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(announcement, "announce", full)
    ran = run("serve", "--port", "0", "--port-file", "port")
    assert (ran.code, ran.err, ran.out, int(ran.port_file) > 0) == (0, "", "", True)


def test_a_port_file_that_cannot_be_created_is_refused_before_listening(run: Callable[..., Ran]) -> None:
    ran = run("serve", "--port-file", "/proc/port")
    assert (ran.code, ran.settings) == (2, None)
    assert ran.err.startswith("evolink-mock: --port-file: cannot write in /proc: ")


def test_a_port_file_that_cannot_be_written_later_is_reported(run: Callable[..., Ran]) -> None:
    ran = run("serve", "--port", "0", "--port-file", "/dev/full")
    assert (ran.code, ran.err) == (
        0,
        "evolink-mock: error: cannot write /dev/full: No space left on device\n",
    )


def test_the_port_file_holds_the_port_that_was_taken(run: Callable[..., Ran], tmp_path: Path) -> None:
    ran = run("serve", "--port", "0", "--port-file", "port")
    assert f":{ran.port_file.strip()} " in ran.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pyproject.toml"]


# option, a value of the command line and what it means; then what another source says in its own way
CHOICES: dict[str, tuple[str, str, Any, str, str]] = {
    "--host": ("host", "localhost", "localhost", "127.0.0.1", '"127.0.0.1"'),
    "--port": ("port", "9001", 9001, "9002", "9002"),
    "--duration": ("duration", "3s..20s", Speed(3.0, 20.0), "500ms", '"500ms"'),
    "--seed": ("seed", "7", 7, "8", "8"),
    "--clock-scale": ("clock_scale", "60", 60.0, "2", "2"),
    "--credits": ("credits", "7.5", 7.5, "10", "10"),
    "--rate": ("rate", "30/minute", Rate(30, 60.0), "5 per second", '"5/second"'),
    "--token": ("tokens", "mine", frozenset({"mine"}), "other", '["other"]'),
    "--max-body": ("max_body", "1000", 1000, "2000", "2000"),
    "--public-url": (
        "public_url",
        "https://x.example/",
        "https://x.example",
        "http://y.example",
        '"http://y.example"',
    ),
    "--allow-callbacks-to": (
        "allow_callbacks_to",
        "localhost:9000",
        ("localhost:9000",),
        "a.example",
        '["a.example"]',
    ),
    "--store": ("store", "sqlite:a.db", "sqlite:a.db", "memory", '"sqlite:b.db"'),
    "--keep": ("keep", "30d", 30 * 86400.0, "12h", '"10s"'),
    "--cors": ("cors", "https://a.example", ("https://a.example",), "*", '["off"]'),
    "--spec": ("spec", str(DOCUMENT), (DOCUMENT,), "nowhere.yaml", '["nowhere.yaml"]'),
}


@pytest.mark.parametrize("option", CHOICES)
def test_an_option_wins_over_the_environment_and_pyproject(run: Callable[..., Ran], option: str) -> None:
    field, given, meant, variable, toml = CHOICES[option]
    name = option.removeprefix("--")
    ran = run(
        "serve", option, given, pyproject=f"{name} = {toml}", **{name.replace("-", "_").upper(): variable}
    )
    assert getattr(ran.settings, field) == meant
    assert getattr(DEFAULTS, field) != meant


@pytest.mark.parametrize("option", CHOICES)
def test_the_environment_wins_over_pyproject(run: Callable[..., Ran], option: str) -> None:
    field, given, meant, _, toml = CHOICES[option]
    name = option.removeprefix("--")
    ran = run("serve", pyproject=f"{name} = {toml}", **{name.replace("-", "_").upper(): given})
    assert getattr(ran.settings, field) == meant


@pytest.mark.parametrize(
    ("toml", "field", "meant"),
    [
        ("port = 9002", "port", 9002),
        ('duration = "500ms"', "speed", Speed(0.5, 0.5)),
        ("duration = 2", "speed", Speed(2.0, 2.0)),
        ("realtime = true", "speed", REALTIME),
        ('token = ["a", "b"]', "tokens", frozenset("ab")),
        ("max-body = 5", "max_body", 5),
        ("max_body = 5", "max_body", 5),
        ('allow-callbacks-to = ["localhost", "[::1]:80"]', "allow_callbacks_to", ("localhost", "[::1]:80")),
    ],
)
def test_pyproject_is_read(run: Callable[..., Ran], toml: str, field: str, meant: Any) -> None:
    assert getattr(run("serve", pyproject=toml).settings, field) == meant


def test_pyproject_of_a_folder_above_is_read(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    ran = run("serve", pyproject="quiet = true\nseed = 3")
    assert ran.settings is not None
    assert (ran.settings.seed, ran.quiet) == (3, True)


def test_several_tokens_fit_into_one_variable(run: Callable[..., Ran]) -> None:
    assert run("serve", TOKEN="a b").settings == Settings(credits=DEFAULTS.credits, tokens=frozenset("ab"))


@pytest.mark.parametrize("setting", ["realtime", "quiet"])
@pytest.mark.parametrize(("said", "on"), [("1", 1), ("true", 1), ("0", 0), ("false", 0)])
def test_a_switch_can_be_set_in_the_environment(
    run: Callable[..., Ran], setting: str, said: str, on: int
) -> None:
    ran = run("serve", **{setting.upper(): said})
    assert ran.settings is not None
    assert (ran.quiet if setting == "quiet" else ran.settings.speed == REALTIME) == bool(on)


REFUSED: dict[str, tuple[list[str], str]] = {
    "an option that there is not": (["--nonsense"], "--nonsense"),
    "a port beyond": (["--port", "65536"], "--port"),
    "no number": (["--seed", "x"], "--seed"),
    "no duration": (["--duration", "soon"], "--duration: invalid duration 'soon'"),
    "nothing": (["--duration", "0s"], "invalid duration '0s'"),
    "a spread backwards": (["--duration", "5s..1s"], "ends before it begins"),
    "no rate": (["--rate", "often"], "--rate: invalid rate 'often'"),
    "no credits": (["--credits", "-1"], "--credits"),
    "credits that are no number": (["--credits", "nan"], "--credits"),
    "no URL": (["--public-url", "ftp://x"], "invalid public URL"),
    "no host": (["--allow-callbacks-to", "http://x"], "expected HOST"),
    "a model that is not served": (["--deny-model", "another"], "'another' is not served"),
    "a body of nothing": (["--max-body", "0"], "--max-body"),
    "no file": (["--spec", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
    "a URL": (["--spec", "https://docs.test/x.yaml"], "is a URL: download the document first"),
    "an unknown recipe": (["--recipe", "fial"], "--recipe: "),
    "no document": (["--spec", "pyproject.toml"], "pyproject.toml"),
    "a folder without documents": (["--spec", "examples/none-*"], "matches no file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_in_a_line_with_code_2(run: Callable[..., Ran], name: str) -> None:
    arguments, words = REFUSED[name]
    ran = run("serve", *arguments)
    assert (ran.code, ran.settings, ran.out) == (2, None, "")
    assert words in re.sub(r"[\s│]+", " ", ran.err)
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", REFUSED)
def test_with_a_json_log_a_refusal_is_one_object(run: Callable[..., Ran], name: str) -> None:
    arguments, words = REFUSED[name]
    ran = run("serve", *arguments, LOG_FORMAT="json")
    (line,) = ran.err.splitlines()
    fields = json.loads(line)
    assert (fields["event"], fields["level"], fields["exit_status"]) == ("error", "error", 2)
    assert words in fields["message"]
    assert ran.code == 2


@pytest.mark.parametrize(
    ("arguments", "pyproject", "is_json"),
    [
        (["serve", "--log-format", "json"], "", True),
        (["serve", "--log-format=json"], "", True),
        (["serve", "--log-format=text"], 'log-format = "json"', False),
        (["serve"], 'log-format = "json"', True),
        (["serve"], "log-format = [", False),
        (["run", "--", "env", "--log-format=json"], "", False),
        (["store", "info"], 'log-format = "json"', False),
    ],
)
def test_an_error_of_a_command_has_the_format_of_its_log(
    run: Callable[..., Ran], arguments: list[str], pyproject: str, *, is_json: bool
) -> None:
    command, *rest = arguments
    ran = run(command, "--spec", "nowhere.yaml", *rest, pyproject=pyproject)
    assert ran.code == 2
    assert ran.err.startswith("{") == is_json


def test_with_a_json_log_warnings_and_a_port_that_is_taken_are_objects(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "listen", LISTEN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = run("serve", "--log-format", "json", "--port", port, DURATOIN="5")
    warning, error = map(json.loads, ran.err.splitlines())
    assert (warning["event"], warning["level"]) == ("warning", "warning")
    assert "EVOLINK_MOCK_DURATOIN" in warning["message"]
    assert (error["event"], error["exit_status"], ran.code) == ("error", 3, 3)
    assert port in error["message"]


def test_infinite_credits_are_refused(run: Callable[..., Ran]) -> None:
    assert run("serve", "--credits", "inf").code == 2


def test_a_port_file_that_cannot_be_written_is_told_with_code_2(run: Callable[..., Ran]) -> None:
    ran = run("serve", "--port-file", "nowhere/port")
    assert ran.code == 2
    assert "nowhere" in ran.err


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("prot = 1", "has no setting 'prot' (did you mean port?)"),
        ("port =", "invalid TOML"),
        (
            "port = 99999",
            "pyproject.toml: [tool.evolink-mock] port: 99999 is not a whole number from 0 to 65535",
        ),
        ('duration = "soon"', "pyproject.toml: [tool.evolink-mock] duration: invalid duration 'soon'"),
        ('token = [""]', "pyproject.toml: [tool.evolink-mock] token: must consist of visible ASCII"),
        ('host = ""', "pyproject.toml: [tool.evolink-mock] host: an empty host"),
    ],
)
def test_a_bad_pyproject_is_refused_with_code_2(run: Callable[..., Ran], toml: str, words: str) -> None:
    ran = run("serve", pyproject=toml)
    assert (ran.code, ran.settings) == (2, None)
    assert words in re.sub(r"[\s│]+", " ", ran.err)


def test_a_bad_variable_is_refused_by_its_name(run: Callable[..., Ran]) -> None:
    ran = run("serve", PORT="x")
    assert ran.code == 2
    assert "Error: EVOLINK_MOCK_PORT: 'x' is not a whole number from 0 to 65535" in ran.err


def test_a_variable_that_is_no_setting_is_warned_of_and_does_no_harm(run: Callable[..., Ran]) -> None:
    ran = run("serve", PROT="1", PORT="tcp://10.96.12.3:8080")
    assert (ran.code, ran.settings) == (0, DEFAULTS)
    assert (
        ran.err
        == "evolink-mock: warning: EVOLINK_MOCK_PROT is not a setting (did you mean EVOLINK_MOCK_PORT?)\n"
    )


def test_two_options_that_exclude_each_other_are_refused_in_one_place(run: Callable[..., Ran]) -> None:
    both = run("serve", "--realtime", "--duration", "3s")
    assert (both.code, both.settings) == (2, None)
    assert "--realtime and --duration cannot be used together" in both.err
    assert run("serve", REALTIME="1", DURATION="3s").code == 2
    assert run("serve", pyproject="realtime = true\nduration = 3").code == 2


def test_of_two_options_that_exclude_each_other_the_nearer_source_decides(run: Callable[..., Ran]) -> None:
    def speed(*arguments: str, **more: str) -> Speed:
        ran = run("serve", *arguments, **more)
        assert ran.settings is not None, ran.err
        return ran.settings.speed

    assert speed("--realtime", DURATION="3s") == REALTIME
    assert speed("--duration", "3s", REALTIME="1") == Speed(3.0, 3.0)
    assert speed(DURATION="3s", pyproject="realtime = true") == Speed(3.0, 3.0)
    assert speed(REALTIME="0", pyproject="duration = 3") == Speed(3.0, 3.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_told_with_code_3(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(listeners, "listen", LISTEN)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        port = taken.getsockname()[1]
        ran = run("serve", "--host", host, "--port", str(port))
    assert (ran.code, ran.settings) == (3, None)
    assert f"port {port} is in use" in ran.err
    assert "--port 0" in ran.err


def test_what_is_suggested_for_a_control_port_that_is_taken_is_accepted(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "listen", LISTEN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        ran = run("serve", "--port", "0", "--control", place)
    assert ran.code == 3
    suggested = re.search(r"or (--control \S+) for any free one", ran.err)
    assert suggested, ran.err
    ran = run("serve", "--port", "0", *suggested[1].split())
    assert ran.code == 0
    assert re.search(r"^  control API: http://127\.0\.0\.1:\d+/__mock__/$", ran.out, re.MULTILINE)


def test_the_port_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    port_file.write_text("old")
    write_atomically(port_file, b"8080\n")
    assert (port_file.read_text(), list(tmp_path.iterdir())) == ("8080\n", [port_file])


def test_a_pipe_is_written_to_and_the_target_of_a_link_replaced(tmp_path: Path) -> None:
    pipe, target, link = tmp_path / "pipe", tmp_path / "target", tmp_path / "link"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, b"8080\n")
    assert (os.read(reader, 10), pipe.is_fifo()) == (b"8080\n", True)
    os.close(reader)
    link.symlink_to(target)
    write_atomically(link, b"8080\n")
    assert (target.read_bytes(), link.is_symlink()) == (b"8080\n", True)


def test_a_port_file_that_is_a_folder_is_refused_at_the_start(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = run("serve", "--port", "0", "--port-file", str(tmp_path))
    assert (ran.code, "is a folder; name a file" in ran.err.replace("\n", " ")) == (2, True), ran.err


def test_an_ipv6_address_may_have_brackets(run: Callable[..., Ran]) -> None:
    assert "http://[::1]:" in run("serve", "--host", "[::1]", "--port", "0").out


def test_the_banner_of_every_address_names_those_that_other_machines_reach(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evolink_mock.server.listeners._own_address", lambda *_: "192.168.1.5")
    assert re.search(
        r"^  other machines reach it at http://192\.168\.1\.5:\d+$",
        run("serve", "--host", "0.0.0.0").out,
        re.MULTILINE,
    )
    assert "other machines" not in run("serve").out


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("deny_model", "'x' is not served"),
        ("spec", "x: cannot be read"),
    ],
)
def test_a_problem_found_later_names_the_source_of_the_setting(
    run: Callable[..., Ran], setting: str, problem: str
) -> None:
    variable = run("serve", **{setting.upper(): "x"})
    assert (variable.code, f"EVOLINK_MOCK_{setting.upper()}: {problem}" in variable.err) == (2, True)
    option = "--" + setting.replace("_", "-")
    assert (
        f"[tool.evolink-mock] {option[2:]}: {problem}" in run("serve", pyproject=f'{option[2:]} = ["x"]').err
    )


@pytest.mark.parametrize(
    ("setting", "error"),
    [
        ("store", StoreError("connection refused")),
        ("ca_dir", AuthorityError("cannot be stored")),
        ("host", PortError("cannot listen", "host")),
        ("https_port", PortError("in use", "https_port")),
    ],
)
def test_a_problem_of_the_start_names_the_variable_of_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str, error: Exception
) -> None:
    monkeypatch.setenv(f"EVOLINK_MOCK_{setting.upper()}", "1")
    with pytest.raises(SystemExit), reported_problems():
        raise error
    assert f"EVOLINK_MOCK_{setting.upper()}: {error}" in capsys.readouterr().err
