"""A document with a create operation and the document of the query in one, in which every reference leads somewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evolink_spec import load
from evolink_spec.joined_documents import joined_documents

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = load()
((METHOD, PATH),) = SPEC.creates
SOURCE = next(iter(SPEC.creates[METHOD, PATH].values())).source


def references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        document = list(document.values())
    if isinstance(document, list):
        for item in document:
            yield from references(item)


def resolved(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def test_every_reference_in_every_document_leads_somewhere() -> None:
    for document in joined_documents(SPEC).values():
        found = [*references(document)]
        assert found
        assert all(resolved(document, reference) for reference in found)


def test_the_schemes_of_the_keys_are_kept_and_the_query_has_its_own_document_too() -> None:
    documents = joined_documents(SPEC)
    assert documents.keys() == SPEC.documents.keys()
    assert set(documents[SOURCE]["paths"]) == {PATH, SPEC.query.path}
    assert "bearerAuth" in documents[SOURCE]["components"]["securitySchemes"]
    assert documents[SPEC.query.source] == SPEC.documents[SPEC.query.source]


def test_a_component_that_both_describe_differently_keeps_both_meanings() -> None:
    changed = json.loads(json.dumps(SPEC.documents[SOURCE]))
    changed["components"]["schemas"]["TaskDetailResponse"] = {"type": "string"}
    documents = joined_documents(replace(SPEC, documents={**SPEC.documents, SOURCE: changed}))
    assert documents[SOURCE]["components"]["schemas"]["TaskDetailResponse"] == {"type": "string"}
    assert documents[SOURCE]["components"]["schemas"]["TaskDetailResponseOfQuery"]["type"] == "object"
