"""The command `evolink-mock run`, which starts a mock and runs a command against it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from msgspec.structs import replace

from evolink_mock.cli.problems import report
from evolink_mock.cli.run_environment import API_KEY, child_environment
from evolink_mock.cli.run_summary import TrafficSummary
from evolink_mock.http.access_log import AccessLog
from evolink_mock.interception import hosts, namespace
from evolink_mock.server.log_writer import LogWriter, event_line, logging_to_stderr
from evolink_mock.server.thread import serve_in_thread
from evolink_mock.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from evolink_spec import Spec

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.settings import Settings

CANNOT_RUN, NOT_FOUND, SIGNALLED = 126, 127, 128  # exit statuses, as a shell returns them

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
]
_NO_PROXY = ": it may ignore proxy settings and have reached the real API; try `evolink-mock run --hosts`"
_KEYS = ("SIGINT", "SIGQUIT")  # the terminal sends these on a key press to every foreground process


def with_assigned_ports(settings: Settings, *, private: bool) -> Settings:
    """Return a copy of the settings with the ports for the mock of `run`.

    If `private` is true, the command gets its own network namespace. The ports are then 80 and 443. The setting
    `offline` is then true. If `private` is false, any free ports are used.
    """
    if private:
        ports = {"port": hosts.HTTP_PORT, "https_port": hosts.HTTPS_PORT}
        return replace(settings, **ports, proxy_port=0, offline=True)
    return replace(settings, port=0, https_port=0, proxy_port=0)


def run(
    spec: Spec, settings: Settings, command: Sequence[str], *, private: bool = False, verbose: bool = False
) -> int:
    """Run a command against a mock, and report the command's requests on stderr.

    The ports in `settings` must come from `with_assigned_ports`. If `private` is true, this process moves into its own
    network namespace.

    Returns the exit status of the command. If signal n ended the command, returns 128 + n. Returns 127 if the command
    does not exist. Returns 126 if the command cannot be run. Raises `NamespaceError`, `PortError`, `AuthorityError` or
    ValueError before the command starts.
    """
    summary, inherited = TrafficSummary(), environment()
    with _temporary_folder() as folder:
        if private:
            namespace.enter_namespace(hosts.hosts_of(spec), folder)
        as_json = settings.log_format == "json"
        # Entered after `enter_namespace`, because it starts a thread, and a process with threads cannot move.
        with logging_to_stderr(quiet=not verbose, as_json=as_json) as writer:
            log = AccessLog(writer.write, colour=sys.stderr.isatty(), as_json=as_json)

            def observe(exchange: Exchange) -> None:
                summary.exchange(exchange)
                if verbose:
                    log(exchange)

            with serve_in_thread(spec, settings, observe=observe, observe_proxy=summary.passage) as server:
                variables = child_environment(inherited, server.listeners, settings, folder)
                code = run_child(command, variables)
    if code not in {CANNOT_RUN, NOT_FOUND}:
        replaced = inherited.get(API_KEY, variables[API_KEY]) != variables[API_KEY]
        with LogWriter(sys.stderr) as writer:  # never blocks, even if nothing reads stderr
            advice = "" if private else _NO_PROXY
            to_text = summary.to_json if as_json else summary.report
            writer.write(to_text(advice, was_reached=server.server.was_reached))
            if replaced:
                writer.write(event_line("key-replaced", _replaced_key(variables[API_KEY]), as_json=as_json))
    return code


def _replaced_key(key: str) -> str:
    return (
        f"evolink-mock: the command got {API_KEY}={key} instead of your key, which therefore cannot reach the real "
        "API"
    )


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        folder = TemporaryDirectory(prefix="evolink-mock-")
    except OSError as error:
        raise ValueError(
            f"cannot create a temporary folder ({error.strerror}): set TMPDIR to a writable folder"
        ) from error
    with folder as name:
        yield Path(name)


def run_child(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a command, and forward signals to it. Return its exit status.

    The command shares stdin, stdout and stderr with this process.
    """
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None) -> None:
        if child is None:
            raise SystemExit(SIGNALLED + number)
        if signal.Signals(number).name not in _KEYS or not _in_foreground():
            child.send_signal(number)

    with _handling(pass_on):
        try:
            child = subprocess.Popen(command, env=variables)  # noqa: S603  (the user's own command)
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            why = "there is no such command" if missing else error.strerror
            status = NOT_FOUND if missing else CANNOT_RUN
            report(f"{command[0]}: {why}", status)
            return status
        code = child.wait()
    return SIGNALLED - code if code < 0 else code


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    # A signal that is ignored (nohup) stays ignored.
    handled = [number for number, previous in before.items() if previous is not signal.SIG_IGN]
    for number in handled:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])


def _in_foreground() -> bool:
    if sys.platform == "win32":
        return True
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:  # noqa: PTH123  (not a file)
            # The terminal sends the signal of Ctrl-C to every process of its foreground group.
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
