"""Serve until a signal arrives, in this process or in worker processes."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

from evolink_mock.http.access_log import AccessLog
from evolink_mock.server.log_writer import LogWriter, event_line, logging_to_stderr, write_if_ready
from evolink_mock.server.server import Server, create_service, freeze_memory, ignore, stop_on_hangup
from evolink_mock.service import snapshots
from evolink_mock.service.service import Service
from evolink_mock.serving.shared_listener import SharingServer
from evolink_mock.serving.shared_metrics import shared_metrics
from evolink_mock.serving.workers import ParentPipes, Workers, report_ready
from evolink_mock.setting_values import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evolink_spec import Spec

    from evolink_mock.server.listeners import Listeners
    from evolink_mock.settings import Settings

_log = logging.getLogger("evolink_mock")


def serve(  # noqa: PLR0913  (what, where, and how)
    spec: Spec,
    settings: Settings,
    listeners: Listeners,
    *,
    quiet: bool,
    ready: Callable[[], None],
    operator_key: str = "",
    workers: int = 1,
    snapshot: Path | None = None,
) -> None:
    """Serve until Ctrl-C, SIGTERM or SIGHUP.

    `ready` is called when the server accepts requests. The call may be made in another thread or in a child process.
    Raises `SettingError` if the snapshot cannot be loaded. Raises `StoreError` if the store cannot be used.
    """
    if workers > 1:
        with shared_metrics(is_enabled=settings.metrics), listeners:
            _prepare(spec, settings, snapshot)  # before the workers start, so that problems are reported once
            _WorkerServer(spec, settings, listeners, quiet=quiet, operator_key=operator_key).run(
                workers, ready
            )
    else:
        service = create_service(spec, settings, listeners, operator_key=operator_key)
        _load(service, snapshot)
        with listeners:
            _serve_one(service, listeners, quiet=quiet, ready=ready)
    with LogWriter(sys.stdout) as writer:
        writer.write(event_line("stopped", "stopped", as_json=settings.log_format == "json"))


def _serve_one(
    service: Service,
    listeners: Listeners,
    *,
    quiet: bool,
    ready: Callable[[], None],
    kind: type[Server] = Server,
) -> None:
    def announce() -> None:
        ready()
        if (problem := service.media_cache.problem()) is not None:
            _log.warning("results cannot be downloaded: %s", problem)

    def on_ready() -> None:
        freeze_memory()
        # In a thread, because the reader of stdout may be slow.
        threading.Thread(target=announce, name="evolink-mock ready", daemon=True).start()

    as_json = service.settings.log_format == "json"
    with logging_to_stderr(quiet=quiet, as_json=as_json) as writer:
        log = AccessLog(writer.write, colour=sys.stderr.isatty(), as_json=as_json)
        server = kind(service, listeners, observe=ignore if quiet else log, ready=on_ready)
        stop_on_hangup(server)
        server.run(sockets=[listeners.http])


def _prepare(spec: Spec, settings: Settings, snapshot: Path | None) -> None:
    service = Service(spec, settings)
    _load(service, snapshot)
    service.store.close()


def _load(service: Service, snapshot: Path | None) -> None:
    if snapshot is None:
        return
    try:
        with snapshot.open("rb") as lines:
            asyncio.run(snapshots.load(service, lines))
    except (OSError, ValueError) as error:
        raise SettingError("snapshot", f"{snapshot}: {error}") from error


class _WorkerServer:
    def __init__(
        self, spec: Spec, settings: Settings, listeners: Listeners, *, quiet: bool, operator_key: str
    ) -> None:
        self._spec = spec
        self._settings = settings
        self._listeners = listeners
        self._quiet = quiet
        self._operator_key = operator_key

    def run(self, count: int, ready: Callable[[], None]) -> None:
        Workers(count, self._work, ready, self._report_death, self._report_failure).run()

    def _work(self, pipes: ParentPipes) -> None:
        service = create_service(self._spec, self._settings, self._listeners, operator_key=self._operator_key)
        threading.Thread(target=_end_with_parent, args=(pipes,), daemon=True).start()
        _serve_one(
            service,
            self._listeners,
            quiet=self._quiet,
            ready=lambda: report_ready(pipes),
            kind=SharingServer,
        )

    def _report_death(self, pid: int, reason: str) -> None:
        message = f"worker {pid} {reason}; a new worker replaces it"
        # Must not block: the parent process also starts the new worker.
        write_if_ready(sys.stderr, self._line("worker-replaced", message, "warning"))

    def _report_failure(self, error: BaseException) -> None:
        sys.stderr.write(self._line("worker-failed", f"a child process failed: {error!r}", "error"))

    def _line(self, event: str, message: str, level: str) -> str:
        return event_line(event, message, as_json=self._settings.log_format == "json", level=level)


def _end_with_parent(pipes: ParentPipes) -> None:
    os.read(pipes.alive, 1)  # until the parent process has died; without it, this worker would run for ever
    os._exit(1)
