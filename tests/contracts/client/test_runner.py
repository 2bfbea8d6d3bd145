"""The whole way: a mock of its own, a command under a scenario, its requests, its end, the verdict."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from evolink_check.cli.commands.client import mount
from evolink_check.cli.config import environment
from evolink_check.client.harness.config import Description, Receiver
from evolink_check.client.harness.journal_trace import Journals
from evolink_check.client.harness.mock_process import Mock, MockError, borrow_account
from evolink_check.client.harness.outcome import Outcome
from evolink_check.client.harness.process import (
    CommandError,
    check_command,
    command_words,
    filled_in_environment,
    make_workspace,
    placeholders,
)
from evolink_check.client.harness.refusing_port import Refusal
from evolink_check.client.harness.scenarios import scenarios, select
from evolink_check.client.journal_reading import read_journal
from evolink_check.client.plan import HANGING, SHORTEST, SuitePlan, without_inapplicable
from evolink_check.client.runner import run_scenario, run_suite
from evolink_check.client.verdicts.verdicts import ScenarioRun
from evolink_check.traffic.trace import Trace
from evolink_mock import MockServer
from evolink_spec.clauses import load_clauses
from evolink_spec.options.command_line import Group
from support.records import family_documents as family
from support.records.trace_builders import SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evolink_check.client.harness.process import Workspace
    from evolink_check.client.harness.scenario import Scenario

PATIENT = 120.0  # seconds: a machine may have other things to do
CLAUSES = tuple(one for one in load_clauses() if one.binds == "client")
# A client in a few lines. It asks once a second, knows both ends, and finds the mock by itself.
CLIENT = """
import json, os, sys, time, urllib.request as web
from urllib.error import HTTPError
base, key = os.environ["EVOLINK_BASE_URL"], os.environ["EVOLINK_API_KEY"]
print("my key is", key if "liar" in sys.argv else "a secret")
def ask(path, body=None):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        return json.load(web.urlopen(web.Request(base + path, body and json.dumps(body).encode(), headers)))
    except HTTPError as error:
        sys.exit(json.load(error)["error"]["code"])
MODEL = "grok-imagine-image-to-video-beta"
body = {"model": MODEL, "prompt": os.environ["EVOLINK_PROMPT"], "image_urls": [os.environ["EVOLINK_IMAGE_URL"]]}
task = ask("/v1/videos/generations", body)
while (seen := ask("/v1/tasks/" + task["id"]))["status"] not in {"completed", "failed"}:
    time.sleep(1)
if seen["status"] == "failed" and "liar" not in sys.argv:
    sys.exit(seen["error"]["code"])
for link in seen.get("results", []):
    open(os.environ["EVOLINK_OUTPUT"], "wb").write(web.urlopen(link).read())
