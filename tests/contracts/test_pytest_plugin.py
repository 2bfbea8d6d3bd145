"""The contract as tests of a project, in test runs of their own; the check itself is replaced, but for one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

# Imported before any run in this process: pytester forgets what a run imported, and some of it bears only one import.
import httpcore2  # noqa: F401  (before the runs below, which forget the modules that they import)
import pytest
from evolink_mock import MockServer
from evolink_spec.clauses import load_clauses

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

SERVER = [clause.id for clause in load_clauses() if clause.binds == "server"]
OTHERS = len(SERVER) - len(("task.final", "task.ends", "id.unique"))
REWRITTEN = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
OPTIONS = (
    "-p",
    "evolink_check.pytest_plugin",
    "-p",
    "no:cacheprovider",
    "-W",
    "error",
    "-W",
    REWRITTEN,
    "-rsf",
)
TESTS = """
def test_the_contract(evolink_verdict):
    assert evolink_verdict.status in {"passed", "warning"}
"""
# One clause each: failed, known to fail, warning, passed. All others are not observed.
STAND_IN = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def stand_in():
    import evolink_check.engine.runner
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Verdict, violation
    from evolink_check.reports.evidence import Evidence
    from evolink_check.reports.model import Report
    from evolink_check.traffic.trace import Trace

    bad = violation(3, expected="a final state", seen="processing again")
    others = tuple(violation(3, expected="a final state", seen=f"word {number}") for number in range(6))
    words = {
        "task.final": ("failed", (*(bad,) * 7, *others), False),
        "task.ends": ("warning", (bad,), False),
        "id.format": ("failed", (bad,), True),
        "id.unique": ("passed", (), False),
    }
    told = []

    def check_api(subject, effort, *, spec, clauses):
        told.append((subject, effort))
        verdicts = [
            Verdict(one, words[one.id][0], 9, *words[one.id][1:]) if one.id in words else Verdict(one, "not observed")
            for one in clauses if one.binds == "server"
        ]
        return Report("api", subject.url, Evidence(TraceView(Trace(()), spec)), tuple(verdicts), (), 0.0, 1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evolink_check.engine.runner, "check_api", check_api)
        yield told
    assert len(told) <= 1, "one check for all clauses"
    if told:
        with open("told.txt", "a") as file:
            print(told, file=file)
"""
API = ("--evolink-api", "http://api.test")


@pytest.fixture
def runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Runs tests with the plugin and no other that is installed, as it would load by its entry point."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("EVOLINK_API_KEY", "a-key-of-some-length")
    for name in (
        "PYTEST_ADDOPTS",
        "PYTEST_XDIST_WORKER",
        "PYTEST_XDIST_WORKER_COUNT",
        "EVOLINK_OTHER_API_KEY",
    ):
        monkeypatch.delenv(name, raising=False)

    def run(
        *options: str, tests: str = TESTS, conftest: str = STAND_IN, apart: bool = False
    ) -> pytest.RunResult:
        pytester.makeconftest(conftest)
        pytester.makepyfile(tests)
        go = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        return go(*OPTIONS, *options)

    return run


def test_each_clause_is_a_test_with_its_word(runs: Callable[..., pytest.RunResult]) -> None:
    result = runs(*API)
    outcomes = result.parseoutcomes()
    assert (outcomes["failed"], outcomes["passed"]) == (1, 2)
    assert outcomes["skipped"] > 100
    shown = result.stdout.str()
    assert "test_the_contract[task.final]" in shown
    assert "task.final: After a task has completed or failed, its status does not change" in shown
    assert "  source    get-task-detail.yaml#/" in shown
    assert "  expected  a final state\n  seen      processing again  (7 times)\n" in shown
    assert "  and 2 other violations" in shown
    assert "not observed: all bodies" not in shown
    assert "known to fail: id.format" in shown
    assert "pytest_plugin.py" not in shown.partition("short test summary")[0]


