"""`GET /v1/models` lists the models in the format of OpenAI-compatible APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.json import encode

from evolink_mock.api.policy import AUTHENTICATION, first_error
from evolink_mock.api.request_context import begin
from evolink_mock.http.responses import send_error, send_json

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from evolink_mock.service.service import Service

PATH = "/v1/models"
_CREATED = 1757169743  # from the example in the document, because no page states when a model was released


class ModelsEndpoint:
    """The ASGI endpoint of `GET /v1/models`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        models = sorted(
            (model, operation.medium)
            for by_model in service.spec.creates.values()
            for model, operation in by_model.items()
            if model is not None
        )
        data = [
            {"id": model, "object": "model", "created": _CREATED, "owned_by": "evolink", "type": medium}
            for model, medium in models
        ]
        self._body = encode({"object": "list", "data": data})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Respond with the list of models."""
        context = begin(self._service, scope, {}, "models")
        error = first_error(AUTHENTICATION, context)
        if error is not None:
            await send_error(send, context.exchange, error, self._service.spec.query.errors)
            return
        await send_json(send, context.exchange, self._body)
