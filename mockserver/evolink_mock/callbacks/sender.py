"""Send one callback to its receiver, at an IP address that has been checked."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from evolink_mock.callbacks.resolver import Resolver
from evolink_mock.callbacks.url_guard import address_refusal, is_allowed, target_refusal
from evolink_mock.domain.clock import stopwatch
from evolink_mock.domain.deliveries import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import httpcore2
    from evolink_spec.models import CallbackRules

    from evolink_mock.callbacks.url_guard import Allowed
    from evolink_mock.domain.parsed_url import ParsedUrl

Resolve = Callable[[str, int], Awaitable[list[str]]]

_RESPONSE_LIMIT = 65_536  # bytes of the response's body that are read before the connection is closed
_PROBLEM_LIMIT = 200  # maximum number of characters, because the text may come from the receiver


class _InternalAddressError(Exception):
    pass


async def internal_address(host: str, within: float, resolve: Resolve) -> str | None:
    """Return why the mock must not connect to a host.

    Returns None if all addresses of the host are public. Returns None if the look-up fails. Returns None if the look-up
    takes longer than `within` real seconds. If the result is None, the mock accepts the create request. Implements
    clauses `callback.no-internal` and `callback.unresolved`.
    """
    # If the look-up fails, the URL is accepted. That is safe, because each attempt checks the addresses again.
    try:
        async with asyncio.timeout(within):
            addresses = await resolve(host, 443)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return None
    return _internal(host, addresses)


def _internal(host: str, addresses: Iterable[str]) -> str | None:
    for address in addresses:
        if reason := address_refusal(address):
            return reason if address == host else f"{host} resolves to an internal address: {reason}"
    return None


def _refuse_internal(host: str, addresses: Iterable[str]) -> None:
    if reason := _internal(host, addresses):
        raise _InternalAddressError(reason)


async def _connect(
    target: ParsedUrl, context: ssl.SSLContext | None, resolve: Resolve, seconds: float, *, exempt: bool
) -> httpcore2.AsyncNetworkStream:
    # The name is looked up once, and the connection goes to a checked address. Therefore, a DNS server cannot return
    # another address after the check (clause `callback.no-internal-at-delivery`).
    addresses = await resolve(target.host, target.port)
    if not exempt:
        _refuse_internal(target.host, addresses)
    # Divide the time among the addresses, so that an address that drops packets leaves time for the others.
    stream = await _first_that_answers(addresses, target.port, seconds / max(len(addresses), 1))
    try:
        if not exempt:
            _refuse_internal(target.host, [str(stream.get_extra_info("server_addr")[0])])
        if target.scheme == "https":
            assert context is not None  # noqa: S101  (`_prepare` has created it)
            return await stream.start_tls(context, target.host, seconds)
    except BaseException:
        await stream.aclose()
        raise
    return stream


async def _first_that_answers(
    addresses: Sequence[str], port: int, share: float
) -> httpcore2.AsyncNetworkStream:
    import httpcore2

    failure: Exception = OSError("the name has no address")
    for address in addresses:
        try:
            return await httpcore2.AnyIOBackend().connect_tcp(address, port, share)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            failure = error
    raise failure


class CallbackSender:
    """Sends each callback over a new connection, without a proxy and without following redirects.

    Implements clauses `callback.post`, `callback.query-kept`, `callback.no-redirects` and `callback.no-key`.
    """

    def __init__(
        self,
        rules: CallbackRules,
        allowed: Sequence[Allowed] = (),
        *,
        ssl_context: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._timeout = rules.timeout
        self._allowed = allowed
        self._ssl_context = ssl_context
        self._resolve = resolve or Resolver()
        self._prepared = False
        self._preparing = asyncio.Lock()

    async def send(self, target: ParsedUrl, body: bytes, at: float) -> Attempt:
        """Send `body` to `target` with POST, and return the attempt.

        `at` is the start time of the attempt in Unix seconds. If no response arrives, the `problem` of the attempt
        states the reason. An attempt takes at most `rules.timeout` real seconds (clause `callback.timeout`). The status
        decides whether the attempt succeeded, even if the response is cut off.
        """
        began = stopwatch()
        statuses: list[int] = []
        problem = target_refusal(target, self._allowed)
        if problem is None:
            try:
                await self._prepare()
                async with asyncio.timeout(self._timeout):
                    await self._exchange(target, body, statuses)
            except Exception as error:  # noqa: BLE001 - a receiver can fail in any way; the attempt records how
                problem = _root_cause(error, self._timeout)
        seconds = stopwatch() - began
        return Attempt(at, seconds, statuses[0], None) if statuses else Attempt(at, seconds, None, problem)

    async def _exchange(self, target: ParsedUrl, body: bytes, statuses: list[int]) -> None:
        import httpcore2

        exempt = is_allowed(target.host, target.port, self._allowed)
        stream = await _connect(target, self._ssl_context, self._resolve, self._timeout, exempt=exempt)
        origin = httpcore2.Origin(target.scheme.encode(), target.host.encode(), target.port)
        try:
            # Not a connection pool, because mocking libraries replace connection pools in the process of a test.
            async with httpcore2.AsyncHTTP11Connection(origin, stream) as connection:
                response = await connection.handle_async_request(_request(target, body))
                statuses.append(response.status)  # the status counts, even if `_drain` fails
                await _drain(response, stream)
        finally:
            await stream.aclose()

    async def _prepare(self) -> None:
        async with self._preparing:
            if not self._prepared:
                # In a thread, because this takes tens of milliseconds.
                self._ssl_context = await asyncio.to_thread(
                    _import_client_and_read_certificates, self._ssl_context
                )
                self._prepared = True


def _import_client_and_read_certificates(context: ssl.SSLContext | None) -> ssl.SSLContext:
    import httpcore2  # noqa: F401 - imported here, so that later imports take no time

    with suppress(ImportError):  # a private module; if it is renamed, the first delivery imports it
        import_module("anyio._backends._asyncio")
    context = context or ssl.create_default_context()  # SSL_CERT_FILE can name other certificates
    context.set_alpn_protocols(["http/1.1"])
    return context


def _request(target: ParsedUrl, body: bytes) -> httpcore2.Request:
    import httpcore2

    headers = [
        ("Host", target.authority()),
        ("User-Agent", "evolink-mock"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    url = httpcore2.URL(
        scheme=target.scheme, host=target.host, port=target.port, target=target.request_target
    )
    return httpcore2.Request("POST", url, headers=headers, content=body)


async def _drain(response: httpcore2.Response, stream: httpcore2.AsyncNetworkStream) -> None:
    # Read the whole body up to the limit, so that most receivers can send it completely.
    read = 0
    async for chunk in response.aiter_stream():
        read += len(chunk)
        if read >= _RESPONSE_LIMIT:
            # Not `break`, because only an error inside httpcore2's nested generators closes them properly.
            await stream.aclose()


def _root_cause(error: BaseException, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {getattr(error, 'verify_message', None) or error.reason or error}"
    if isinstance(error, socket.gaierror):
        return "the name cannot be resolved"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno).lower()
    if error.__cause__ is not None:
        return _root_cause(error.__cause__, timeout)
    return str(error)[:_PROBLEM_LIMIT] or type(error).__name__
