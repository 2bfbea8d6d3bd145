"""Send one request, and return the exchange without the API key.

Problems are recorded in the exchange, not raised.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import threading
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final

from evolink_check import clock
from evolink_check.traffic.content_coding import ACCEPTED, Decoder, UndecodableError, coding_of
from evolink_check.traffic.trace import NOBODY, Entry, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import httpx2

    from evolink_check.generation.case import Case

# I/O runs as coroutines in a separate thread, because a coroutine can be cancelled whenever it waits.
# Therefore each exchange can end at its time limit or at the end of the run.
Headers = tuple[tuple[str, str], ...]
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 30.0
_API_SECONDS, _FILE_SECONDS = 60.0, 300.0  # maximum duration of an exchange
LARGEST_ANSWER = 128 * 1024  # bytes of a response that are kept; documented responses have a few hundred
_LARGEST_FILE = 64 * 1024 * 1024
_KEEPALIVE_SECONDS = 2.0  # servers often close a connection after 5
_POLL_SECONDS = 0.1  # interval at which a waiting thread checks whether the run is over
_CLOSE_SECONDS = 2.0
_SHOWN = 160  # characters of a problem
_AGENT = "evolink-check"


_TIMEOUT = "no answer in time"
_LEFT = "not read to its end"
_RUN_OVER = f"{_LEFT}: the time of the run was over"


@dataclass(slots=True)
class _Answer:
    sent: Headers
    status: int = 0
    headers: Headers = ()
    body: bytearray = field(default_factory=bytearray)
    cut: bool = False  # whether the body was longer than the part that is kept


class HttpClient:
    """Sends requests, from any thread, without cookies.

    `url` is the base URL of the server. Environment variables configure proxies (HTTPS_PROXY).
    """

    UNREACHED: Final = "no server answers at"
    LEFT: Final = _LEFT  # the beginning of `problem` if this client itself ended the exchange

    def __init__(
        self,
        url: str,
        now: Callable[[], float],
        *,
        ca: str = "",
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._now = now
        self._client = _client(ca, transport)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def close(self) -> None:
        """Cancel the exchanges in progress and close the connections."""
        if self._loop is None:
            return
        wait([asyncio.run_coroutine_threadsafe(self._end(), self._loop)], _CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)

    def exchange(self, case: Case, key: Headers, left: Callable[[], float], *, follow: bool = False) -> Entry:
        """Send a request and return the exchange. Never raises an exception.

        If `case.path` is a whole URL, the request is sent to that URL. Any other path is appended to the base URL.
        `key` contains the header with the API key. `left` returns the remaining seconds of the run.

        If the response is missing or incomplete, the status is 0. The reason is in `problem`. A decoded body longer
        than `LARGEST_ANSWER` is not kept. The `size` of the entry is the number of decoded bytes that were read.

        Set `follow` for downloads, so that redirects are followed. The entry of an incomplete download keeps its status
        and partial body.
        """
        url = case.path if "://" in case.path else f"{self._url}{case.path}"
        began, who = self._now(), NOBODY if case.authorization is not None or follow else case.key
        answer = _Answer(case.headers)
        problem = self._run(self._exchange(case, url, key, who, answer, follow=follow), left, follow=follow)
        if problem and not follow:
            answer.status, answer.headers, answer.cut = 0, (), False
        if answer.cut and follow:
            problem = f"{self.LEFT}: a body of more than {_LARGEST_FILE} bytes"
        body = b"" if (problem and not follow) or (answer.cut and not follow) else bytes(answer.body)
        size = len(answer.body) if answer.cut and not follow else None
        exchange = Exchange(case.method, url, answer.sent, case.body, answer.status, answer.headers, body)
        return Entry(-1, exchange, began, self._now(), who=who, problem=problem, case=case.name, size=size)

    def _run(self, work: Coroutine[Any, Any, str], left: Callable[[], float], *, follow: bool) -> str:
        # A text is the reason why the response is missing or incomplete.
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        ends = clock.stopwatch() + (_FILE_SECONDS if follow else _API_SECONDS)
        try:
            while not _is_done(future):
                if left() <= 0:
                    return _RUN_OVER
                if clock.stopwatch() >= ends:
                    return _TIMEOUT
            problem = future.result()
            return _RUN_OVER if problem == _TIMEOUT and left() <= 0 else problem
        finally:
            future.cancel()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = _new_event_loop()
                threading.Thread(target=_serve, args=(self._loop,), name="http-client", daemon=True).start()
            return self._loop

    async def _exchange(  # noqa: PLR0913  (an exchange is made of these)
        self, case: Case, url: str, key: Headers, who: str, answer: _Answer, *, follow: bool
    ) -> str:
        import httpx2

        base = self._url if url.startswith(self._url) else url.partition("?")[0]
        try:
            request = self._request(case, url, key)
            answer.sent = _labelled(request.headers.raw, who)
            response = await self._client.send(request, stream=True, follow_redirects=follow)
            base = ""
            try:
                answer.status, answer.headers = response.status_code, _labelled(response.headers.raw, who)
                await _read(response, answer, _LARGEST_FILE if follow else LARGEST_ANSWER)
            finally:
                await response.aclose()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
            return _problem(error, base)
        return ""

    def _request(self, case: Case, url: str, key: Headers) -> httpx2.Request:
        import httpx2

        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*case.headers, *key)]
        timeout = httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS, pool=None)
        request = self._client.build_request(
            case.method, url, headers=headers, content=case.body or None, timeout=timeout
        )
        target = f"/{url.partition('://')[2].partition('/')[2]}".encode("ascii", "replace")
        if request.url.raw_path != target and "://" not in case.path:
            request.extensions["target"] = target  # send the path as it is; httpx2 would normalize it
        return request

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(Exception):  # any error while closing connections
            await self._client.aclose()


def _is_done(future: Future[str]) -> bool:
    with suppress(TimeoutError, CancelledError):
        future.exception(_POLL_SECONDS)
    return future.done()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop  # a request takes half the time

    return uvloop.new_event_loop()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _client(ca: str, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    import httpx2

    from evolink_check.transport.connections import Limits
    from evolink_check.transport.direct_transport import DirectTransport
    from evolink_check.transport.env_proxies import EnvProxyTransport

    limits = httpx2.Limits(max_connections=None, keepalive_expiry=_KEEPALIVE_SECONDS)
    own = ssl.create_default_context(cafile=ca) if ca else True

    @cache  # loading the certificates takes longer than thirty requests
    def context() -> ssl.SSLContext:
        return httpx2.create_ssl_context(verify=own)

    def make(proxy: str | None, *, tls: bool) -> httpx2.AsyncBaseTransport:
        if proxy is None:
            return DirectTransport(Limits(_CONNECT_SECONDS, _READ_SECONDS, _KEEPALIVE_SECONDS), context)
        encrypted = tls or proxy.startswith("https:")
        return httpx2.AsyncHTTPTransport(verify=context() if encrypted else False, limits=limits, proxy=proxy)

    return httpx2.AsyncClient(
        headers={"User-Agent": _AGENT, "Accept-Encoding": ACCEPTED},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        transport=transport or EnvProxyTransport(make),
        trust_env=False,
    )


async def _read(response: httpx2.Response, answer: _Answer, limit: int) -> None:
    decoder = Decoder(coding_of(answer.headers))
    async for part in response.stream:  # type: ignore[union-attr]  # an asynchronous one, of an asynchronous client
        answer.body += decoder.decode(part, limit - len(answer.body))
        if len(answer.body) > limit:
            answer.cut = True
            return


def _problem(error: Exception, url: str) -> str:
    # `url` is the URL that could not be reached; empty after the response has begun.
    import httpx2

    if isinstance(error, UndecodableError):
        return f"DecodingError: {error}"[:_SHOWN]
    if url and isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return f"{HttpClient.UNREACHED} {url}: {_cause(error)}"[:_SHOWN]
    if isinstance(error, httpx2.ProxyError):
        return str(error)[:_SHOWN]
    if isinstance(error, httpx2.TimeoutException):
        return _TIMEOUT
    if isinstance(error, httpx2.LocalProtocolError | httpx2.InvalidURL | UnicodeError):
        return f"could not be sent: {error}"[:_SHOWN]
    return f"{type(error).__name__}: {error}"[:_SHOWN]


def _cause(error: Exception) -> str:
    # The innermost exception is the operating system's error. `error` itself names no reason.
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
    return str(cause) or str(error) or type(error).__name__


def _labelled(raw: list[tuple[bytes, bytes]], who: str) -> Headers:
    # The label of the account replaces its API key.
    pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)
    label = "[removed]" if who == NOBODY else f"Bearer {who}"
    return tuple((name, label if name.lower() == "authorization" else value) for name, value in pairs)
