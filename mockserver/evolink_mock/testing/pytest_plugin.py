"""Fixtures for pytest, there as soon as the package is installed. A mock is started when a test first asks for one.

Nothing but the standard library and pytest is imported before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from evolink_mock.testing.account import MockAccount
    from evolink_mock.testing.callback_receiver import Receiver
    from evolink_mock.testing.mock_server import MockServer, MockServerSettings

_URL_VARIABLE = "EVOLINK_MOCK_URL"
_UNJUDGED = pytest.StashKey["list[MockAccount]"]()  # accounts of a test whose requests are still to be judged


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one option: a mock that runs already, for all workers of pytest-xdist to share."""
    group = parser.getgroup("evolink-mock")
    group.addoption(
        "--evolink-mock-url",
        metavar="URL",
        help=f"Use the mock that runs there in place of one each worker; also {_URL_VARIABLE}.",
    )


@pytest.fixture(scope="session")
def evolink_mock_settings() -> MockServerSettings:
    """Settings of the mock that is started, as for `MockServer`; a project overrides this in its conftest.py."""
    return {}


@pytest.fixture(scope="session")
def evolink_mock_server(
    request: pytest.FixtureRequest, evolink_mock_settings: MockServerSettings
) -> Iterator[MockServer]:
    """The mock of the session, one each worker, or the one that runs at `--evolink-mock-url`."""
    from evolink_mock.settings import environment
    from evolink_mock.testing.mock_server import MockServer

    url = request.config.getoption("--evolink-mock-url") or environment().get(_URL_VARIABLE)
    with MockServer(url) if url else MockServer(**evolink_mock_settings) as server:
        yield server


@pytest.fixture
def evolink_mock(request: pytest.FixtureRequest, evolink_mock_server: MockServer) -> Iterator[MockAccount]:
    """An account of the test's own: `base_url` and `token` for the client, and all that a test may command.

    A request that broke the contract fails the test, unless `expect_violation` said so.
    """
    account = evolink_mock_server.account()
    unjudged = request.node.stash.setdefault(_UNJUDGED, [])
    unjudged.append(account)
    yield account
    try:
        if account in unjudged and (
            problems := _problems(account)
        ):  # the test passed; what came after it did not
            pytest.fail(problems, pytrace=False)
    finally:
        account.drop()


@pytest.fixture
def evolink_callbacks() -> Iterator[Receiver]:
    """A callback receiver on loopback: give its `url` as `callback_url`."""
    from evolink_mock.testing.callback_receiver import Receiver

    with Receiver() as receiver:
        yield receiver


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Judge the requests of a test when it is over, so that it is the test that fails, and not its teardown."""
    try:
        result = yield
    except BaseException:
        if problems := _judge(item):  # perhaps the reason of the failure
            item.add_report_section("call", "evolink-mock", problems)
        raise
    if problems := _judge(item, keep_innocent=True):
        pytest.fail(problems, pytrace=False)
    return result


def _judge(item: pytest.Item, *, keep_innocent: bool = False) -> str:
    """What the accounts of a test broke. Those who broke nothing are, if kept, judged once more at teardown."""
    unjudged = item.stash.get(_UNJUDGED, [])
    found = {id(account): _problems(account) for account in unjudged}
    unjudged[:] = [account for account in unjudged if keep_innocent and not found[id(account)]]
    return "\n".join(filter(None, found.values()))


def _problems(account: MockAccount) -> str:
    from evolink_mock.testing.violations import ContractViolationError

    try:
        account.check()
    except (ContractViolationError, ConnectionError) as problem:
        return str(problem)
    return ""
