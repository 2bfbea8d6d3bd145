"""A pytest plugin that runs each clause of the contract as a test. pytest loads the plugin if the package is installed.

    def test_the_contract(evolink_verdict):
        '''Runs once for each clause that servers must satisfy.'''

With `pytest --evolink-api URL`, the first test with the fixture `evolink_verdict` checks the API at URL. All later
tests with this fixture use the results of the same check. A test fails if its clause failed. A test is skipped if its
clause was not observed. The API keys are read from EVOLINK_API_KEY and EVOLINK_OTHER_API_KEY. Without --evolink-api and
--evolink-config, tests with the fixture are skipped. With pytest-xdist, use --dist loadfile, and write all tests with
the fixture in one file. Then a single worker checks the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.model import Report

_VERDICT = "evolink_verdict"
_DIST, _WHOLE_FILES = (
    "evolink_dist",
    {"loadfile", "loadscope"},
)  # the --dist modes of pytest-xdist that run all tests of a file in one worker
_SHOWN = 5  # maximum number of violations shown for a clause
_UNCHECKED = pytest.StashKey["list[str]"]()  # the clauses whose tests ran although nothing was checked
_OPTIONS = {
    "evolink-api": ("URL", "Check the API at this base URL, in tests with the fixture evolink_verdict."),
    "evolink-config": ("FILE", "The file that describes the API, as for evolink-check api --config."),
    "evolink-max-credits": ("N", "Credits that the check may spend. If not set, no task is created."),
    "evolink-profile": ("quick|ci|deep", "The extent of the tests."),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options to pytest.

    Each option can also be set in the ini file.
    """
    group = parser.getgroup("evolink-check")
    for name, (metavar, text) in _OPTIONS.items():
        group.addoption(f"--{name}", metavar=metavar, help=text)
        parser.addini(name.replace("-", "_"), help=text, default="")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test with the fixture `evolink_verdict` once for each clause about servers."""
    if _VERDICT in metafunc.fixturenames:
        from evolink_spec.clauses import load_clauses

        ids = [clause.id for clause in load_clauses() if clause.binds == "server"]
        metafunc.parametrize(_VERDICT, ids, indirect=True, scope="session")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the value of the option --dist to a worker of pytest-xdist."""
    node.workerinput[_DIST] = node.config.getoption("dist")


@pytest.fixture(scope="session")
def _evolink_outcome(request: pytest.FixtureRequest) -> Report | str:
    # A text is the reason why the API could not be checked.
    config = request.config
    url, file = _option(config, "evolink-api"), _option(config, "evolink-config")
    if not url and not file:
        pytest.skip("no API to check: use --evolink-api URL")
    return _reason_other_worker_checks(request) or _check(config, url, file)


def _reason_other_worker_checks(request: pytest.FixtureRequest) -> str:
    # Only one worker may check the API, because a check can cost credits. An empty text allows the check.
    worker = getattr(request.config, "workerinput", None)
    if worker is None:
        return ""
    if worker[_DIST] not in _WHOLE_FILES:
        return "every worker would check the API: use --dist loadfile, or -n 0"
    shared = request.getfixturevalue("tmp_path_factory").getbasetemp().parent
    try:
        (shared / "evolink-check").touch(exist_ok=False)
    except FileExistsError:
        return "another worker checks the API: use evolink_verdict in one file only, or use -n 0"
    return ""


@pytest.fixture(scope="session")
def evolink_report(_evolink_outcome: Report | str) -> Report:
    """Return the report on the API. The test fails if the API could not be checked."""
    if isinstance(_evolink_outcome, str):
        pytest.fail(_evolink_outcome, pytrace=False)
    return _evolink_outcome


@pytest.fixture(scope="session")
def evolink_verdict(request: pytest.FixtureRequest, _evolink_outcome: Report | str) -> Verdict:
    """Return the verdict on one clause. A test with this fixture fails if the clause failed."""
    if isinstance(_evolink_outcome, str):
        unchecked = request.config.stash.setdefault(_UNCHECKED, [])
        unchecked.append(request.param)
        if len(unchecked) > 1:
            pytest.skip(f"nothing was checked: see {unchecked[0]}")
        pytest.fail(_evolink_outcome, pytrace=False)
    return next(verdict for verdict in _evolink_outcome.verdicts if verdict.clause.id == request.param)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail or skip a test according to the verdict on its clause."""
    verdict = getattr(item, "funcargs", {}).get(_VERDICT)
    if verdict is not None:
        _apply_verdict(verdict)  # before the body of the test runs
    return (yield)


def _apply_verdict(verdict: Verdict) -> None:
    if verdict.fails:
        pytest.fail(_failure_text(verdict), pytrace=False)
    if verdict.status == "failed":
        pytest.skip(f"known to fail: {_failure_text(verdict)}")
    if verdict.status == "not observed":
        pytest.skip(f"not observed: {verdict.clause.observed.by}")


def _check(config: pytest.Config, url: str, file: str) -> Report | str:
    from pathlib import Path

    from evolink_spec import load
    from evolink_spec.clauses import load_clauses
    from evolink_spec.options.sources import RawValue, gather

    from evolink_check.cli.config import choose, environment
    from evolink_check.cli.options import EffortOptions, ServerOptions
    from evolink_check.engine.preflight import CouldNotRunError
    from evolink_check.engine.runner import PROFILES, check_api

    clauses = load_clauses()
    path = config.rootpath / Path(file) if file else None
    names = {"max_credits": "evolink-max-credits", "profile": "evolink-profile"}
    texts = {field: RawValue(name, text) for field, name in names.items() if (text := _option(config, name))}
    try:
        effort = gather(EffortOptions, [texts])
        server = ServerOptions(url=url, config=path, no_memory=True)
        chosen = choose(server, effort, PROFILES, [clause.id for clause in clauses], environment())
        return check_api(chosen.subject, chosen.effort, spec=load(), clauses=clauses)
    except (ValueError, CouldNotRunError) as problem:
        return f"the API could not be checked: {problem}"


def _option(config: pytest.Config, name: str) -> str:
    value: str = config.getoption(f"--{name}") or config.getini(name.replace("-", "_"))
    return value


def _failure_text(verdict: Verdict) -> str:
    from evolink_check.reports import formatting

    clause, violations = verdict.clause, formatting.violations(verdict)
    lines = [f"{clause.id}: {clause.rule}", f"  source    {formatting.clause_source(clause)}"]
    for violation in violations[:_SHOWN]:
        often = f"  ({violation.times} times)" if violation.times > 1 else ""
        lines += [f"  expected  {violation.expected}", f"  seen      {violation.seen}{often}"]
    more = len(violations) - _SHOWN
    return "\n".join([*lines, *([f"  and {more} other violations"] if more > 0 else [])])
