"""The command line of the checks: what it takes, what it answers with, and how it refuses."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import evolink_check.engine.run_plan
import evolink_check.engine.runner
import pytest
from click.testing import CliRunner
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import Verdict, violation
from evolink_check.cli import app as cli
from evolink_check.cli.commands.problems import reporting_problems
from evolink_check.cli.progress import Bars, showing_progress
from evolink_check.engine.preflight import CouldNotRunError
from evolink_check.engine.run_plan import Estimate, RunPlan
from evolink_check.engine.runner import Progress
from evolink_check.reports.evidence import Evidence
from evolink_check.reports.model import Report
from evolink_check.traffic.trace import Trace
from evolink_spec.clauses import load_clauses
from evolink_spec.options.command_line import list_options
from rich.console import Console
from rich.progress import Progress as Shown
from rich.progress import TextColumn
from support.records.trace_builders import SPEC, Tracing, completed, processing

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_check.settings import Effort, Subject

CLAUSES = {clause.id: clause for clause in load_clauses()}
URL = "http://127.0.0.1:9"
KEY = "a-key-of-some-length"
VIOLATION = violation(expected="a final state", seen="processing again")
COMMANDS = ("api", "recording", "proxy", "client", "clauses", "schema")


@dataclass
class Ran:
    """One run of the command, and what came to be checked by it."""

    code: int
    out: str
    err: str
    subject: Subject | None = None
    effort: Effort | None = None

    @property
    def told(self) -> str:
        """What was refused, in one line."""
        return re.sub(r"[\s│]+", " ", self.err)


def report_of(*verdicts: Verdict, subject: str = URL) -> Report:
    return Report("api", subject, Evidence(TraceView(Trace(()), SPEC)), verdicts, (), 0.0, 1.0, seed=5)


def planned(subject: Subject, effort: Effort, spec: Any, clauses: Any) -> RunPlan:
    return RunPlan(subject, effort, spec, tuple(clauses), (), (), Estimate(24, 120.0))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Ran]:
    """Runs `evolink-check` in an empty folder; checking an API finds `report`, or raises it."""
    monkeypatch.chdir(tmp_path)
    checked: list[tuple[Subject, Effort]] = []

    def run(*arguments: str, report: Report | Exception | None = None, **variables: str) -> Ran:
        def execute(plan: RunPlan, *, progress: Any, **_: Any) -> Report:
            checked.append((plan.subject, plan.effort))
            progress(Progress("refuse", 1, 10, 0, 0.0, 1.0, 24.0))
            progress(Progress("refuse", 2, 10, 0, 0.0, 2.0, 24.0))
            progress(Progress("refuse", 3, 10, 0, 0.0, 12.0, 24.0))
            progress(Progress("follow", 0, 0, 3, 15.0, 13.0, 20.0))
            if isinstance(report, Exception):
                raise report
            return report or report_of(Verdict(CLAUSES["id.format"], "passed", 1))

        monkeypatch.setattr(evolink_check.engine.runner, "execute", execute)
        monkeypatch.setattr(evolink_check.engine.run_plan, "plan_run", planned)
        plain = {"COLUMNS": "200", "TERMINAL_WIDTH": "200", "NO_COLOR": "1"}
        known = {"EVOLINK_API_KEY": "", "EVOLINK_OTHER_API_KEY": ""}
        done = CliRunner().invoke(cli.app, arguments, env=plain | known | variables)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        subject, effort = checked.pop() if checked else (None, None)
        return Ran(done.exit_code, done.stdout, done.stderr, subject, effort)

    return run


def test_help_names_every_command_and_every_option_has_a_word_of_help(run: Callable[..., Ran]) -> None:
    top = run("--help")
    assert all(command in top.out for command in COMMANDS)
    for command in COMMANDS[:3]:
        shown = run(command, "-h")
        assert (shown.code, shown.err) == (0, "")
        options = _options(command)
        assert [one for one in options if not re.search(rf"{one}\b(?!-)", shown.out)] == []
        assert f"evolink-check {command} " in shown.out, "it teaches by example"
        assert "Exit status: 0 passed, 1 failed, 2 could not run" in shown.out


def _options(command: str) -> list[str]:
    return [option.names[0] for option in list_options(cli.app) if option.command == command]


def test_help_recommends_the_environment_for_keys(run: Callable[..., Ran]) -> None:
    shown = run("api", "--help", EVOLINK_API_KEY=KEY).out
    assert "EVOLINK_API_KEY" in shown
    assert KEY not in shown


def test_what_is_said_reaches_the_check(run: Callable[..., Ran]) -> None:
    ran = run(
        *("api", f"{URL}/", "--token", KEY, "--max-credits", "150", "--profile", "deep", "--seed", "7"),
        *("--jobs", "2", "--rate", "5", "--time-limit", "60", "--task-limit", "9", "--scale", "60"),
        *("--clause", "task.final", "--clause", "task.ends", "--memory", "cases"),
        *("--callback-url", "https://hooks.test", "--callback-listen", "127.0.0.1:9001"),
        EVOLINK_OTHER_API_KEY="another-key",
    )
    assert ran.code == 0
    assert ran.subject is not None
    assert ran.effort is not None
    assert (ran.subject.url, ran.subject.main.token, ran.subject.keys["other"].token) == (
        URL,
        KEY,
        "another-key",
    )
    assert (ran.subject.scale, ran.subject.callback_listen) == (60.0, ("127.0.0.1", 9001))
    effort = ran.effort
    assert (effort.profile, effort.max_credits, effort.seed, effort.jobs) == ("deep", 150.0, 7, 2)
    assert (effort.rate, effort.seconds, effort.task_seconds) == (5.0, 60.0, 9.0)
    assert (effort.clauses, effort.memory) == (frozenset({"task.final", "task.ends"}), Path("cases"))


def test_without_any_choice_no_credit_is_granted(run: Callable[..., Ran]) -> None:
    ran = run("api", URL, "--any-key")
    assert ran.effort is not None
    assert (ran.effort.profile, ran.effort.max_credits) == ("quick", None)
    assert ran.effort.memory == Path(".evolink-check")
    assert run("api", URL, "--any-key", "--no-memory").effort == replace(ran.effort, memory=None)
    assert "no --max-credits: nothing is sent that could create a task" in ran.err


def test_an_estimate_is_told_before_a_run_that_costs(run: Callable[..., Ran]) -> None:
    ran = run("api", URL, "--any-key", "--max-credits", "150")
    assert "up to 24 tasks, 120 credits; budget 150" in ran.err.splitlines()[0]


def test_where_no_terminal_is_progress_is_a_line_a_phase(run: Callable[..., Ran]) -> None:
    assert run("api", URL, "--any-key").err.splitlines()[1:] == [
        "1 of 24 s: refuse",
        "12 of 24 s: refuse",
        "13 of 20 s: follow, 3 tasks, 15 credits",
    ]


def test_on_a_terminal_progress_is_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with showing_progress() as tell:
        tell(Progress("refusable requests", 99, 100, 0, 0.0))
        tell(Progress("tasks", 0, 0, 3, 15.0, 7.0, 24.0))
    shown = terminal.getvalue()
    assert "…" not in shown, "what is counted has its place on a narrow terminal too"
    assert all(
        words in shown for words in ("refusable", "99/99", "tasks", "3 tasks, 15 credits", "7 of 24 s")
    )
    assert shown.endswith("\x1b[2K"), "the last thing that happens is that it is wiped away"


def test_a_phase_that_is_over_has_a_bar_that_stands() -> None:
    with Shown(TextColumn("{task.fields[costs]}"), console=Console(file=io.StringIO())) as shown:
        bars = Bars(shown)
        bars.tell(Progress("refuse", 8, 10, 0, 0.0))
        bars.tell(Progress("follow", 5, 4, 3, 15.0))
        refused, followed = shown.tasks
        assert (refused.finished, refused.total, followed.total) == (True, 8, 5)
        bars.tell(Progress("refuse", 9, 10, 3, 15.0))
        assert (refused.finished, refused.total, refused.completed) == (False, 10, 9)


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (report_of(Verdict(CLAUSES["task.final"], "passed", 1)), 0),
        (report_of(Verdict(CLAUSES["task.ends"], "warning", 1, (VIOLATION,))), 0),
        (report_of(Verdict(CLAUSES["task.final"], "failed", 1, (VIOLATION,))), 1),
        (CouldNotRunError("the key was refused"), 2),
        (ZeroDivisionError("a bug"), 2),
    ],
)
def test_the_exit_status_says_what_was_found(
    run: Callable[..., Ran], found: Report | Exception, code: int
) -> None:
    ran = run("api", URL, "--any-key", report=found)
    assert ran.code == code
    if isinstance(found, Exception):
        assert str(found) in ran.err
        assert ("Traceback" in ran.err) is isinstance(found, ZeroDivisionError)


def test_what_there_is_of_a_run_that_failed_is_shown(run: Callable[..., Ran], tmp_path: Path) -> None:
    partial = report_of(Verdict(CLAUSES["task.final"], "failed", 1, (VIOLATION,)))
    ran = run(
        "api", URL, "--any-key", "--json", "found.json", report=CouldNotRunError("it went away", partial)
    )
    assert (ran.code, "it went away" in ran.err) == (2, True)
    assert "task.final" in (tmp_path / "found.json").read_text()


def test_the_command_that_repeats_a_run_has_its_options_and_names_the_keys(run: Callable[..., Ran]) -> None:
    ran = run(
        *("api", URL, "--token", KEY, "--max-credits", "20", "--any-key", "--clause", "task.final"),
        *("--har", "a b.har", "--json", "-", "--memory", "a b"),
    )
    command = json.loads(ran.out)["command"]
    assert command.endswith(
        f"api {URL} --any-key --memory 'a b' --max-credits 20 --token \"$EVOLINK_API_KEY\" --seed 5"
    )
    assert KEY not in ran.out + ran.err


def test_every_report_is_a_file_or_stdout(run: Callable[..., Ran], tmp_path: Path) -> None:
    ran = run(
        *("api", URL, "--any-key", "--har", "r.har", "--json", "-", "--junit", "r.xml", "--html", "r.html"),
        report=report_of(Verdict(CLAUSES["task.final"], "failed", 1, (VIOLATION,))),
    )
    assert json.loads(ran.out), "the table goes to stderr"
    assert "task.final" in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.har", "r.html", "r.xml"]
    shown = run(
        "api", URL, "--any-key", report=report_of(Verdict(CLAUSES["task.final"], "failed", 1, (VIOLATION,)))
    )
    assert "task.final" in shown.out


def test_a_report_that_cannot_be_written_costs_no_other(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(self: Path, _: Path) -> None:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "replace", full)
    ran = run("api", URL, "--any-key", "--har", "r.har", "--json", "-")
    assert (ran.code, json.loads(ran.out)["exit_status"]) == (2, 0)
    assert "1 passed" in ran.err, "the table is shown too"
    assert "r.har: cannot be written: No space left on device" in ran.told
    assert list(tmp_path.iterdir()) == [], "nothing half is left"


def test_what_is_no_plain_file_is_written_to_and_not_replaced(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.json").symlink_to("found.json")
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.append((tmp_path / "pipe").read_text()), daemon=True)
    reader.start()
    assert run("api", URL, "--any-key", "--html", "pipe", "--json", "link.json").code == 0
    reader.join(10)
    assert told[0].startswith("<!doctype html>")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "found.json").read_text())["exit_status"] == 0


def test_only_what_is_new_fails_with_a_baseline(run: Callable[..., Ran], tmp_path: Path) -> None:
    known = report_of(Verdict(CLAUSES["task.final"], "failed", 1, (VIOLATION,)))
    other = violation(expected="another", seen="thing")
    new = report_of(*known.verdicts, Verdict(CLAUSES["id.format"], "failed", 1, (other,)))
    baseline = ("api", URL, "--any-key", "--baseline", "known.json")
    assert run(*baseline, report=known).code == 2, "there is no such file"
    assert run(*baseline, "--update-baseline", report=known).code == 0
    assert (tmp_path / "known.json").is_file()
    assert run(*baseline, report=known).code == 0
    assert run(*baseline, report=new).code == 1
    kept = report_of(Verdict(CLAUSES["id.format"], "passed", 1))
    assert (
        "known.json now has 1 entry\n"
        in run(*baseline, "--update-baseline", "--clause", "id.format", report=kept).err
    )
    assert run(*baseline, report=known).code == 0, "what was not looked at stays"


def test_what_is_no_baseline_is_not_overwritten_by_one(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("of mine")
    ran = run("api", URL, "--any-key", "--baseline", "notes.txt", "--update-baseline")
    assert (ran.code, ran.subject, "notes.txt: not a baseline" in ran.told) == (2, None, True)
    assert (tmp_path / "notes.txt").read_text() == "of mine"


def test_a_refusal_is_red_unless_no_colour_is_wanted() -> None:
    for value, red in (("", True), ("1", False)):
        done = CliRunner().invoke(cli.app, ["clauses", "no.such"], env={"NO_COLOR": value}, color=True)
        assert ("\x1b[31m" in done.stderr) == red


REFUSED: dict[str, tuple[list[str], str]] = {
    "no key": ([URL], "no key: set EVOLINK_API_KEY"),
    "no URL": (["--any-key"], "no URL: pass it as the argument"),
    "another URL": (["api.test", "--any-key"], "invalid base URL 'api.test'"),
    "an unknown option": ([URL, "--nonsense"], "--nonsense"),
    "an unknown clause": ([URL, "--any-key", "--clause", "task.fnal"], "did you mean task.final?"),
    "an unknown profile": ([URL, "--any-key", "--profile", "slow"], "--profile"),
    "fewer credits than none": ([URL, "--any-key", "--max-credits", "-1"], "--max-credits"),
    "credits without end": (
        [URL, "--any-key", "--max-credits", "inf"],
        "--max-credits: 'inf' is not a number of at least 0",
    ),
    "no number of credits": ([URL, "--any-key", "--max-credits", "nan"], "--max-credits"),
    "no file": ([URL, "--any-key", "--config", "no.toml"], "no.toml: cannot be read"),
    "no folder": ([URL, "--any-key", "--html", "no/r.html"], "there is no folder no"),
    "a folder": ([URL, "--any-key", "--html", "."], ".: is a folder"),
    "a folder that takes no file": (
        [URL, "--any-key", "--har", "/proc/r.har"],
        "/proc/r.har: cannot be written",
    ),
    "two in one file": (
        [URL, "--any-key", "--html", "r", "--json", "./r"],
        "two reports cannot be written to the same file",
    ),
    "a baseline without a folder": (
        [URL, "--any-key", "--baseline", "no/known.json", "--update-baseline"],
        "there is no folder no",
    ),
    "two in stdout": ([URL, "--any-key", "--html", "-", "--json", "-"], "only one report can go to stdout"),
    "a memory that is a file": ([URL, "--any-key", "--memory", __file__], "is not a folder"),
    "no baseline": ([URL, "--any-key", "--baseline", "no.json"], "no.json: cannot be read"),
    "a baseline of nothing": (
        [URL, "--any-key", "--update-baseline"],
        "--update-baseline requires --baseline FILE",
    ),
    "half of a receiver": ([URL, "--any-key", "--callback-url", "https://x.test"], "go together"),
}


@pytest.mark.parametrize(
    "url",
    ["http://bob:hunter2@127.0.0.1:9", "ftp://bob:hunter2@h/", "http://bob:hunter2@[h", "bob:hunter2@h"],
)
@pytest.mark.parametrize("words", [["api", "{}", "--any-key"], ["client", "--mock", "{}", "--", "true"]])
def test_a_password_in_a_url_is_not_printed(run: Callable[..., Ran], words: list[str], url: str) -> None:
    ran = run(*(word.format(url) for word in words))
    assert ran.code == 2
    assert "hunter2" not in ran.out + ran.err


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_2_before_anything_is_sent(run: Callable[..., Ran], name: str) -> None:
    arguments, words = REFUSED[name]
    ran = run("api", *arguments)
    assert (ran.code, ran.subject, ran.out) == (2, None, "")
    assert words in ran.told
    assert "Traceback" not in ran.err


def test_a_recording_is_judged(run: Callable[..., Ran], tmp_path: Path) -> None:
    from evolink_check.traffic.har.archive import to_har

    made = Tracing()
    made.create()
    made.query(completed())
    (tmp_path / "good.har").write_text(json.dumps(to_har(made.trace(), "1")))
    made.query(processing())
    (tmp_path / "bad.har").write_text(json.dumps(to_har(made.trace(), "1")))
    assert run("recording", "good.har").code == 0
    bad = run("recording", "bad.har", "--json", "-")
    assert (bad.code, "task.final" in bad.out) == (1, True)
    assert run("recording", "bad.har", "--about", "client").code == 0
    only = run("recording", "bad.har", "--clause", "id.format", "--json", "-")
    assert [one["clause"] for one in json.loads(only.out)["verdicts"]] == ["id.format"]
    assert run("recording", "bad.har", "--clause", "id.formta").code == 2
    assert (run("recording", "no.har").code, run("recording").code) == (2, 2)


def test_a_proxy_that_cannot_listen_leaves_the_record_of_before(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "t.har").write_text("of yesterday")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = run("proxy", "--upstream", URL, "--port", port, "--har", "t.har")
    assert (ran.code, "cannot listen" in ran.err) == (2, True)
    assert (tmp_path / "t.har").read_text() == "of yesterday"


@pytest.mark.parametrize(
    ("said", "advice"),
    [("CERTIFICATE_VERIFY_FAILED", "--ca FILE"), ("WRONG_VERSION_NUMBER", "It seems to use plain http")],
)
def test_what_tls_says_comes_with_advice(run: Callable[..., Ran], said: str, advice: str) -> None:
    ran = run("api", URL, "--any-key", report=CouldNotRunError(f"not reached: [SSL: {said}]."))
    assert (ran.code, advice in ran.told) == (2, True)
    assert advice not in run("api", URL, "--any-key", report=CouldNotRunError("not reached")).told


def test_a_proxy_refuses_what_is_no_certificate(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("empty.pem", "no.pem"):
        ran = run("proxy", "--upstream", "https://127.0.0.1:9", "--port", "0", "--ca", name)
        assert (ran.code, "--ca: " in ran.err, name in ran.err) == (2, True, True)


def test_the_clauses_are_listed_with_where_they_stand(run: Callable[..., Ran]) -> None:
    every = run("clauses")
    assert every.code == 0
    assert all(f"  {id_}  [{clause.severity}]" in every.out for id_, clause in CLAUSES.items())
    assert "get-task-detail.yaml#/components/schemas" in every.out
    one = run("clauses", "auth.bearer").out
    assert "Our choice" in one
    assert "need a token that the server accepts" in re.sub(r"\s+", " ", one)
    assert len(json.loads(run("clauses", "--json").out)) == len(CLAUSES)
    assert json.loads(run("clauses", "task.final", "--json").out)["binds"] == "server"
    missing = run("clauses", "task.fnal")
    assert (missing.code, "did you mean task.final?" in missing.err) == (2, True)


def test_the_schema_and_the_version_are_printed(run: Callable[..., Ran]) -> None:
    from importlib.metadata import version

    assert "TargetTable" in json.loads(run("schema").out)["$defs"]
    assert run("--version").out == f"evolink-check {version('evolink-mock')}\n"


def test_an_option_for_one_run_only_is_not_repeated() -> None:
    names = {parameter.name for parameter in cli.app.commands["api"].params}
    assert names >= {*cli._FOR_ONE_RUN, *cli._SECRETS}  # noqa: SLF001  (a name that there is not would hide nothing)


def test_without_the_tools_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_NEEDED", ("json", "no_such_tool"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "evolink-check needs no_such_tool: pip install 'path/to/evolink-mock[contracts]', "
        "with the path of the checkout or of the wheel; in a checkout, uv run --extra contracts installs it\n"
    )


def test_a_working_directory_that_was_deleted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deleted"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(SystemExit, match="2"), reporting_problems():
        Path("report.json").resolve()
    said = "evolink-check: the working directory has been deleted: change to another one"
    assert said in capsys.readouterr().err
