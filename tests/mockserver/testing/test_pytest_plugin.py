"""The fixtures, in test runs of their own."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import httpcore2  # noqa: F401  (before the runs below, which forget the modules that they import)
import pytest
from evolink_mock import MockServer
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester"]

CLIENT = """
import httpx2
import pytest

CREATE = "/v1/videos/generations"
BODY = {"model": "grok-imagine-image-to-video-beta", "prompt": "p", "image_urls": ["https://example.com/i.jpg"]}


def ask(mock, method, path, **more):
    headers = {"authorization": f"Bearer {mock.token}"}
    return httpx2.request(method, mock.base_url + path, headers=headers, trust_env=False, **more)


def create(mock, **fields):
    return ask(mock, "POST", CREATE, json=BODY | fields)

"""


# The plugin is loaded in the process of these tests too, where it is installed.
REWRITTEN = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
OPTIONS = (
    "-p",
    "evolink_mock.testing.pytest_plugin",
    "-p",
    "no:cacheprovider",
    "-W",
    "error",
    "-W",
    REWRITTEN,
    "-v",
)


class Runs:
    """Runs tests with the plugin and no other that is installed, as it would load by its entry point."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester

    def __call__(self, tests: str, *options: str, apart: bool = False) -> pytest.RunResult:
        self._pytester.makepyfile(CLIENT + tests)
        run = self._pytester.runpytest_subprocess if apart else self._pytester.runpytest_inprocess
        return run(*OPTIONS, *options)


@pytest.fixture
def runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("EVOLINK_MOCK_URL", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    return Runs(pytester)


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def test_the_entry_point_names_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"]["evolink-mock"] == "evolink_mock.testing.pytest_plugin"


def test_a_test_has_an_account_of_its_own_and_may_command_it(runs: Runs) -> None:
    result = runs("""
def test_a_task(evolink_mock):
    evolink_mock.clock.freeze()
    task_id = create(evolink_mock).json()["id"]
    evolink_mock.clock.advance("5s")
    assert evolink_mock.wait_for(task_id).status == "completed"
    assert ask(evolink_mock, "GET", f"/v1/tasks/{task_id}").json()["status"] == "completed"
    evolink_mock.clock.advance("24h")
    (link,) = evolink_mock.tasks[0].body["results"]
    assert httpx2.get(link, trust_env=False).status_code == 410

def test_another_sees_nothing_of_it(evolink_mock):
    assert evolink_mock.tasks == evolink_mock.requests == []
    assert not evolink_mock.state.frozen

def test_a_recipe(evolink_mock):
    evolink_mock.recipe("429", times=1)
    assert [create(evolink_mock).status_code for _ in range(2)] == [429, 200]
""")
    result.assert_outcomes(passed=3)


def test_a_request_that_broke_the_contract_fails_the_test_with_the_reason_alone(runs: Runs) -> None:
    result = runs("""
def test_malformed(evolink_mock):
    create(evolink_mock, duration=7)

def test_unknown(evolink_mock):
    ask(evolink_mock, "GET", "/v1/tasks/task-unified-1757169743-aaaaaaaa")
""")
    result.assert_outcomes(failed=2)
    shown = result.stdout.str()
    assert "POST /v1/videos/generations was answered 400: duration: 7 is not one of 6, 10" in shown
    assert "task_not_found: 'task-unified-1757169743-aaaaaaaa' is not a task of this account" in shown
    assert "Traceback" not in shown
    assert "pytest_plugin.py" not in shown


def test_a_violation_that_was_expected_passes_and_one_that_does_not_come_fails(runs: Runs) -> None:
    result = runs("""
def test_expected(evolink_mock):
    evolink_mock.expect_violation("duration")
    create(evolink_mock, duration=7)

def test_made_by_a_recipe(evolink_mock):
    evolink_mock.recipe("400")
    assert create(evolink_mock).status_code == 400

def test_in_vain(evolink_mock):
    evolink_mock.expect_violation("duration")
    create(evolink_mock)
""")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*a violation matching 'duration' was expected, and none occurred"])


def test_a_test_that_fails_anyway_shows_what_broke_and_keeps_its_own_reason(runs: Runs) -> None:
    result = runs("""
def test_fails(evolink_mock):
    assert create(evolink_mock, duration=7).json()["id"]

def test_skips(evolink_mock):
    create(evolink_mock, duration=7)
    pytest.skip("not today")
""")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["*KeyError: 'id'", "*Captured evolink-mock call*", "*was answered 400: duration*"]
    )


def test_a_failing_test_shows_what_the_mock_saw(runs: Runs) -> None:
    result = runs("""
def test_fails(evolink_mock, evolink_callbacks):
    evolink_mock.clock.freeze()
    create(evolink_mock, callback_url=evolink_callbacks.url)
    ask(evolink_mock, "GET", "/v1/credits")
    assert False

def test_fails_without_the_mock():
    assert False
""")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*Captured evolink-mock call*",
            "request: POST /v1/videos/generations -> 200",
            "request: GET /v1/credits -> 200",
            "task: task-unified-* is pending at 0 %, will be completed",
            "callback: task-unified-* to http://127.0.0.1:* is owed; attempts: none",
            "clock: stopped at 20* UTC",
        ]
    )
    assert result.stdout.str().count("Captured evolink-mock call") == 1


