"""Inject network faults into a response: delay it, drop it, truncate it, replace it with a gateway's page.

Network faults use real time, not the account's clock.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evolink_mock.http.connection import ConnectionDroppedError, is_stopping
from evolink_mock.recipes.body_variants import UNKNOWN_HEADER
from evolink_mock.recipes.effects import GATEWAY
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe

if TYPE_CHECKING:
    from collections.abc import Container

    from starlette.types import Message, Send

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.http.errors import ApiError

_REASONS = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}
_PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def inject_network_faults(
    recipe: Recipe | ApiError, exchange: Exchange, documented: Container[int], chance: float, send: Send
) -> Send:
    """The `send` of an exchange, with the network faults of the recipe.

    `chance` (0 ≤ chance < 1) picks the latency from its range.
    """
    if recipe is NO_RECIPE or not isinstance(recipe, Recipe):
        return send
    return _FaultySend(recipe, exchange, documented, chance, send).send


class _FaultySend:
    """Sends one response with network faults."""

    def __init__(
        self, recipe: Recipe, exchange: Exchange, documented: Container[int], chance: float, send: Send
    ) -> None:
        self._recipe = recipe
        self._exchange = exchange
        self._chance = chance
        self._send = send
        self._gateway = recipe.status in GATEWAY and recipe.status not in documented

    async def send(self, message: Message) -> None:
        """Send one ASGI message, or part of it. Raises `ConnectionDroppedError` after a cut or a drop."""
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._recipe.cut and self._exchange.method != "HEAD" and (body := self._body(message)):
            part = body[: len(body) // 2]
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
            self._exchange.answer_body = self._exchange.answer_body and part
            raise ConnectionDroppedError(sent=True)
        else:
            await self._send({**message, "body": self._body(message)} if self._gateway else message)

    async def _start(self, message: Message) -> None:
        recipe, exchange = self._recipe, self._exchange
        if recipe.latency is not None:
            latency = recipe.latency
            try:
                await asyncio.sleep(latency.shortest + (latency.longest - latency.shortest) * self._chance)
            except asyncio.CancelledError as error:
                if not is_stopping(error):
                    raise
        if recipe.drop:
            exchange.status, exchange.answer_body, exchange.answer_headers = 0, b"", ()
            raise ConnectionDroppedError(sent=False)
        headers = self._headers(message)
        exchange.answer_headers = headers
        await self._send({**message, "headers": headers})

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        changed: dict[bytes, bytes] = {}
        if self._gateway and message["status"] == self._recipe.status:
            self._exchange.answer_body = page = _gateway_page(message["status"])
            changed = {b"content-type": b"text/html", b"content-length": b"%d" % len(page)}
        else:
            self._gateway = False
        if self._recipe.content_type:
            changed[b"content-type"] = self._recipe.content_type
        kept = [(name, value) for name, value in message["headers"] if name not in changed]
        extra = [UNKNOWN_HEADER] if self._recipe.shape == "extra" else []
        return [*changed.items(), *kept, *extra]

    def _body(self, message: Message) -> bytes:
        body: bytes = message.get("body", b"")
        if self._gateway:
            return b"" if self._exchange.method == "HEAD" else self._exchange.answer_body
        return body


def _gateway_page(status: int) -> bytes:
    return _PAGE.format(f"{status} {_REASONS[status]}").encode("ascii")
