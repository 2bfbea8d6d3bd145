"""Join two documents, one with a create operation and one with the status query.

In EvoLink's documents, create operations refer to the document of the status query. Some tools need both in one
document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec.models import Spec

    Document = Mapping[str, Any]


def joined_documents(spec: Spec) -> dict[str, Document]:
    """Return all documents by file.

    The status query is joined to each document with a create operation.
    """
    query = spec.documents[spec.query.source]
    creating = {operation.source for creates in spec.creates.values() for operation in creates.values()}
    return {
        source: _joined(document, query) if source in creating - {spec.query.source} else document
        for source, document in spec.documents.items()
    }


def _joined(create: Document, query: Document) -> dict[str, Any]:
    query = _with_unique_components(query, create)
    ours, theirs = create.get("components", {}), query.get("components", {})
    kinds = dict.fromkeys((*ours, *theirs))
    components = {kind: {**theirs.get(kind, {}), **ours.get(kind, {})} for kind in kinds}
    return {**create, "paths": {**query["paths"], **create["paths"]}, "components": components}


def _with_unique_components(query: Document, create: Document) -> dict[str, Any]:
    text = json.dumps(query)
    renamed: dict[str, dict[str, str]] = {}
    for kind, ours in create.get("components", {}).items():
        for name, theirs in query.get("components", {}).get(kind, {}).items():
            if name in ours and ours[name] != theirs:  # a different component with the same name
                text = text.replace(f'"#/components/{kind}/{name}"', f'"#/components/{kind}/{name}OfQuery"')
                renamed.setdefault(kind, {})[name] = f"{name}OfQuery"
    renamed_query: dict[str, Any] = json.loads(text)
    for kind, names in renamed.items():
        parts = renamed_query["components"][kind]
        renamed_query["components"][kind] = {names.get(name, name): part for name, part in parts.items()}
    return renamed_query
