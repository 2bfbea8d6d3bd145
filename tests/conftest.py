"""Fixtures: the mock in process, on a clock that the test moves."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.pytester import SysModulesSnapshot
from evolink_mock.callbacks import resolver
from evolink_spec import loading
from evolink_spec.corpus.cache import DocumentCache
from hypothesis import settings

pytest.register_assert_rewrite("support.mocks.in_process")

from support.mocks.in_process import playing  # noqa: E402  (its assertions are rewritten first)
from support.test_order import put_long_ones_first  # noqa: E402

# malloc.h: M_ARENA_MAX; M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in bytes, which grow with use unless they are set.
_MALLOC = {-8: 2, -3: 128 * 1024, -1: 1024 * 1024}

_OTHER_PLUGINS = ("anyio", "hypothesispytest", "platformdirs", "respx", "schemathesis", "time_machine")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.mocks.in_process import Mock

settings.register_profile("busy", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("busy")


@pytest.fixture(scope="session", autouse=True)
def _signals_reach_child_processes() -> None:
    """A process inherits which signals are ignored (`nohup`, some CI runners), and no handler: an exec resets those."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_configure(config: pytest.Config) -> None:
    """Load the plugin that collects Schemathesis's tests, where tests are collected: its import takes two seconds."""
    if not config.pluginmanager.hasplugin("dsession"):
        config.pluginmanager.import_plugin("schemathesis", consider_entry_points=True)
    _return_freed_memory()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    put_long_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _return_freed_memory() -> None:
    """Have glibc return freed memory: with many threads and large bodies it kept 0.9 GB of a worker that used 0.06."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is not None and hasattr(libc, "mallopt"):
        for option, value in _MALLOC.items():
            libc.mallopt(option, value)


@pytest.fixture(scope="session", autouse=True)
def _pytest_in_a_process_loads_our_plugins_alone() -> Iterator[None]:
    """Each of the others would be imported, and rewritten, by every pytest that a test starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{name}" for name in _OTHER_PLUGINS))
        yield


@pytest.fixture(scope="session", autouse=True)
def _modules_outlive_a_pytest_in_this_process() -> Iterator[None]:
    """Pytester forgets the modules that its runs import; imported again, their classes and caches would exist twice."""

    def snapshot(_: pytest.Pytester) -> SysModulesSnapshot:
        return SysModulesSnapshot(preserve=lambda name: not name.startswith(("conftest", "test_")))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytest.Pytester, "_Pytester__take_sys_modules_snapshot", snapshot)
        yield


@pytest.fixture(scope="session", autouse=True)
def _documents_are_cached_in_a_folder_of_the_tests(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Nothing is left in the cache of whoever runs the tests."""
    cache = DocumentCache(tmp_path_factory.mktemp("documents"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "user_cache", lambda: cache)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_name_leaves_the_machine() -> Iterator[None]:
    """Names resolve nowhere but on this machine: no test waits for, or tells, anybody else."""
    resolve = socket.getaddrinfo

    def local_only(host: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in {None, "localhost"} or not name.strip("0123456789.") or ":" in name:
            return resolve(host, *more, **named)
        raise socket.gaierror(socket.EAI_NONAME, "no names in tests")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", local_only)
        patch.setattr(resolver, "_getaddrinfo", local_only)
        yield


@pytest.fixture
def start() -> Iterator[Callable[..., Mock]]:
    """Start a mock with these settings; it ends with the test."""
    with ExitStack() as stack:
        yield lambda **choices: stack.enter_context(playing(**choices))


@pytest.fixture
def mock(start: Callable[..., Mock]) -> Mock:
    return start()


@pytest.fixture(scope="module")
def lasting() -> Iterator[Mock]:
    """One mock for all examples of a property."""
    with playing(credits=10**12) as mock:
        yield mock


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A table at the end: clause, which clauses spoke, what the broken server or faulty client did."""
    rows = sorted(
        tuple(map(str, value))
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, value in getattr(report, "user_properties", ())
        if name == "caught by" and report.when == "call"
    )
    if not rows:
        return
    terminalreporter.section("broken servers and faulty clients, and what caught them")
    width = max(len(clause) for clause, _, _ in rows)
    for clause, what, said in rows:
        terminalreporter.line(
            f"{clause:{width}}  {'caught' if said == clause else said or 'NOT CAUGHT':10}  {what}"
        )
    caught = sum(clause == said for clause, _, said in rows)
    terminalreporter.line(f"{caught} of {len(rows)} caught by their clause and by no other")
