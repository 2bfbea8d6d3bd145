"""Merge a document with a create operation and the document of the query, for tools that read only one document.

The links between the two operations then stay within one document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_spec import Spec

    Document = Mapping[str, Any]


def merged(spec: Spec) -> Iterator[dict[str, Any]]:
    """Yield each document with a create operation, merged with the document of the query.

    Servers and security schemes are left out.
    """
    query = spec.documents[spec.query.source]
    sources = {operation.source for creates in spec.creates.values() for operation in creates.values()}
    for source in spec.documents:
        if source in sources:
            create = spec.documents[source]
            yield _without_servers(create if source == spec.query.source else _joined(create, query))


def _joined(create: Document, query: Document) -> dict[str, Any]:
    query = _with_unique_components(query, create)
    ours, theirs = create.get("components", {}), query.get("components", {})
    kinds = dict.fromkeys((*ours, *theirs))
    components = {kind: {**theirs.get(kind, {}), **ours.get(kind, {})} for kind in kinds}
    return {**create, "paths": {**query["paths"], **create["paths"]}, "components": components}


def _with_unique_components(query: Document, create: Document) -> dict[str, Any]:
    """Return the query's document with renamed components.

    A component is renamed if it differs from the component with the same name in the create operation's
    document.
    """
    text = json.dumps(query)
    renamed: dict[str, dict[str, str]] = {}
    for kind, ours in create.get("components", {}).items():
        for name, theirs in query.get("components", {}).get(kind, {}).items():
            if name in ours and ours[name] != theirs:
                text = text.replace(f'"#/components/{kind}/{name}"', f'"#/components/{kind}/{name}OfQuery"')
                renamed.setdefault(kind, {})[name] = f"{name}OfQuery"
    renamed_query: dict[str, Any] = json.loads(text)
    for kind, names in renamed.items():
        parts = renamed_query["components"][kind]
        renamed_query["components"][kind] = {names.get(name, name): part for name, part in parts.items()}
    return renamed_query


def _without_servers(document: Document) -> dict[str, Any]:
    """Return the document without servers and security, because the caller chooses the server and the keys."""
    paths = {
        path: {
            method: {key: part for key, part in operation.items() if key not in {"security", "servers"}}
            if isinstance(operation, dict)
            else operation
            for method, operation in item.items()
            if method != "servers"
        }
        for path, item in document["paths"].items()
    }
    kept = {key: part for key, part in document.items() if key not in {"security", "servers", "paths"}}
    components = {key: part for key, part in kept.get("components", {}).items() if key != "securitySchemes"}
    return {**kept, "paths": paths, "components": components}