def test_what_breaks_the_contract_after_the_test_is_an_error_of_its_teardown(runs: Runs) -> None:
    result = runs("""
@pytest.fixture
def late(evolink_mock):
    yield
    create(evolink_mock, duration=7)

def test_passes(late):
    pass
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*was answered 400: duration*"])


def test_the_account_is_dropped_after_the_test(runs: Runs, server: MockServer) -> None:
    result = runs(
        """
def test_passes(evolink_mock):
    create(evolink_mock)

def test_breaks(evolink_mock):
    create(evolink_mock, duration=7)

def test_only_one_is_open(evolink_mock):
    accounts = httpx2.get(f"{evolink_mock.base_url}/__mock__/accounts", trust_env=False).json()["accounts"]
    assert [one["label"] for one in accounts] == [evolink_mock.state.label]
""",
        "--evolink-mock-url",
        server.base_url,
    )
    result.assert_outcomes(passed=2, failed=1)


def test_a_receiver_that_fails_is_tried_again_on_the_virtual_clock(runs: Runs) -> None:
    result = runs("""
def test_retries(evolink_mock, evolink_callbacks):
    evolink_callbacks.fail(2)
    evolink_callbacks.answer(302)
    create(evolink_mock, callback_url=evolink_callbacks.url)
    evolink_mock.clock.advance("5s")
    assert [one.status for one in evolink_callbacks.received] == [500]
    evolink_mock.clock.advance("1m")
    assert [one.status for one in evolink_callbacks.received] == [500, 500, 302, 204]
    assert evolink_mock.callbacks.wait(1)[0].state == "delivered"
""")
    result.assert_outcomes(passed=1)


def test_an_async_client_reaches_the_mock_without_a_socket(runs: Runs) -> None:
    result = runs("""
import asyncio

def test_in_process(evolink_mock):
    async def go():
        headers = {"authorization": f"Bearer {evolink_mock.token}"}
        async with httpx2.AsyncClient(transport=evolink_mock.transport(), headers=headers) as client:
            return (await client.post("https://api.evolink.ai" + CREATE, json=BODY)).json()
    assert asyncio.run(go())["id"] == evolink_mock.tasks[0].id
""")
    result.assert_outcomes(passed=1)


def test_the_settings_of_the_mock_are_a_fixture_to_override(runs: Runs) -> None:
    result = runs("""
@pytest.fixture(scope="session")
def evolink_mock_settings():
    return {"duration": "3s", "credits": 12}

def test_settings(evolink_mock):
    create(evolink_mock)
    (task,) = evolink_mock.tasks
    assert task.timetable.ends - task.timetable.created == pytest.approx(3)
    assert evolink_mock.state.granted == 12
""")
    result.assert_outcomes(passed=1)


def test_nothing_is_imported_or_started_for_tests_that_do_not_ask(runs: Runs) -> None:
    result = runs(
        """
import sys, threading

HEAVY = {"av", "msgspec", "jsonschema_rs", "starlette", "uvicorn", "evolink_mock.testing.mock_server"}
BEFORE = HEAVY & sys.modules.keys()

def test_something_else():
    assert BEFORE == HEAVY & sys.modules.keys() == set()
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]

def test_asks(evolink_mock):
    assert {"msgspec", "starlette", "uvicorn", "evolink_mock.testing.mock_server"} <= sys.modules.keys()
    assert "evolink-mock" in [thread.name for thread in threading.enumerate()]
""",
        apart=True,
    )
    result.assert_outcomes(passed=2)


SHARED = """
@pytest.mark.parametrize("number", range(4))
def test_alone(evolink_mock, number, worker_id):
    assert worker_id != "master"
    create(evolink_mock)
    assert len(evolink_mock.tasks) == 1
    print("served by", evolink_mock.base_url)
"""


def test_each_worker_of_xdist_has_a_mock_of_its_own(runs: Runs) -> None:
    result = runs(SHARED, "-p", "xdist", "-n", "2", "-rP", apart=True)
    result.assert_outcomes(passed=4)
    assert len({line for line in result.outlines if line.startswith("served by")}) == 2


@pytest.mark.parametrize("way", ["option", "variable"])
def test_the_workers_of_xdist_share_a_mock_that_runs(
    runs: Runs, server: MockServer, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    options = ("--evolink-mock-url", server.base_url) if way == "option" else ()
    if way == "variable":
        monkeypatch.setenv("EVOLINK_MOCK_URL", server.base_url)
    result = runs(SHARED, "-p", "xdist", "-n", "2", "-rP", *options, apart=True)
    result.assert_outcomes(passed=4)
    assert {line for line in result.outlines if line.startswith("served by")} == {
        f"served by {server.base_url}"
    }


def test_a_mock_that_does_not_run_is_said_to_be_missing(runs: Runs) -> None:
    result = runs("def test_asks(evolink_mock): pass", "--evolink-mock-url", "http://127.0.0.1:1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*ConnectionError: no evolink-mock responds at http://127.0.0.1:1: *refused*"]
    )


def test_the_test_of_the_readme_passes(runs: Runs) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = (
        block.partition("```")[0] for block in readme.split("```python\n")[1:] if "def test_" in block
    )
    runs("\n" + shown).assert_outcomes(passed=1)


def test_a_violation_fails_the_test_however_many_requests_follow_it(runs: Runs) -> None:
    result = runs(
        """
def test_refused(evolink_mock):
    assert create(evolink_mock, duration=7).status_code == 400
    with httpx2.Client(transport=evolink_mock.transport()) as client:
        for _ in range(220):
            client.get("http://mock/v1/credits", headers={"authorization": f"Bearer {evolink_mock.token}"})
    assert len(evolink_mock.requests) == 200
"""
    )
    result.assert_outcomes(failed=1)
    assert "duration: 7 is not one of 6, 10" in result.stdout.str()
