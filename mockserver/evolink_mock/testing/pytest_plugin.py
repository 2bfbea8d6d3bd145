"""Fixtures for pytest. Installing the package makes the fixtures available.

The mock is started when the first test needs it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest  # no other library is imported before a test needs the mock

from evolink_mock.testing import real_sockets  # noqa: F401  (now, before a test replaces functions of `socket`)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from evolink_mock.testing.account import MockAccount
    from evolink_mock.testing.callback_receiver import Receiver
    from evolink_mock.testing.mock_server import MockServer, MockServerSettings

_URL_VARIABLE = "EVOLINK_MOCK_URL"
_UNCHECKED = pytest.StashKey["list[MockAccount]"]()  # accounts of a test that have not been checked yet


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--evolink-mock-url`, the URL of a running mock."""
    group = parser.getgroup("evolink-mock")
    group.addoption(
        "--evolink-mock-url",
        metavar="URL",
        help=f"Use the running mock at this URL instead of starting one per worker; also {_URL_VARIABLE}.",
    )


@pytest.fixture(scope="session")
def evolink_mock_settings() -> MockServerSettings:
    """The keyword arguments of `MockServer`. To change the settings, override this fixture in conftest.py."""
    return {}


@pytest.fixture(scope="session")
def evolink_mock_server(
    request: pytest.FixtureRequest, evolink_mock_settings: MockServerSettings
) -> Iterator[MockServer]:
    """The mock for all tests of this pytest process.

    If `--evolink-mock-url` is set, the fixture is the running mock at this URL. With pytest-xdist, each worker starts a
    mock of its own by default.
    """
    from evolink_mock.settings import environment
    from evolink_mock.testing.mock_server import MockServer

    url = request.config.getoption("--evolink-mock-url") or environment().get(_URL_VARIABLE)
    with (
        _explaining_blocked_sockets(),
        MockServer(url) if url else MockServer(**evolink_mock_settings) as server,
    ):
        yield server


@pytest.fixture
def evolink_mock(request: pytest.FixtureRequest, evolink_mock_server: MockServer) -> Iterator[MockAccount]:
    """A new account for the test, with `base_url` and `token` for the client.

    The methods of the account control the mock. If a request violates the contract, the test fails. `expect_violation`
    allows an expected violation.
    """
    account = evolink_mock_server.account()
    unchecked = request.node.stash.setdefault(_UNCHECKED, [])
    unchecked.append(account)
    yield account
    try:
        if account in unchecked and (
            problems := _problems(account)
        ):  # a request after the test, such as in another fixture
            pytest.fail(problems, pytrace=False)
    finally:
        account.drop()


@pytest.fixture
def evolink_callbacks() -> Iterator[Receiver]:
    """A callback receiver on 127.0.0.1. Pass its `url` as the `callback_url` of create requests."""
    from evolink_mock.testing.callback_receiver import Receiver

    with _explaining_blocked_sockets(), Receiver() as receiver:
        yield receiver


@contextmanager
def _explaining_blocked_sockets() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if type(error).__name__.startswith("Socket"):  # SocketBlockedError, SocketConnectBlockedError
            error.add_note("evolink-mock listens on loopback: allow this with --allow-hosts=127.0.0.1")
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Check the requests of a test before its teardown.

    A violation is then a failure of the test itself.
    """
    try:
        result = yield
    except pytest.skip.Exception:
        _check_accounts(item)
        raise
    except BaseException:
        shown = _summaries(item)
        if problems := _check_accounts(item):  # perhaps the cause of the failure
            shown = f"{problems}\n{shown}"
        if shown:
            item.add_report_section("call", "evolink-mock", shown)
        raise
    if problems := _check_accounts(item, keep_innocent=True):
        pytest.fail(problems, pytrace=False)
    return result


def _summaries(item: pytest.Item) -> str:
    accounts = item.stash.get(_UNCHECKED, [])
    if not accounts:
        return ""
    from evolink_mock.testing.account_summary import summary
    from evolink_mock.testing.control_client import ControlError

    texts = []
    for account in accounts:
        try:
            texts.append(summary(account))
        except (ControlError, ConnectionError) as error:
            texts.append(str(error))
    return "\n".join(texts)


def _check_accounts(item: pytest.Item, *, keep_innocent: bool = False) -> str:
    unchecked = item.stash.get(_UNCHECKED, [])
    violations = {id(account): _problems(account) for account in unchecked}
    # An account that is kept is checked again in the teardown.
    unchecked[:] = [account for account in unchecked if keep_innocent and not violations[id(account)]]
    return "\n".join(filter(None, violations.values()))


def _problems(account: MockAccount) -> str:
    from evolink_mock.testing.violations import ContractViolationError

    try:
        account.check()
    except (ContractViolationError, ConnectionError) as error:
        return str(error)
    return ""
