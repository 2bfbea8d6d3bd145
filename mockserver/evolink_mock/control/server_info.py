"""The routes of the control API that concern the whole server."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from evolink_mock.control.handler import ControlResponse, json_response
from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from evolink_mock.control.handler import ControlRequest


@cache
def document() -> bytes:
    """Return the OpenAPI document of the control API as YAML."""
    from importlib.resources import files

    return (files("evolink_mock.control") / "control.yaml").read_bytes()


@cache
def document_json() -> bytes:
    """Return the OpenAPI document of the control API as JSON."""
    import yaml

    return msgspec.json.encode(yaml.safe_load(document()))


async def take_snapshot(request: ControlRequest) -> ControlResponse:
    """Return the state of every account as JSON Lines."""
    from evolink_mock.service import snapshots

    return ControlResponse(snapshots.dump(request.service), content_type=b"application/x-ndjson")


async def show_health(request: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """Respond with a 200, because a process that responds is alive."""
    return json_response({"status": "ok"})


async def show_readiness(request: ControlRequest) -> ControlResponse | ApiError:
    """Respond with a 200 if the server is ready, otherwise with a 503.

    A ready server delivers callbacks and has a usable store.
    """
    if not request.service.ready:
        return ApiError(503, "callbacks are not delivered yet")
    if request.service.store.problem is not None:
        return ApiError(503, "the store cannot be used", hint=request.service.store.problem)
    return json_response({"status": "ok"})


async def show_metrics(request: ControlRequest) -> ControlResponse | ApiError:
    """Return the metrics in the text format of Prometheus.

    Returns a 404 if the setting `metrics` is off.
    """
    service = request.service
    if not service.settings.metrics:
        return ApiError(404, "there are no metrics: start the mock with --metrics")
    from evolink_mock.service.metrics import CONTENT_TYPE

    metrics = await service.metrics.exposition(service.store, service.clock)
    return ControlResponse(metrics, content_type=CONTENT_TYPE)


async def show_openapi_yaml(request: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """Return the OpenAPI document of the control API as YAML."""
    return ControlResponse(document(), content_type=b"application/yaml")


async def show_openapi_json(request: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """Return the OpenAPI document of the control API as JSON."""
    return ControlResponse(document_json())


async def show_spec(request: ControlRequest) -> ControlResponse:
    """Return the OpenAPI documents of the simulated API.

    The member `documents` maps file paths to OpenAPI documents.
    """
    return json_response({"documents": dict(request.service.spec.documents)})


async def list_clauses(request: ControlRequest) -> ControlResponse:  # noqa: ARG001
    """Return all clauses (the rules of the API's contract)."""
    from evolink_spec.clauses import load_clauses

    return json_response({"clauses": load_clauses()})


async def show_certificate(request: ControlRequest) -> ControlResponse | ApiError:
    """Return the CA certificate that clients of the https listener must trust.

    Returns a 404 if the server has no https.
    """
    pem = request.service.ca_pem
    if pem is None:
        return ApiError(404, "this server has no https, so there is no certificate to trust")
    return ControlResponse(pem, content_type=b"application/x-pem-file")


async def list_catalog(request: ControlRequest) -> ControlResponse:
    """Return the catalog of recipes.

    Each recipe in the catalog consists of a single effect, such as `429`.
    """
    return json_response({"recipes": request.service.registry.names})
