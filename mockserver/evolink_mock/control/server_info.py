"""What the control API tells of the server itself: nothing here concerns an account."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from evolink_mock.control.handler import Reply, told
from evolink_mock.http.errors import Fault

if TYPE_CHECKING:
    from evolink_mock.control.handler import Ask


@cache
def document() -> bytes:
    """The OpenAPI document of the control API, as YAML."""
    from importlib.resources import files

    return (files("evolink_mock.control") / "control.yaml").read_bytes()


async def health(ask: Ask) -> Reply:  # noqa: ARG001
    """Whoever gets this knows that the process answers."""
    return told({"status": "ok"})


async def ready(ask: Ask) -> Reply | Fault:
    """Whether callbacks are being delivered."""
    return told({"status": "ok"}) if ask.service.ready else Fault(503, "callbacks are not delivered yet")


async def openapi_yaml(ask: Ask) -> Reply:  # noqa: ARG001
    """The document of this API."""
    return Reply(document(), kind=b"application/yaml")


async def openapi_json(ask: Ask) -> Reply:  # noqa: ARG001
    """The document of this API, as JSON."""
    import yaml

    return told(yaml.safe_load(document()))


async def spec(ask: Ask) -> Reply:
    """The documents that are played."""
    return told({"documents": ask.service.spec.documents})


async def clauses(ask: Ask) -> Reply:  # noqa: ARG001
    """The rules that the documents state."""
    from evolink_spec.clauses import load_clauses

    return told({"clauses": load_clauses()})


async def authority(ask: Ask) -> Reply | Fault:
    """The certificate to trust."""
    pem = ask.service.ca_pem
    if pem is None:
        return Fault(404, "there is no https here, so no authority")
    return Reply(pem, kind=b"application/x-pem-file")


async def cookbook(ask: Ask) -> Reply:
    """Every recipe by name."""
    return told({"recipes": ask.service.cookbook.names})
