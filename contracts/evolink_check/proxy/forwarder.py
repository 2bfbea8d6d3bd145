"""A request is passed on to another server as it is, and its answer back; what passes is recorded.

Nothing is rewritten but Host, and names of headers come out in lower case. Bodies are passed on as they come, in
their own coding; what belongs to one connection only stays there. With an opinion, an answer is held back until it is
judged (up to what the record keeps of a body), and says so in a header.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evolink_check import clock
from evolink_check.proxy.asgi import ClientDisconnectedError, RequestReader, ResponseWriter
from evolink_check.proxy.recorder import Body, PendingExchange, kept_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from httpcore import AsyncConnectionPool, Response

    from evolink_check.proxy.asgi import Receive, Scope, Send
    from evolink_check.proxy.recorder import Headers, TrafficRecorder
    from evolink_check.traffic.trace import Entry

    Opinion = Callable[[Entry], str]

OPINION = b"X-Evolink-Check"
NOT_JUDGED = "not judged"
_PORTS = {"http": 80, "https": 443}
_CONNECT_SECONDS = 20.0
_IDLE_SECONDS = 2.0  # a connection is not asked again after that: its server may be about to close it
_STOP_SECONDS = 1.0  # for what is under way when the proxy ends
_LAST_STATUS = 599
_HOP_BY_HOP = {
    *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
    *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
}


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server that answers: scheme, host, port, and the path of its base URL, empty or with a slash before it."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def at(cls, url: str) -> Upstream:
        """The server at a base URL, which has been checked to be one."""
        parts = urlsplit(url)
        return cls(
            parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.path.rstrip("/")
        )

    @property
    def authority(self) -> bytes:
        """What stands in Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}").encode("ascii")


