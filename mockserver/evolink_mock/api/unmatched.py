"""Answer undocumented paths and methods, and record them as violations of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_mock.api.request_context import begin, enter
from evolink_mock.domain.exchange import SCOPE_KEY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from evolink_mock.service.service import Service


class Unmatched:
    """The ASGI endpoint for undocumented paths and methods.

    The ASGI app `response` sends the 404 or 405. If the token is accepted, the journal of its account records the
    request.
    """

    def __init__(self, service: Service, response: ASGIApp) -> None:
        self._service = service
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark an HTTP request as unmatched, and let `response` answer it."""
        if scope["type"] == "http":
            context = begin(self._service, scope, {}, "")
            if context.token is not None:
                enter(self._service, context, await self._service.store.account(context.token))
            scope[SCOPE_KEY].is_unmatched = True
        await self._response(scope, receive, send)
