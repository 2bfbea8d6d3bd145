"""`evolink-check proxy`: a reverse proxy that serves in a thread, and the judge that looks at what it records."""

from __future__ import annotations

import logging
import socket
import threading
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from evolink_check import clock
from evolink_check.analysis.observations import Reading
from evolink_check.analysis.verdicts import failures
from evolink_check.engine.recordings import report_on, verdicts_on
from evolink_check.proxy.forwarder import NOT_JUDGED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_spec import Spec
    from evolink_spec.clauses import Clause

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.engine.recordings import About
    from evolink_check.proxy.forwarder import Forward
    from evolink_check.proxy.recorder import Record
    from evolink_check.reports.model import Report
    from evolink_check.traffic.trace import Entry

KEPT = "kept"
_START_SECONDS = 30
_STOP_SECONDS = 2
_SHARE = 10  # of the time, at most one part in so many is spent on judging
_SILENT = logging.getLogger("evolink_check.proxy")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class CannotListen(Exception):  # noqa: N818  (what happened, in the words of the command)
    """The address cannot be listened on."""


@contextmanager
def proxying(forward: Forward, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The URL of a proxy that serves while the block runs. Port 0 is a free one. Raises `CannotListen`."""
    with _listening(host, port) as listener:
        server = _Server(forward)
        thread = threading.Thread(target=server.run, args=([listener],), name="evolink-proxy", daemon=True)
        thread.start()
        try:
            if not server.up.wait(_START_SECONDS):
                raise CannotListen("the proxy did not start")
            name = f"[{host}]" if ":" in host else host
            yield f"http://{name}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host} port {port}: {error.strerror or error}") from error


class _Protocol(HttpToolsProtocol):
    """uvicorn's, without its log: an answer that broke off upstream is no error of ours."""

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]  # as it was called
        self.logger = _SILENT


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is up, and ends what is under way before it stops."""

    def __init__(self, forward: Forward) -> None:
        super().__init__(
            uvicorn.Config(
                forward,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self._forward = forward
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self.up.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is under way end, soon."""
        await self._forward.close()
        await super().shutdown(sockets)


class Watch:
    """Judges what a proxy records, again and again, in whatever thread asks.

    A bug in a check is told in `bug`, and then nothing more is judged: the proxy lives on, and the record is whole.
    """

    def __init__(
        self, record: Record, spec: Spec, clauses: tuple[Clause, ...], about: About, *, complete: bool = False
    ) -> None:
        self._record = record
        self._spec = spec
        self._clauses = clauses
        self._about = about
        self._complete = complete
        self._told: set[str] = set()
        self._seen = 0
        self._next = 0.0
        self.bug = ""

    def opinion(self, entry: Entry) -> str:
        """`kept`, or the ids of the clauses that this exchange breaks, in the light of those about the same task."""
        trace = self._record.around(entry)
        number = trace.entries[-1].number
        try:
            verdicts = verdicts_on(Reading(trace, self._spec), self._clauses, self._about)
        except Exception:  # noqa: BLE001  (see above)
            self.bug = traceback.format_exc()
            return NOT_JUDGED
        found = [
            verdict.clause.id
            for verdict in failures(verdicts)
            if any(breach.entries and breach.entries[-1] == number for breach in verdict.breaches)
        ]
        return ", ".join(found) or KEPT

    def news(self) -> tuple[Verdict, ...]:
        """The clauses that are seen to be broken or noted for the first time. Nothing when it is too early to look."""
        length = len(self._record)
        if self.bug or length == self._seen or clock.stopwatch() < self._next:
            return ()
        began = clock.stopwatch()
        try:
            verdicts = self._verdicts()
        except Exception:  # noqa: BLE001  (see above)
            self.bug = traceback.format_exc()
            return ()
        self._seen = length
        self._next = clock.stopwatch() + _SHARE * (clock.stopwatch() - began)
        found = tuple(one for one in verdicts if one.breaches and one.clause.id not in self._told)
        self._told |= {one.clause.id for one in found}
        return found

    def report(self, started: float) -> Report:
        """All that the record says. What a check raises is not caught."""
        trace = self._record.trace(complete=self._complete)
        left_out = self._record.unjudged
        note = f"too large, or cut, and not in the record: {left_out} request{'' if left_out == 1 else 's'}"
        return report_on(
            trace,
            self._spec,
            self._verdicts(),
            kind="proxy",
            subject=self._record.origin,
            started=started,
            seconds=clock.now() - started,
            notes=(note,) if left_out else (),
        )

    def _verdicts(self) -> tuple[Verdict, ...]:
        trace = self._record.trace(complete=self._complete)
        return verdicts_on(Reading(trace, self._spec), self._clauses, self._about)


def watch_until(stop: threading.Event, looks: Callable[[], None], seconds: float) -> None:
    """Look every so many seconds until `stop` is set, and once more."""
    while not stop.wait(seconds):
        looks()
    looks()
