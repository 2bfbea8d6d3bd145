"""Build the OpenAPI documents that Schemathesis reads.

Each document contains a create operation and the operation that queries a task. Schemathesis follows links within one
document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_spec.joined_documents import joined_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_spec import Spec

    Document = Mapping[str, Any]


def merged(spec: Spec) -> Iterator[dict[str, Any]]:
    """Yield each document with a create operation, merged with the document for task queries.

    Servers and security schemes are removed. The caller chooses the server and the keys.
    """
    creating = {operation.source for creates in spec.creates.values() for operation in creates.values()}
    for source, document in joined_documents(spec).items():
        if source in creating:
            yield _without_servers(document)


def _without_servers(document: Document) -> dict[str, Any]:
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
