"""Each clause of the contract as a test, for an API that pytest is pointed at. There once the package is installed.

    def test_the_contract(evolink_verdict):
        '''Runs once for every clause that binds a server.'''

`pytest --evolink-api URL` checks that API once, when the first such test asks for it: a clause that failed fails
its test, one that was not observed skips it. Keys stand in EVOLINK_API_KEY and EVOLINK_OTHER_API_KEY. Without an API
these tests are skipped, and nothing is imported for tests that do not ask. With pytest-xdist: --dist loadfile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.model import Report

_VERDICT = "evolink_verdict"
_DIST, _TOGETHER = "evolink_dist", {"loadfile", "loadscope"}  # what keeps the tests of a file in one worker
_SHOWN = 5  # different violations of a clause
_TOLD = pytest.StashKey["list[str]"]()  # the clauses whose test was told that nothing was checked
_OPTIONS = {
    "evolink-api": ("URL", "Check the API at this base URL, in tests that ask for evolink_verdict."),
    "evolink-config": ("FILE", "What is known of that API, as for evolink-check api --config."),
    "evolink-max-credits": ("N", "Credits that the check may spend; without it no task is made."),
    "evolink-profile": ("quick|ci|deep", "How much is tried."),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each of which can stand in the ini file too (evolink_api = …)."""
    group = parser.getgroup("evolink-check")
    for name, (metavar, text) in _OPTIONS.items():
        group.addoption(f"--{name}", metavar=metavar, help=text)
        parser.addini(name.replace("-", "_"), help=text, default="")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a verdict runs once for each clause that binds a server."""
    if _VERDICT in metafunc.fixturenames:
        from evolink_spec.clauses import load_clauses

        ids = [clause.id for clause in load_clauses() if clause.binds == "server"]
        metafunc.parametrize(_VERDICT, ids, indirect=True, scope="session")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist how tests are shared out: it does not know."""
    node.workerinput[_DIST] = node.config.getoption("dist")


@pytest.fixture(scope="session")
def _evolink_outcome(request: pytest.FixtureRequest) -> Report | str:
    """The report on the API that was named, which is checked now, or why there is none. Skips without one."""
    config = request.config
    url, file = _said(config, "evolink-api"), _said(config, "evolink-config")
    if not url and not file:
        pytest.skip("no API to check: say --evolink-api URL")
    return _alone(request) or _checked(config, url, file)


def _alone(request: pytest.FixtureRequest) -> str:
    """Why this worker of pytest-xdist is not the one to check: only one may, as it costs. Empty when it is."""
    worker = getattr(request.config, "workerinput", None)
    if worker is None:
        return ""
    if worker[_DIST] not in _TOGETHER:
        return "every worker would check the API: say --dist loadfile, or -n 0"
    shared = request.getfixturevalue("tmp_path_factory").getbasetemp().parent
    try:
        (shared / "evolink-check").touch(exist_ok=False)
    except FileExistsError:
        return "another worker checks the API: let one file ask for evolink_verdict, or say -n 0"
    return ""


@pytest.fixture(scope="session")
def evolink_report(_evolink_outcome: Report | str) -> Report:
    """All that was found of the API."""
    if isinstance(_evolink_outcome, str):
        pytest.fail(_evolink_outcome, pytrace=False)
    return _evolink_outcome


@pytest.fixture(scope="session")
def evolink_verdict(request: pytest.FixtureRequest, _evolink_outcome: Report | str) -> Verdict:
    """What was found of one clause; the test that asks for it fails when it failed."""
    if isinstance(_evolink_outcome, str):
        told = request.config.stash.setdefault(_TOLD, [])
        told.append(request.param)
        if len(told) > 1:
            pytest.skip(f"nothing was checked: see {told[0]}")
        pytest.fail(_evolink_outcome, pytrace=False)
    return next(one for one in _evolink_outcome.verdicts if one.clause.id == request.param)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail or skip a test by its verdict, before it says more about it."""
    verdict = getattr(item, "funcargs", {}).get(_VERDICT)
    if verdict is not None:
        _judged(verdict)
    return (yield)


def _judged(verdict: Verdict) -> None:
    if verdict.fails:
        pytest.fail(_told(verdict), pytrace=False)
    if verdict.status == "failed":
        pytest.skip(f"known to fail: {_told(verdict)}")
    if verdict.status == "not observed":
        pytest.skip(f"not observed: {verdict.clause.observed.by}")


def _checked(config: pytest.Config, url: str, file: str) -> Report | str:
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
    texts = {field: RawValue(name, text) for field, name in names.items() if (text := _said(config, name))}
    try:
        effort = gather(EffortOptions, [texts])
        server = ServerOptions(url=url, config=path, no_memory=True)
        chosen = choose(server, effort, PROFILES, [clause.id for clause in clauses], environment())
        return check_api(chosen.subject, chosen.effort, spec=load(), clauses=clauses)
    except (ValueError, CouldNotRunError) as problem:
        return f"the API could not be checked: {problem}"


def _said(config: pytest.Config, name: str) -> str:
    """An option, or what stands in the ini file; empty when neither is given."""
    found: str = config.getoption(f"--{name}") or config.getini(name.replace("-", "_"))
    return found


def _told(verdict: Verdict) -> str:
    """A failed clause, whole: what it says, where, and what was seen."""
    from evolink_check.reports import formatting

    clause, found = verdict.clause, formatting.violations(verdict)
    lines = [f"{clause.id}: {clause.rule}", f"  said at   {formatting.clause_source(clause)}"]
    for violation in found[:_SHOWN]:
        often = f"  ({violation.times} times)" if violation.times > 1 else ""
        lines += [f"  expected  {violation.expected}", f"  seen      {violation.seen}{often}"]
    more = len(found) - _SHOWN
    return "\n".join([*lines, *([f"  and {more} other kinds of it"] if more > 0 else [])])
