"""Carries one callback to its receiver, over a connection to an address that was checked."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, cast

from evolink_mock.callbacks.url_guard import address_refusal, is_allowed, url_refusal
from evolink_mock.domain.clock import stopwatch
from evolink_mock.domain.deliveries import Attempt
from evolink_mock.http.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import httpcore
    from evolink_spec.models import CallbackRules

    from evolink_mock.callbacks.url_guard import Allowed
    from evolink_mock.http.urls import ParsedUrl

Resolve = Callable[[str, int], Awaitable[list[str]]]

_ANSWER_LIMIT = 65_536  # bytes of the answer's body that are read before the connection is closed
_PROBLEM_LIMIT = 200  # characters: a receiver may have a part in the text


class _RefusedError(Exception):
    """The address may not be called; the text says why."""


async def addresses_of(host: str, port: int) -> list[str]:
    """Resolve a name as the system does. OSError when it cannot be."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


async def resolves_inside(host: str, within: float, resolve: Resolve = addresses_of) -> str | None:
    """Why the addresses of a name may not be called; None when all are public.

    None too when they are not known `within` that many real seconds: a name that cannot be resolved at the
    creation of a task may be by the time of the delivery, which checks again (clauses `callback.no-internal`,
    `callback.unresolved`).
    """
    try:
        async with asyncio.timeout(within):
            addresses = await resolve(host, 443)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return None
    return _inside(host, addresses)


def _inside(host: str, addresses: Iterable[str]) -> str | None:
    for address in addresses:
        if reason := address_refusal(address):
            return reason if address == host else f"{host} resolves inside: {reason}"
    return None


class _PinnedBackend:
    """The network of one attempt, in the shape of httpcore.AsyncNetworkBackend.

    It resolves the name itself and connects to an address it has checked, so a name that changes its address
    in between (DNS rebinding) gains nothing (clause `callback.no-internal-at-delivery`).
    """

    def __init__(self, resolve: Resolve, *, exempt: bool) -> None:
        self._resolve = resolve
        self._exempt = exempt
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the name that answers. One internal address refuses them all."""
        addresses = await self._resolve(host, port)
        if not self._exempt and (reason := _inside(host, addresses)):
            raise _RefusedError(reason)
        # A share for each, so that one that swallows packets leaves time for the others.
        share = timeout / max(len(addresses), 1) if timeout else None
        stream = await _first_that_answers(addresses, port, share, local_address, socket_options)
        self._stream = stream
        peer = str(stream.get_extra_info("server_addr")[0])
        if not self._exempt and (reason := _inside(host, [peer])):
            raise _RefusedError(reason)
        return stream

    async def aclose(self) -> None:
        """Close the socket; httpcore itself leaves one open when a TLS handshake is cancelled."""
        if self._stream is not None:
            await self._stream.aclose()


async def _first_that_answers(
    addresses: Sequence[str],
    port: int,
    share: float | None,
    local_address: str | None,
    socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
) -> httpcore.AsyncNetworkStream:
    import httpcore

    failure: Exception = OSError("the name has no address")
    for address in addresses:
        try:
            return await httpcore.AnyIOBackend().connect_tcp(
                address, port, share, local_address, socket_options
            )
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            failure = error
    raise failure


class CallbackSender:
    """Delivers callbacks: one connection an attempt, nothing held open in between, no proxy.

    Keeps `callback.post`, `callback.query-kept`, `callback.no-redirects` and `callback.no-key`.
    """

    def __init__(
        self,
        rules: CallbackRules,
        allowed: Sequence[Allowed] = (),
        *,
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolve = addresses_of,
    ) -> None:
        self._rules = rules
        self._allowed = allowed
        self._ssl_context = ssl_context
        self._resolve = resolve
        self._prepared = False
        self._preparing = asyncio.Lock()

    async def deliver(self, url: str, body: bytes, at: float) -> Attempt:
        """POST `body` to `url`, as an attempt begun at `at` (Unix seconds). Every failure is in the Attempt.

        `rules.timeout` real seconds cover the whole exchange, names and TLS included (clause `callback.timeout`).
        Once a status has arrived it decides, whatever becomes of the rest of the answer.
        """
        began = stopwatch()
        answer: list[int] = []
        problem = url_refusal(url, self._rules, self._allowed)
        if problem is None:
            try:
                async with asyncio.timeout(self._rules.timeout):
                    await self._exchange(parse_url(url), body, answer)
            except Exception as error:  # noqa: BLE001 - a receiver can break in any way; the attempt tells
                problem = _told(error, self._rules.timeout)
        seconds = stopwatch() - began
        return Attempt(at, seconds, answer[0], None) if answer else Attempt(at, seconds, None, problem)

    async def _exchange(self, where: ParsedUrl, body: bytes, answer: list[int]) -> None:
        """Send the request; append the status to `answer` as soon as it is there."""
        await self._prepare()
        exempt = is_allowed(where.host, where.port, self._allowed)
        backend = _PinnedBackend(self._resolve, exempt=exempt)
        try:
            async with _connection(where, self._ssl_context, backend) as connection:
                response = await connection.handle_async_request(_request(where, body, self._rules.timeout))
                answer.append(response.status)
                await _drain(response, backend)
        finally:
            await backend.aclose()

    async def _prepare(self) -> None:
        """Do once, off the event loop, what takes tens of milliseconds; a burst of deliveries waits for one."""
        async with self._preparing:
            if not self._prepared:
                self._ssl_context = await asyncio.to_thread(_tools, self._ssl_context)
                self._prepared = True


def _tools(context: ssl.SSLContext | None) -> ssl.SSLContext:
    """Import the client, and read the system's authorities (SSL_CERT_FILE included) when no context is given."""
    import httpcore  # noqa: F401 - so that it is loaded afterwards

    with suppress(ImportError):  # a private name; were it to move, the first delivery would load it
        import_module("anyio._backends._asyncio")
    return context or ssl.create_default_context()


def _connection(
    where: ParsedUrl, context: ssl.SSLContext | None, backend: _PinnedBackend
) -> httpcore.AsyncHTTPConnection:
    import httpcore

    origin = httpcore.Origin(where.scheme.encode(), where.host.encode(), where.port)
    network = cast("httpcore.AsyncNetworkBackend", backend)
    return httpcore.AsyncHTTPConnection(origin, ssl_context=context, network_backend=network)


def _request(where: ParsedUrl, body: bytes, timeout: float) -> httpcore.Request:
    import httpcore

    headers = [
        ("Host", where.authority()),
        ("User-Agent", "evolink-mock"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    url = httpcore.URL(scheme=where.scheme, host=where.host, port=where.port, target=where.request_target)
    extensions = {"timeout": {"connect": timeout}}
    return httpcore.Request("POST", url, headers=headers, content=body, extensions=extensions)


async def _drain(response: httpcore.Response, backend: _PinnedBackend) -> None:
    """Read what little a receiver says, so that it is not cut off; past the limit it is."""
    read = 0
    async for chunk in response.aiter_stream():
        read += len(chunk)
        if read >= _ANSWER_LIMIT:
            # Not `break`: httpcore's nested generators end properly only by an error from within.
            await backend.aclose()


def _told(error: BaseException, timeout: float) -> str:
    """Say what went wrong in a few words. The reason lies deep in the causes; the URL is never in it."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {getattr(error, 'verify_message', None) or error.reason or error}"
    if isinstance(error, socket.gaierror):
        return "the name cannot be resolved"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    if error.__cause__ is not None:
        return _told(error.__cause__, timeout)
    return str(error)[:_PROBLEM_LIMIT] or type(error).__name__