"""


def running(*more: str) -> Description:
    return Description((sys.executable, "-c", CLIENT, *more))


def planned(description: Description, *names: str, **more: Any) -> SuitePlan:
    plan = SuitePlan(
        description, select(scenarios(SPEC), names, ()), SPEC, CLAUSES, environment=environment()
    )
    return without_inapplicable(replace(plan, **{"limit": PATIENT, **more}))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with MockServer(duration="300ms") as mock:
        yield mock.base_url


def against(run: ScenarioRun) -> set[str]:
    assert run.problem == ""
    return {one.clause.id for one in run.violations}


def test_a_battery_runs_side_by_side_on_mocks_of_its_own(tmp_path: Path) -> None:
    heard: list[str] = []
    plan = planned(
        running("liar"), "happy", "create-402", "fail-service-error", jobs=2, seed=7, keep=tmp_path
    )
    happy, refused, failed = run_suite(plan, lambda run: heard.append(run.scenario.id))
    assert set(heard) == {"happy", "create-402", "fail-service-error"}
    assert (happy.outcome.end, against(happy)) == ("success", {"auth.not-printed"})
    assert happy.outcome.saved is not None
    assert happy.outcome.saved.whole
    assert (refused.outcome.end, refused.outcome.status) == ("failure", 1)
    assert against(refused) == {"auth.not-printed"}
    assert against(failed) == {"auth.not-printed", "client.failed-is-failure"}
    assert "my key is [removed:key]" in happy.outcome.output
    assert "client-" not in (tmp_path / "happy" / "stdout.txt").read_text(encoding="utf-8")
    archived = json.loads((tmp_path / "happy" / "requests.har").read_text(encoding="utf-8"))
    assert len(archived["log"]["entries"]) == len(happy.trace.entries)
    assert 0 < happy.trace.entries[0].began - happy.outcome.began < 10, (
        "times are ours, whatever the mock's clock says"
    )


def test_a_mock_that_runs_already_gives_each_scenario_an_account(url: str) -> None:
    happy, refused = run_suite(planned(running(), "happy", "query-404", mock=url))
    assert (happy.outcome.end, against(happy)) == ("success", set())
    assert (refused.outcome.end, against(refused)) == ("failure", set())
    assert {one.who for one in happy.trace.entries} == {"client", "nobody"}, (
        "a fetch needs no key, but had none"
    )


def test_a_request_without_the_key_is_seen_on_a_mock_of_our_own() -> None:
    bare = CLIENT.replace('"Authorization": f"Bearer {key}", ', "")
    (run,) = run_suite(planned(Description((sys.executable, "-c", bare)), "happy"))
    assert against(run) == {"auth.header"}


def test_a_client_that_does_not_end_is_killed_with_all_that_it_started(url: str) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(999)'])"
    before = threading.active_count()
    (run,) = run_suite(planned(Description((sys.executable, "-c", code)), "happy", mock=url, limit=1.0))
    assert run.outcome.end == "killed"
    assert run.problem == "the client made no request: it was killed"
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("command", "problem"),
    [(("no-such-client",), "no-such-client: no such program"), ((__file__,), "is not executable")],
)
def test_a_missing_program_is_said_once_before_any_scenario(command: tuple[str, ...], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        run_suite(planned(Description(command), mock="http://127.0.0.1:9"))


def test_a_client_that_fails_at_its_imports_is_said_once_with_its_output(url: str) -> None:
    heard: list[ScenarioRun] = []
    broken = Description((sys.executable, "-c", "import no_such_module"))
    with pytest.raises(CommandError) as caught:
        run_suite(planned(broken, mock=url, jobs=1), heard.append)
    text = str(caught.value)
    assert text.startswith("the client makes no request: it ended with status 1 and printed\n")
    assert "ModuleNotFoundError: No module named 'no_such_module'" in text
    assert len(heard) == 1, "the second run without a request ended it"


def test_a_client_that_hangs_before_any_request_is_told_once(url: str) -> None:
    hanging = Description((sys.executable, "-c", "print('waiting'); import time; time.sleep(99)"))
    with pytest.raises(CommandError, match=r"makes no request: it was killed after 1 s"):
        run_suite(planned(hanging, "happy", "create-402", "create-403", mock=url, jobs=2, limit=1.0))


def test_no_more_scenarios_are_started_after_the_first_failure(url: str) -> None:
    names = ("happy", "fail-service-error", "create-402", "create-403")
    plan = planned(running("liar"), *names, mock=url, jobs=1, fails_fast=lambda run: bool(run.violations))
    assert len(run_suite(plan)) == 1


def test_twice_as_many_scenarios_run_at_a_time_on_a_mock_that_they_share() -> None:
    plan = planned(running(), "happy", "create-402", "create-403", "create-500-always", "query-404", jobs=4)
    assert plan.additional_workers == 1
    runs = run_suite(plan)
    assert [run.scenario.id for run in runs] == [scenario.id for scenario in plan.scenarios]
    assert {clause for run in runs for clause in against(run)} == set()
    assert planned(running(), jobs=4).additional_workers == 4
    assert planned(running(), jobs=1).additional_workers == 0
    assert planned(running(), mock="http://127.0.0.1:1").additional_workers == 0


def test_runs_are_repeated_on_separate_mocks_when_a_request_belongs_to_no_account() -> None:
    bare = CLIENT.replace('"Authorization": f"Bearer {key}", ', "")
    names = ("happy", "create-402", "create-403", "query-404", "query-403")
    runs = run_suite(planned(Description((sys.executable, "-c", bare)), *names, jobs=4))
    assert sorted(run.scenario.id for run in runs) == sorted(names)
    assert [against(run) for run in runs] == [{"auth.header"}] * len(names)


def test_a_stray_request_with_the_right_key_is_no_other_key() -> None:
    stray = CLIENT.replace("MODEL = ", "web_stray = lambda: ask('/v2/models')\nMODEL = ").replace(
        "task = ask(",
        "try:\n    web_stray()\nexcept SystemExit:\n    pass\ntask = ask(",
        1,
    )
    (run,) = run_suite(planned(Description((sys.executable, "-c", stray)), "happy"))
    assert (against(run), run.note) == (set(), "")


def test_a_mock_that_is_none_ends_the_battery() -> None:
    with pytest.raises(MockError, match="there is no mock at"):
        run_suite(planned(running(), "happy", mock="http://127.0.0.1:9"))
    with pytest.raises(MockError, match="there is no mock at"):
        run_suite(planned(running(), "happy", mock="http://localhost:port"))
    with pytest.raises(MockError, match="invalid URL of a mock"):
        borrow_account("mock", {})


MOCK = Mock("http://127.0.0.1:1", "a-key", {"EVOLINK_BASE_URL": "http://127.0.0.1:1"})


def filled(description: Description, place: Workspace) -> list[str]:
    return command_words(description, placeholders(description, place, MOCK))


def test_placeholders_are_filled_in(tmp_path: Path) -> None:
    called = Description(
        ("x", "{prompt} {output}", '{"a":1}', "{callback_url}", "{callback_listen}"), prompt="Go"
    )
    place = make_workspace(called, tmp_path)
    port = place.listen.removeprefix("127.0.0.1:")
    assert filled(called, place) == [
        *("x", f"Go {tmp_path / 'result.mp4'}", '{"a":1}'),
        *(f"http://127.0.0.1:{port}/callback", f"127.0.0.1:{port}"),
    ]
    nested = Description(("{prompt}",), prompt="a {output}")
    assert filled(nested, place) == ["a {output}"], "what is filled in stays as it is"
    keyed = Description(("x", "--key={key}", "{base_url}/v1"), environment={"OTHER_URL": "{base_url}/v2"})
    assert filled(keyed, place) == ["x", "--key=a-key", "http://127.0.0.1:1/v1"]
    values = placeholders(keyed, place, MOCK)
    assert filled_in_environment(keyed, values) == {"OTHER_URL": "http://127.0.0.1:1/v2"}
    own = Description(("x",), callback=Receiver("0.0.0.0:{port}", "https://a.example:{port}/h"))
    assert make_workspace(own, tmp_path).callback_url.startswith("https://a.example:")
    assert make_workspace(Description(("x",)), tmp_path).callback_url == ""
    with pytest.raises(CommandError, match="no command"):
        check_command(Description(()))


def test_scenarios_that_need_a_receiver_are_for_those_that_have_one() -> None:
    assert not any(one.calls for one in planned(running()).scenarios)
    called = planned(running("{callback_url}"))
    assert sum(one.calls for one in called.scenarios) == 5


def test_a_run_takes_longer_than_the_client_says_it_waits() -> None:
    usual, endless = (find(id_) for id_ in ("happy", "create-hang"))
    assert planned(running(), limit=None).limit_of(usual) == SHORTEST
    assert planned(Description(("x",), deadline=20.0), limit=None).limit_of(usual) == 35.0
    assert planned(Description(("x",), deadline=600.0), limit=None).limit_of(usual) == 615.0
    assert planned(Description(("x",), deadline=600.0), limit=None).limit_of(endless) == 615.0 + HANGING
    assert planned(running(), limit=3.0).limit_of(endless) == 3.0


def find(id_: str) -> Scenario:
    return next(one for one in scenarios(SPEC) if one.id == id_)


# The command


def command(*words: str) -> tuple[int, str]:
    app = Group("evolink-check", help="", epilog="")
    mount(app)
    done = CliRunner().invoke(app, ["client", *words])
    return done.exit_code, done.output


def test_the_command_judges_and_writes_its_reports(url: str, tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_text("skip = ['fail-']\n", encoding="utf-8")
    reports = [f"--{name}={tmp_path / name}" for name in ("json", "junit", "html", "badge")]
    scenario = ["--scenario", "create-402", "--scenario", "create-403", "--config", str(file)]
    status, text = command("--mock", url, *scenario, *reports, "--", *running().command)
    assert status == 0, text
    assert "rules passed in 2 scenarios" in text
    assert "a client with a hard-coded address reaches the real API" in text
    assert all((tmp_path / name).stat().st_size for name in ("json", "junit", "html", "badge"))
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8"))["score"]["scenarios"] == 2


def test_a_client_of_several_documents_is_checked_with_or_without_the_built_in_one(tmp_path: Path) -> None:
    videos = {
        name: page for name, page in family.creations().items() if family.PATHS["video"] in page["paths"]
    }
    (first, page), (second, other) = list(videos.items())[:2]
    folder = family.save(tmp_path, {first: page, second: other, "get-task-detail": family.query()})
    documents = [str(path) for path in sorted(folder.iterdir())]
    order = json.dumps(family.request_of(other, family.models_of(other)[0]))
    code = CLIENT.replace(
        'task = ask("/v1/videos/generations", body)', f"task = ask({family.PATHS['video']!r}, {order})"
    )
    for option in ("--only-spec", "--spec"):
        words = [word for path in documents for word in (option, path)]
        status, text = command(*words, "--scenario", "happy", "--", sys.executable, "-c", code)
        assert (status, "rules passed in 1 scenarios" in text) == (0, True), text


def test_the_command_lists_its_scenarios() -> None:
    status, text = command("--list")
    assert status == 0
    assert "query-429\n    The response to the query request is 429" in text


def test_scenarios_that_a_file_skips_to_the_last_are_told(tmp_path: Path) -> None:
    file = tmp_path / "client.toml"
    file.write_text("skip = ['*']\n", encoding="utf-8")
    status, text = command("--config", str(file), "--", "x")
    assert (status, "the file of --config skips all scenarios that were selected" in text) == (2, True)


def test_a_bug_of_ours_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evolink_check.cli.commands.client._run_and_judge", lambda *_, **__: 1 // 0)
    status, text = command("--", "x")
    assert (status, "a bug in evolink-check" in text) == (2, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--scenario", "sunny", "--", "x"], "there is no scenario 'sunny'"),
        ([], "no command: write it after --"),
        (["--html", "no/where.html", "--", "x"], "no/where.html: there is no folder no"),
        (["--badge", "/", "--", "x"], "/: is a folder"),
        (["--json", "-", "--junit", "-", "--", "x"], "only one report can go to stdout"),
        (["--config", "none.toml"], "none.toml: cannot be read"),
        (["--spec", "none.yaml", "--", "x"], "none.yaml: cannot be read"),
        (["--env", "NAME", "--", "x"], "--env: write NAME=VALUE"),
        (["--cwd", "no/where", "--", "x"], "--cwd: there is no folder no/where"),
        (["--warn", "client.no-crahs", "--", "x"], "--warn: there is no clause 'client.no-crahs'"),
        (["--scenario", "callback", "--", "x"], "no scenario applies"),
        (["--mock", "http://127.0.0.1:9", "--scenario", "happy", "--", "true"], "there is no mock at"),
        (["--", "nosuchcmd"], "nosuchcmd: no such program\n"),
    ],
)
def test_what_cannot_be_run_is_a_line_and_status_2(words: list[str], problem: str) -> None:
    status, text = command(*words)
    assert status == 2
    assert f"evolink-check: {problem}" in text


def test_the_journal_is_read_after_the_mock_has_recorded_the_fetch_of_a_saved_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query, fetch = (
        {"request": {"method": "GET"}, "response": {"status": 200, "content": {"mimeType": kind}}}
        for kind in ("application/json", "video/mp4")
    )
    reads = iter([Journals([], []), Journals([query], []), Journals([query, fetch], [])])
    monkeypatch.setattr(Mock, "journal", lambda _: next(reads))
    monkeypatch.setattr("evolink_check.clock.wait", lambda _: None)
    assert read_journal(Mock("", "", {}), find("happy"), saved=True).own == [query, fetch]


@pytest.mark.parametrize(
    ("outcomes", "count"),
    [
        ([((), ()), ((0, 1), (0.4,)), ((1,), (0.3,)), ((1,), (0.6,))], 4),  # it starts late, and then waits
        ([((1,), (0.01,))] * 9, 6),
        ([((3, 2), (0.5, 0.6))], 1),  # it comes through
    ],
)
def test_runs_with_refused_connections_are_repeated_until_the_pace_is_known(
    outcomes: list[tuple[tuple[int, ...], tuple[float, ...]]], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, times = find("refused"), list[float]()

    def once(_plan: Any, _mock: Any, scenario: Any, refusal: Refusal | None = None) -> ScenarioRun:
        refusal = refusal or Refusal()
        attempts, more = outcomes[len(times)]
        times.append(refusal.closed)
        outcome = Outcome("failure", 100.0, 102.0, attempts=attempts, delays=(*refusal.delays, *more))
        entries = (SimpleNamespace(began=104.0),) if sum(attempts) != 1 else ()
        return ScenarioRun(scenario, Trace(entries), outcome)  # type: ignore[arg-type]

    monkeypatch.setattr("evolink_check.client.runner._run_once", once)
    run_scenario(planned(running(), "refused"), MOCK, refused)
    assert len(times) == count
    assert times[1:2] in ([4.75], [1.75], []), "it has begun to connect before the port is opened"


@pytest.mark.parametrize("name", ["query-trickle", "query-hang"])
def test_the_journal_is_read_after_the_mock_has_noticed_the_end_of_an_unfinished_response(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scenario,) = select(scenarios(SPEC), [name], ())
    usual = {"request": {"method": "GET"}, "response": {"status": 200}}
    broken = {"request": {"method": "GET"}, "response": {"status": 0}}
    reads = iter([Journals([], []), Journals([usual], []), Journals([usual, broken], [])])
    monkeypatch.setattr(Mock, "journal", lambda _: next(reads))
    monkeypatch.setattr("evolink_check.clock.wait", lambda _: None)
    assert read_journal(Mock("", "", {}), scenario).own == [usual, broken]