class ForwardingApp:
    """The proxy as an ASGI application. `opinion`, called in a thread, says what is to stand in the header."""

    def __init__(
        self,
        upstream: Upstream,
        record: TrafficRecorder,
        ca: Path | None = None,
        opinion: Opinion | None = None,
    ) -> None:
        self._upstream = upstream
        self._record = record
        self._opinion = opinion
        self._context = ssl.create_default_context(cafile=ca) if ca else None
        self._pool: AsyncConnectionPool | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back; when the client leaves, the server is left too."""
        intake = RequestReader(receive)
        passing = asyncio.create_task(self._pass(scope, intake, send))
        leaving = asyncio.create_task(intake.gone())
        self._under_way.add(passing)
        try:
            await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            passing.cancel()
            leaving.cancel()
            await asyncio.gather(passing, leaving, return_exceptions=True)
            self._under_way.discard(passing)

    async def close(self) -> None:
        """End, soon: what is under way has a moment left, and is then cut."""
        self._ending = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_STOP_SECONDS)
        for passing in self._under_way:
            passing.cancel()
        if self._pool is not None:
            await self._pool.aclose()

    async def _pass(self, scope: Scope, intake: RequestReader, send: Send) -> None:
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        target = scope["raw_path"] + query
        passed = PendingExchange(
            scope["method"], target.decode("latin-1"), clock.now(), self._asked(scope["headers"])
        )
        out = ResponseWriter(send)
        try:
            async with self._ask(passed, target, intake.body(passed)) as response:
                await self._answer(response, passed, out)
        except ClientDisconnectedError:
            self._cut(passed, "the client left before its request was complete")
        except asyncio.CancelledError:
            self._cut(passed, "it was cut before the answer was complete")
            if self._ending and not out.started:
                await out.refuse(502, "it was stopped before an answer came from the server")
            raise
        except Exception as error:  # noqa: BLE001  (whatever the server does, the proxy lives on)
            await self._failed(error, passed, out)

    @asynccontextmanager
    async def _ask(
        self, passed: PendingExchange, target: bytes, body: AsyncIterator[bytes]
    ) -> AsyncIterator[Response]:
        """The server's answer, its body still to come."""
        import httpcore

        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self._context, max_connections=None, keepalive_expiry=_IDLE_SECONDS
            )
        up = self._upstream
        url = httpcore.URL(
            scheme=up.scheme, host=up.host, port=up.port, target=up.path.encode("ascii") + target
        )
        names = {name.lower() for name, _ in passed.request_headers}
        content = body if names & {b"content-length", b"transfer-encoding"} else None
        if content is None:
            await anext(body, b"")  # so that it is known to be complete
        limits = {"timeout": {"connect": _CONNECT_SECONDS}}
        async with self._pool.stream(
            passed.method, url, headers=passed.request_headers, content=content, extensions=limits
        ) as response:
            yield response

    def _asked(self, headers: Headers) -> Headers:
        """The headers of a request as the server is to see them."""
        chunked = any(name == b"transfer-encoding" for name, _ in headers)
        # Who serves us has said `100 Continue` where it was expected.
        kept = [one for one in _passed_on(headers) if one[0] not in {b"host", b"expect"}]
        more = [(b"Transfer-Encoding", b"chunked")] if chunked else []
        return [(b"Host", self._upstream.authority), *kept, *more]

    async def _answer(self, response: Response, passed: PendingExchange, out: ResponseWriter) -> None:
        passed.status, passed.headers = response.status, _passed_on(response.headers)
        passed.response = Body(kept_of(passed.headers))
        if passed.status > _LAST_STATUS:
            raise ValueError(f"an answer with the status {passed.status} cannot be passed on")
        chunks = aiter(response.stream)  # type: ignore[arg-type]  # an async stream, of an async pool
        opinion = None
        if self._opinion is not None and passed.response.limit:
            opinion = await self._judged(chunks, passed, out)
        else:
            more = [] if self._opinion is None else [(OPINION, NOT_JUDGED.encode("ascii"))]
            await out.start(passed.status, [*passed.headers, *more])
        async for chunk in chunks:
            passed.response.add(chunk)
            await out.send(chunk)
        if opinion is None:
            self._kept(passed)
        await out.end()

    async def _judged(
        self, chunks: AsyncIterator[bytes], passed: PendingExchange, out: ResponseWriter
    ) -> str | None:
        """Begin the answer with an opinion, when all of it is here; with what there is of it otherwise."""
        held, opinion = await _held(chunks, passed), None
        if passed.response.whole is not None:
            entry = self._kept(passed)
            judged = self._opinion if entry is not None else None
            opinion = (
                NOT_JUDGED if judged is None or entry is None else await asyncio.to_thread(judged, entry)
            )
        await out.start(passed.status, [*passed.headers, (OPINION, (opinion or NOT_JUDGED).encode("ascii"))])
        for chunk in held:
            await out.send(chunk)
        return opinion

    def _kept(self, passed: PendingExchange) -> Entry | None:
        passed.ended = clock.now()
        return self._record.add(passed)

    def _cut(self, passed: PendingExchange, problem: str) -> None:
        """Keep what was never answered, or not to its end: nobody is judged by half of an answer."""
        if passed.ended:
            return  # it was whole, and is kept
        passed.status, passed.headers, passed.problem = 0, [], problem
        self._kept(passed)

    async def _failed(self, error: Exception, passed: PendingExchange, out: ResponseWriter) -> None:
        """Tell the client, in the shape of the documents, that there was no answer; if it has begun, cut it."""
        from httpcore import LocalProtocolError, TimeoutException

        what = f"{type(error).__name__}: {error}".rstrip(": ")
        if isinstance(error, LocalProtocolError) and not passed.status:
            await out.refuse(400, f"this request cannot be passed on: {what}")
            return
        before = "the answer broke off" if passed.status else "no answer came from the server"
        self._cut(passed, f"{before} ({what})")
        if not out.started:
            await out.refuse(504 if isinstance(error, TimeoutException) else 502, f"{before} ({what})")


async def _held(chunks: AsyncIterator[bytes], passed: PendingExchange) -> list[bytes]:
    """What comes of an answer until its end, or until there is more than is kept."""
    held = []
    async for chunk in chunks:
        passed.response.add(chunk)
        held.append(chunk)
        if passed.response.whole is None:
            break
    return held


def _passed_on(headers: Headers) -> Headers:
    """Headers without those that are about one connection."""
    named = b",".join(value.lower() for name, value in headers if name.lower() == b"connection")
    dropped = _HOP_BY_HOP | {name.strip() for name in named.split(b",")}
    return [(name, value) for name, value in headers if name.lower() not in dropped]
