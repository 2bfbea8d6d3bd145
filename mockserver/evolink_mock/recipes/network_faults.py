"""Apply the network faults of a recipe to a response.

Delays are in real time, not in the time of the account's clock.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from evolink_mock.domain.clock import sleep
from evolink_mock.domain.exchange import SCOPE_KEY, record_violations
from evolink_mock.http.connection import TRANSPORT, ConnectionDroppedError, is_stopping
from evolink_mock.recipes.body_variants import UNKNOWN_HEADER
from evolink_mock.recipes.effects import GATEWAY
from evolink_mock.recipes.recipe import NO_RECIPE, Recipe
from evolink_mock.recipes.response_rewriting import WholeResponse, gateway_page, rewrite, rewrites

if TYPE_CHECKING:
    from collections.abc import Container

    from starlette.types import Message, Scope, Send

    from evolink_mock.domain.exchange import Exchange
    from evolink_mock.http.errors import ApiError

_PARTS = 40  # number of parts in which a body trickles


def inject_network_faults(
    recipe: Recipe | ApiError, scope: Scope, documented: Container[int], chance: float, send: Send
) -> Send:
    """Wrap `send` so that the response has the network faults of the recipe.

    The random number `chance` (0 ≤ chance < 1) chooses a delay in the recipe's range.
    """
    if recipe is NO_RECIPE or not isinstance(recipe, Recipe):
        return send
    faulty = _FaultySend(recipe, scope, documented, chance, send)
    return _RewritingSend(recipe, scope, faulty.send).send if rewrites(recipe) else faulty.send


class _RewritingSend:
    """Collects the response, changes it, and then sends it."""

    def __init__(self, recipe: Recipe, scope: Scope, send: Send) -> None:
        self._recipe = recipe
        self._exchange: Exchange = scope[SCOPE_KEY]
        self._port = (scope.get("server") or ("", 0))[1] or 0
        self._send = send
        self._start: Message = {}
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            record_violations(self._exchange)
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body"):
            return
        exchange = self._exchange
        whole = WholeResponse(self._start["status"], self._start["headers"], self._body)
        whole = rewrite(self._recipe, exchange, whole, self._port)
        exchange.status, exchange.answer_body = whole.status, whole.body
        await self._send({**self._start, "status": whole.status, "headers": list(whole.headers)})
        body = b"" if exchange.method == "HEAD" else whole.body
        await self._send({"type": "http.response.body", "body": body})


class _FaultySend:
    def __init__(
        self, recipe: Recipe, scope: Scope, documented: Container[int], chance: float, send: Send
    ) -> None:
        self._recipe = recipe
        self._exchange: Exchange = scope[SCOPE_KEY]
        self._transport = scope.get(TRANSPORT)
        self._chance = chance
        self._send = send
        self._gateway = recipe.status in GATEWAY and recipe.status not in documented

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._recipe.cut and self._exchange.method != "HEAD" and (body := self._body(message)):
            part = body[: len(body) // 2]
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
            self._exchange.answer_body = self._exchange.answer_body and part
            raise ConnectionDroppedError(sent=True)
        elif self._recipe.trickle:
            await self._trickle(self._body(message), more=message.get("more_body", False))
        else:
            await self._send({**message, "body": self._body(message)} if self._gateway else message)

    async def _trickle(self, body: bytes, *, more: bool) -> None:
        size = max(1, -(-len(body) // _PARTS))
        for start in range(0, len(body), size):
            # The pause precedes each part, because a client may close the connection after the last part.
            is_interrupted = not await self._pause(self._recipe.trickle * size / len(body))
            if self._transport is not None and self._transport.is_closing():
                return
            part = body[start:] if is_interrupted else body[start : start + size]
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
            if is_interrupted:
                break
        await self._send({"type": "http.response.body", "body": b"", "more_body": more})

    @staticmethod
    async def _pause(seconds: float) -> bool:
        try:
            await sleep(seconds)
        except asyncio.CancelledError as error:
            if not is_stopping(error):
                raise
            return False
        return True

    async def _start(self, message: Message) -> None:
        recipe, exchange = self._recipe, self._exchange
        record_violations(exchange)
        if recipe.latency is not None:
            latency = recipe.latency
            await self._pause(latency.shortest + (latency.longest - latency.shortest) * self._chance)
        if recipe.drop or recipe.hang:
            exchange.status, exchange.answer_body, exchange.answer_headers = 0, b"", ()
            raise ConnectionDroppedError(sent=False, held=recipe.hang)
        headers = self._headers(message)
        exchange.answer_headers = headers
        await self._send({**message, "headers": headers})

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        changed: dict[bytes, bytes] = {}
        if self._gateway and message["status"] == self._recipe.status:
            self._exchange.answer_body = page = gateway_page(message["status"])
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