def test_the_ini_file_says_what_the_command_line_may(
    runs: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makeini(
        "[pytest]\nevolink_api = http://ini.test\nevolink_max_credits = 12\nevolink_profile = ci\n"
    )
    runs("--evolink-max-credits", "0")
    told = (pytester.path / "told.txt").read_text()
    assert "http://ini.test" in told
    assert "profile='ci'" in told
    assert "max_credits=0.0" in told
    assert "a-key-of-some-length" not in told


def test_a_configuration_is_found_from_the_root_of_the_project(
    runs: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    (pytester.path / "production.toml").write_text('[target]\nurl = "http://file.test"\nscale = 3\n')
    runs("--evolink-config", "production.toml").assert_outcomes(failed=1, passed=2, skipped=OTHERS)
    assert "http://file.test" in (pytester.path / "told.txt").read_text()


def test_without_an_api_these_tests_are_skipped(runs: Callable[..., pytest.RunResult]) -> None:
    result = runs()
    assert set(result.parseoutcomes()) == {"skipped"}
    result.stdout.fnmatch_lines(["*no API to check: use --evolink-api URL"])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--evolink-api", "api.test"), "invalid base URL 'api.test'"),
        (
            (*API, "--evolink-max-credits", "much"),
            "evolink-max-credits: 'much' is not a number of at least 0",
        ),
        ((*API, "--evolink-max-credits", "inf"), "evolink-max-credits: 'inf' is not a number of at least 0"),
        ((*API, "--evolink-profile", "slow"), "'slow' is not one of quick, ci, deep"),
        ((*API, "--evolink-config", "nowhere.toml"), "nowhere.toml: cannot be read"),
    ],
)
def test_what_cannot_be_is_told_and_passes_nowhere(
    runs: Callable[..., pytest.RunResult], options: tuple[str, ...], problem: str
) -> None:
    result = runs(*options, "-x")
    result.assert_outcomes(errors=1)
    assert f"the API could not be checked: {problem}" in result.stdout.str() or problem in result.stdout.str()


def test_nothing_is_imported_for_tests_that_do_not_ask(runs: Callable[..., pytest.RunResult]) -> None:
    heavy = {
        *("evolink_check.engine.runner", "evolink_check.cli.config", "msgspec", "yaml"),
        *("hypothesis", "httpx2", "openapi_core"),
    }
    tests = f"import sys\n\ndef test_nothing():\n    assert {heavy} & set(sys.modules) == set()\n"
    runs(*API, tests=tests, conftest="", apart=True).assert_outcomes(passed=1)


def test_workers_check_once_where_the_tests_of_a_file_stay_together(
    runs: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    result = runs(*API, "-p", "xdist", "-n", "2", "--dist", "loadfile", apart=True)
    result.assert_outcomes(failed=1, passed=2, skipped=OTHERS)
    assert len((pytester.path / "told.txt").read_text().splitlines()) == 1


def test_workers_that_would_each_check_are_refused(runs: Callable[..., pytest.RunResult]) -> None:
    result = runs(*API, "-p", "xdist", "-n", "2", "-x", apart=True)
    assert "passed" not in result.parseoutcomes()
    assert "every worker would check the API: use --dist loadfile" in result.stdout.str()


def test_a_second_file_in_another_worker_does_not_check_again(
    runs: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_another=TESTS)
    result = runs(*API, "-p", "xdist", "-n", "2", "--dist", "loadfile", apart=True)
    assert result.parseoutcomes()["errors"] == 1
    assert "another worker checks the API" in result.stdout.str()
    assert len((pytester.path / "told.txt").read_text().splitlines()) == 1


def test_an_api_that_is_not_there_is_no_pass(runs: Callable[..., pytest.RunResult]) -> None:
    unreachable = STAND_IN.replace(
        "told.append((", "raise evolink_check.engine.preflight.CouldNotRunError('gone', ("
    )
    result = runs(*API, conftest=unreachable)
    result.assert_outcomes(errors=1, skipped=OTHERS + 2)
    assert result.stdout.str().count("the API could not be checked: gone") == 1


def test_a_mock_keeps_the_contract(runs: Callable[..., pytest.RunResult], pytester: pytest.Pytester) -> None:
    (pytester.path / "short.toml").write_text("[target]\nany_key = true\n[effort]\ntime_limit = 1\n")
    with MockServer(duration="50ms", allow_callbacks_to=()) as mock:  # by default one may call loopback back
        options = ("--evolink-api", mock.base_url, "--evolink-config", "short.toml")
        outcomes = runs(*options, conftest="").parseoutcomes()
    assert set(outcomes) == {"passed", "skipped"}
    assert outcomes["passed"] > 0, "how many depends on the machine: it has a second"
