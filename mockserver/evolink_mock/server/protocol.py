"""An HTTP connection: uvicorn's protocol with additional limits.

Request heads that are too large or too slow are rejected. Connections above the maximum number are rejected. `Upgrade`
headers are ignored. Without TLS, a client that has closed its sending direction still gets its response. After an early
response, the rest of the request is read and dropped. Closing immediately could lose the response.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from evolink_mock.http.connection import HELD, TRANSPORT, WHOLE_BODY
from evolink_mock.http.errors import ApiError
from evolink_mock.server.coalescing import CoalescingTransport
from evolink_mock.server.connections import ConnectionLimits, ConnectionState
from evolink_mock.server.early_response import NOT_HTTP, TUNNEL, response_to
from evolink_mock.server.head import head_size, head_without_upgrade, upgrade_headers

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from evolink_mock.http.errors import Headers

_log = logging.getLogger("evolink_mock.http")


class Protocol(HttpToolsProtocol):
    """One HTTP connection."""

    server_state: ConnectionState
    limits = ConnectionLimits()
    transport: CoalescingTransport  # type: ignore[assignment]  # it has the methods of asyncio.Transport that uvicorn uses
    on_tls: Callable[[ssl.SSLObject], None] | None = None  # called after a successful TLS handshake
    is_overload_logged = False  # shared by a listener's connections, so that overload is logged once

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._head_limit = self.limits.head_bytes
        self._in_head = self._in_body = False  # which part of the present request is being received
        self._is_between_requests = True  # whether the received data begins with a new request
        self._chunk = self._head_start = self._head_rest = 0  # numbers of bytes
        self._body_received = self._body_size = 0  # bytes of the body, with and without its chunked framing
        self._has_offer = False  # whether the present request offers an upgrade
        self._offers: Headers = ()  # the `Upgrade` headers that were removed from the present request
        self._answering: RequestResponseCycle | None = None  # the first pipelined request without a response
        self._refusal: ApiError | None = None  # why the present request is refused, if its syntax is valid
        self._is_draining = False  # reading the rest of a request that already has its response
        self._ignores_input = False  # the input can no longer be parsed
        self._drained = 0  # bytes that were read and dropped

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin a connection. If there are too many connections, refuse this one with a 503."""
        super().connection_made(
            cast("asyncio.Transport", CoalescingTransport(transport, self.continue_reading))
        )
        self.server_state.was_reached = True
        if self.on_tls is not None:
            self.on_tls(transport.get_extra_info("ssl_object"))
        if len(self.connections) > self.limits.connections:
            if not self.is_overload_logged:
                _log.warning("more than %d connections: others are refused", self.limits.connections)
            type(self).is_overload_logged = True
            self._refuse(ApiError(503, f"this server accepts at most {self.limits.connections} connections"))
        else:
            self._start_timer(self.limits.head_seconds, self._on_head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the request in progress that the client has gone. Drop the pipelined requests."""
        self._stop_timer()
        self._in_body = False
        self.pipeline.clear()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)
        if type(self).is_overload_logged and len(self.connections) < self.limits.connections // 2:
            type(self).is_overload_logged = False

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio allows a result
        """Return whether the connection stays open for the response to a complete request.

        Returns False over TLS.
        """
        answering = self._answering
        if self.scheme == "https" or answering is None or answering.response_complete:
            return False
        if (answering is self.cycle and self._in_body) or HELD in answering.scope:
            return False
        self.cycle.keep_alive = False  # close after the response to the last pipelined request
        return True

    def shutdown(self) -> None:
        """Close the connection after the response to the request in progress."""
        if self._is_draining:
            self.transport.abort()
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Parse the received data. If a request already has its response, the rest of its data is dropped."""
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        if (self._is_draining and self._is_too_much(data)) or self._ignores_input:
            return
        self._chunk = len(data)
        if self._in_head:
            self._head_rest += self._chunk
        elif self._in_body:
            self._body_received += self._chunk
        else:
            self._is_between_requests = True
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parse_without_offers(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal or NOT_HTTP)
        if self._in_head:
            self._check_incomplete_head()
        elif self._in_body:
            self._check_framing()
        elif self.timeout_keep_alive_task is None and (self.cycle is None or self.cycle.response_complete):
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    # Parses the head of a request again without `Upgrade` headers, and then `rest`, the data after the head.
    def _parse_without_offers(self, rest: bytes | None) -> None:
        while rest is not None:
            data, rest = self._without_offer() + rest, None
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[upgrade.args[0] :]
            except httptools.HttpParserError:
                self._refuse(self._refusal or NOT_HTTP)

    def _should_upgrade(self) -> bool:
        if self.parser.get_method() == b"CONNECT":
            self._refusal = TUNNEL
            raise ValueError("a tunnel")  # ends the parser, after which the request is refused
        self._has_offer = True
        return True  # stops the parser, so that `_without_offer` can remove the request's `Upgrade` headers

    def _without_offer(self) -> bytes:
        self.parser = httptools.HttpRequestParser(self)  # the old one has stopped at the `Upgrade` headers
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._has_offer, self._offers = False, upgrade_headers(self.headers)
        return head_without_upgrade(self.scope["method"], self.url, self.scope["http_version"], self.headers)

    def _check_incomplete_head(self) -> None:
        if self._head_rest > self.limits.head_bytes:
            self._refuse(self._head_too_large())
        elif self._timer is None:
            self._start_timer(self.limits.head_seconds, self._on_head_timeout)

    def _check_framing(self) -> None:
        framing = self._body_received - self._body_size  # chunk sizes, chunk extensions and trailers
        if framing > self.limits.head_bytes + 16 * self._body_size:
            self._refuse(NOT_HTTP)

    def on_message_begin(self) -> None:
        """Begin a request. Add the transport of the connection to the request's ASGI scope."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]
        self._in_head = True
        # If a head begins in the middle of the received data, its number of bytes in these data is unknown.
        self._head_start, self._head_rest = (
            (0, self._chunk) if self._is_between_requests else (self._chunk, 0)
        )
        self._is_between_requests = False

    def on_headers_complete(self) -> None:
        """Pass the request to the app. If the head of the request is too large, refuse it."""
        self._in_head = False
        if self._timer is not None:
            self._stop_timer()
        if (
            self._head_start + self._head_rest > self._head_limit
            and head_size(self.url, self.headers) > self._head_limit
        ):
            self._refusal = self._head_too_large()
            raise ValueError("too large")  # ends the parser
        if self._offers:
            self.headers += self._offers
            self._offers = ()
        earlier = self.cycle
        super().on_headers_complete()
        if self._has_offer:
            return
        self._in_body = True
        self._body_received = self._body_size = 0
        self.headers = []  # receives the trailers, which are ignored
        if self.expect_100_continue:  # without a 100, the client may or may not send the body
            self.cycle.keep_alive = False
        if earlier is None or earlier.response_complete:
            self._answering = self.cycle

    def on_body(self, body: bytes) -> None:
        """Collect a part of the request body."""
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Mark the request as completely received. The app does not wait for more of its body."""
        if self._has_offer:
            return
        self._in_body = False
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.scope[WHOLE_BODY] = True  # type: ignore[literal-required]
            cycle.more_body = False
            cycle.message_event.set()
        elif self._is_draining:
            self._end_draining()

    def on_response_complete(self) -> None:
        """Write a delayed head. Drop the unread rest of the request body."""
        self.transport.flush()
        if self._in_body and self.cycle.response_complete and not self._is_draining:
            self._drain()
        if self.pipeline:
            self._answering = self.pipeline[-1][0]
        super().on_response_complete()

    def continue_reading(self) -> bool:
        """Return whether the client is still sending. If the client is sending, begin to drop the data."""
        if self._is_draining or not (self._in_body or self._ignores_input):
            return False
        self._drain()
        return True

    def _drain(self) -> None:
        self._is_draining, self._drained = True, 0
        self.flow.resume_reading()
        self._start_timer(self.limits.linger_seconds, self.transport.abort)

    def _is_too_much(self, data: bytes) -> bool:
        self._drained += len(data)
        if self._drained > self.limits.linger_bytes:
            self.transport.abort()
        return self._drained > self.limits.linger_bytes

    def _end_draining(self) -> None:
        self._is_draining = False
        self._stop_timer()
        if self.transport.is_closing():
            self.transport.close()

    def _refuse(self, error: ApiError) -> None:
        # The error follows the responses to earlier requests, and then the connection is closed.
        is_in_body, self._in_body = self._in_body, False
        self._ignores_input, self._in_head = True, False
        self._stop_timer()
        self.pipeline.clear()
        answering = self._answering
        if answering is not None and not answering.response_complete:
            if answering is not self.cycle or not is_in_body:
                answering.keep_alive = False
                return
            answering.disconnected = True  # its body cannot be read
            answering.message_event.set()
            if answering.response_started:
                self.transport.close()
                return
        if error.status != HTTPStatus.SERVICE_UNAVAILABLE:  # overload is logged once for all connections
            _log.info("%d  %s", error.status, error.detail)
        self.transport.write(response_to(error, self.server_state.default_headers))
        self.transport.close()

    def _on_head_timeout(self) -> None:
        self._timer = None
        if self._in_head:
            self._refuse(ApiError(408, f"no complete head within {self.limits.head_seconds:g} s"))
        else:  # nothing was sent
            self.transport.close()

    def _head_too_large(self) -> ApiError:
        return ApiError(431, f"the request line and headers are larger than {self.limits.head_bytes} bytes")

    def _start_timer(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
