"""What the control API tells of the server itself: nothing here concerns an account."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from evolink_mock.control.handler import ControlResponse, json_response
from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from evolink_mock.control.handler import ControlRequest


@cache
def document() -> bytes:
    """The OpenAPI document of the control API, as YAML."""
    from importlib.resources import files

    return (files("evolink_mock.control") / "control.yaml").read_bytes()


async def health(ask: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """Whoever gets this knows that the process answers."""
    return json_response({"status": "ok"})


async def ready(ask: ControlRequest) -> ControlResponse | ApiError:
    """Whether callbacks are being delivered."""
    return (
        json_response({"status": "ok"})
        if ask.service.ready
        else ApiError(503, "callbacks are not delivered yet")
    )


async def openapi_yaml(ask: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """The document of this API."""
    return ControlResponse(document(), kind=b"application/yaml")


async def openapi_json(ask: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """The document of this API, as JSON."""
    import yaml

    return json_response(yaml.safe_load(document()))


async def spec(ask: ControlRequest) -> ControlResponse:
    """The documents that are played."""
    return json_response({"documents": ask.service.spec.documents})


async def clauses(ask: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """The rules that the documents state."""
    from evolink_spec.clauses import load_clauses

    return json_response({"clauses": load_clauses()})


async def authority(ask: ControlRequest) -> ControlResponse | ApiError:
    """The certificate to trust."""
    pem = ask.service.ca_pem
    if pem is None:
        return ApiError(404, "there is no https here, so no authority")
    return ControlResponse(pem, kind=b"application/x-pem-file")


async def cookbook(ask: ControlRequest) -> ControlResponse:
    """Every recipe by name."""
    return json_response({"recipes": ask.service.registry.names})
