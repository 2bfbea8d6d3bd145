"""Find models that several OpenAPI documents describe differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.documents.findings import Finding
from evolink_check.drift.contract.model_changes import models_of
from evolink_check.drift.pairs.operations import operations_of
from evolink_check.drift.schemas.differences import differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.drift.pairs.operations import Operation
    from evolink_check.drift.records import Document

_SHOWN = 4  # maximum number of different fields that a finding names


def duplicated_models(documents: Iterable[Document]) -> Iterator[Finding]:
    """Yield a finding for each model that two documents describe differently.

    For this model, the mock server uses the document with the fewest models. The finding points to the description
    that the mock server does not use.
    """
    owners: dict[tuple[str, str, str], list[Operation]] = {}
    for document in documents:
        for operation in operations_of(document):
            for model in models_of(operation):
                owners.setdefault((operation.method, operation.path, model), []).append(operation)
    for (_, _, model), operations in owners.items():
        best, *others = sorted(operations, key=lambda operation: len(models_of(operation)))
        for other in others:
            fields = _different_fields(best, other)
            if fields and best.document.file != other.document.file:
                yield _finding(model, best, other, fields)


def _different_fields(best: Operation, other: Operation) -> list[str]:
    one, two = best.body, other.body
    if one is None or two is None or one.shape is None or two.shape is None:
        return []
    found = [difference for difference in differences(one.shape, two.shape) if difference.path != "model"]
    return sorted({difference.path or "the body" for difference in found})


def _finding(model: str, best: Operation, other: Operation, fields: list[str]) -> Finding:
    shown = ", ".join(fields[:_SHOWN]) + (f" and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else "")
    text = f"model {model!r} is also described by {best.document.file}, with other rules for {shown}"
    place = other.model.pointer if other.model else other.pointer
    there = best.model.pointer if best.model else best.pointer
    return Finding(
        "model-declared-twice", other.document.file, place, text, other=(best.document.file, there)
    )
