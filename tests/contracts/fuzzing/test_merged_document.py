"""A create and the query in one document, whole and about nobody's server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evolink_check.fuzzing.merged_document import merged
from support.mocks.in_process import CREATE, MODEL, SPEC

if TYPE_CHECKING:
    from evolink_spec import CreateOperation

(WHOLE,) = merged(SPEC)
OPERATION = SPEC.creates["POST", CREATE][MODEL]


def references(document: Any) -> set[str]:
    if isinstance(document, dict):
        own = {document["$ref"]} if isinstance(document.get("$ref"), str) else set()
        return own.union(*map(references, document.values()))
    return set().union(*map(references, document)) if isinstance(document, list) else set()


def resolved(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def test_both_operations_are_there_and_the_link_leads_from_one_to_the_other() -> None:
    assert set(WHOLE["paths"]) == {CREATE, SPEC.query.path}
    (link,) = WHOLE["paths"][CREATE]["post"]["responses"]["200"]["links"].values()
    assert link["operationId"] == WHOLE["paths"][SPEC.query.path]["get"]["operationId"]


def test_every_reference_leads_somewhere() -> None:
    assert references(WHOLE)
    for reference in references(WHOLE):
        assert resolved(WHOLE, reference)


def test_neither_servers_nor_keys_are_left() -> None:
    assert '"servers"' not in json.dumps(WHOLE)
    assert '"security' not in json.dumps(WHOLE).replace('"security": []', "")


def test_a_component_that_both_describe_differently_keeps_both_meanings() -> None:
    (source,) = {OPERATION.source}
    changed = json.loads(json.dumps(SPEC.documents[source]))
    changed["components"]["schemas"]["TaskDetailResponse"] = {"type": "string"}
    changed["paths"][CREATE]["post"]["responses"]["418"] = {"$ref": "#/components/schemas/TaskDetailResponse"}
    (whole,) = merged(replace(SPEC, documents={**SPEC.documents, source: changed}))
    schemas = whole["components"]["schemas"]
    assert schemas["TaskDetailResponse"] == {"type": "string"}
    answer = whole["paths"][SPEC.query.path]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    assert resolved(whole, answer["$ref"])["type"] == "object"


def test_a_document_that_has_both_is_taken_as_it_is() -> None:
    one = replace(OPERATION, source="both")
    query = replace(SPEC.query, source="both")
    (whole,) = merged(
        replace(SPEC, creates={("POST", CREATE): {MODEL: one}}, query=query, documents={"both": WHOLE})
    )
    assert whole == WHOLE


def test_documents_with_other_creates_are_each_merged() -> None:
    other = replace(OPERATION, source="other", models=("m",))
    documents = {**SPEC.documents, "other": SPEC.documents[OPERATION.source]}
    both: dict[str | None, CreateOperation] = {MODEL: OPERATION, "m": other}
    assert len(list(merged(replace(SPEC, creates={("POST", CREATE): both}, documents=documents)))) == 2
