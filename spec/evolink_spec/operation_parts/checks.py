"""Reject operations that use features of OpenAPI that the mock server does not support."""

from __future__ import annotations

import re

from evolink_spec.pointers import Node
from evolink_spec.schemas import check, types_of

_PARAMETER = {"deprecated", "description", "example", "examples", "in", "name", "required", "schema"}
_SERVER = re.compile(r"([a-z]+://[^/?#{}]+)?/?")
# OpenAPI ignores header parameters with these names, because other fields describe them.
_HEADERS = {"accept", "authorization", "content-type"}


def check_servers(node: Node) -> None:
    """Raise `SpecError` if a server URL has a path."""
    servers = node.get("servers")
    for server in servers.items() if servers else ():
        url = server.child("url")
        if not _SERVER.fullmatch(url.text()):  # the mock serves exactly the paths of the operations
            raise url.error("has more than a scheme and a host: move the rest into `paths`")


def check_parameters(item: Node, node: Node, parameter: str | None) -> None:
    """Raise `SpecError` for unsupported servers, parameters or security.

    `parameter` is the name of the parameter in the path, or None.
    """
    check_servers(node)
    _check_security(node)
    declared = [owner.get("parameters") for owner in (item, node)]
    described = False
    for entry in [entry for parameters in declared if parameters for entry in parameters.items()]:
        entry.fields(_PARAMETER)
        place, name = entry.child("in").text(), entry.child("name").text()
        if place == "path" and name == parameter:
            check(entry.child("schema"))
            if types_of(entry.child("schema")) != ["string"]:
                raise entry.child("schema").error("must be of type string: task ids are text")
            described = True
        elif place != "header" or name.lower() not in _HEADERS:
            raise entry.error("is not a supported parameter: only the one at the end of a query's path is")
    if parameter and not described:
        raise node.error(f"does not describe {parameter!r}, the parameter of its path")


def _check_security(node: Node) -> None:
    root = Node(node.document, node.source)
    required = node.get("security") or root.get("security")
    if required is None:
        return
    for requirement in required.items():
        names = [*requirement.mapping()]
        schemes = [root.child("components").child("securitySchemes").child(name) for name in names]
        kinds = [(scheme.child("type").value, scheme.mapping().get("scheme")) for scheme in schemes]
        if kinds != [("http", "bearer")]:
            raise requirement.error(
                "requires something other than one HTTP bearer token, which is not supported"
            )
    if not required.value:
        raise required.error("requires no token: only operations that take a bearer token are supported")
