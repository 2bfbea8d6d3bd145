"""Compare two versions of a set of OpenAPI documents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from evolink_check.drift.contract.model_changes import ModelComparison, catalog_of, models_of
from evolink_check.drift.contract.operation_changes import operation_changes
from evolink_check.drift.pairs.operations import operations_of_all
from evolink_check.drift.pairs.pair import OperationPair
from evolink_check.drift.prose.changes import prose_changes
from evolink_check.drift.records import VERDICTS, Change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evolink_check.drift.pairs.operations import Operation
    from evolink_check.drift.records import Document


@dataclass(frozen=True, slots=True)
class Pairing:
    """The operations of two versions: pairs, removed operations and added operations."""

    pairs: list[OperationPair]
    removed: list[Operation]
    added: list[Operation]


def compare(old: Sequence[Document], new: Sequence[Document], *, strict: bool = False) -> list[Change]:
    """Return every change between two versions of documents, breaking changes first.

    If `strict` is true, additional response values, such as new `enum` values, are breaking changes. An additional
    response field is never a breaking change.
    """
    pairing = pair_operations(old, new)
    changes = [
        change
        for pair, first in _with_first_of_documents(pairing.pairs)
        for change in _pair_changes(pair, with_document=first)
    ]
    changes += _model_changes(pairing)
    changes += _unpaired_operation_changes(pairing)
    unique = dict.fromkeys(changes)  # content types with the same schema yield equal changes
    # clients may not tolerate unknown values
    judged = [
        replace(change, verdict="breaking") if strict and change.lenient else change for change in unique
    ]
    return sorted(judged, key=lambda change: VERDICTS.index(change.verdict))


def _with_first_of_documents(pairs: Sequence[OperationPair]) -> Iterator[tuple[OperationPair, bool]]:
    # Texts of a whole document, such as `info.description`, are compared for its first pair. A change in these texts is
    # then reported once.
    seen = set()
    for pair in pairs:
        key = (id(pair.old.document), id(pair.new.document))
        yield pair, key not in seen
        seen.add(key)


def _pair_changes(pair: OperationPair, *, with_document: bool) -> Iterator[Change]:
    yield from operation_changes(pair)
    yield from prose_changes(pair, with_document=with_document)


def _model_changes(pairing: Pairing) -> Iterator[Change]:
    olds = [pair.old for pair in pairing.pairs] + pairing.removed
    news = [pair.new for pair in pairing.pairs] + pairing.added
    partners = {id(pair.old): pair.new for pair in pairing.pairs}
    return ModelComparison(catalog_of(olds), catalog_of(news), partners).changes()


def _unpaired_operation_changes(pairing: Pairing) -> Iterator[Change]:
    # Several documents can describe the same method and path for different models. If one of these operations is
    # paired, the comparison of models reports the others.
    old = {(pair.old.method, pair.old.path) for pair in pairing.pairs}
    new = {(pair.new.method, pair.new.path) for pair in pairing.pairs}
    for operation in pairing.removed:
        if (operation.method, operation.path) not in new:
            place = operation.document.place(operation.pointer)
            text, reason = f"{operation.subject} was removed", "requests to it get a 404"
            yield Change(
                "operation-removed", "operation", "breaking", operation.subject, "", text, reason, place
            )
    for operation in pairing.added:
        if (operation.method, operation.path) not in old:
            place = operation.document.place(operation.pointer)
            text, reason = f"{operation.subject} was added", "requests to other operations are not affected"
            yield Change(
                "operation-added",
                "operation",
                "non-breaking",
                operation.subject,
                "",
                text,
                reason,
                None,
                place,
            )


def pair_operations(old: Sequence[Document], new: Sequence[Document]) -> Pairing:
    """Pair each old operation with the same operation in the new documents."""
    read = operations_of_all([*old, *new])
    olds = [operation for operations in read[: len(old)] for operation in operations]
    news = [operation for operations in read[len(old) :] for operation in operations]
    pairs: list[OperationPair] = []
    is_single = len(old) == len(new) == 1
    # the most reliable matchers come first
    for same in _matchers(is_single=is_single):
        left = []
        for one in olds:
            place = next((place for place, other in enumerate(news) if same(one, other)), None)
            if place is None:
                left.append(one)
            else:
                pairs.append(OperationPair(one, news.pop(place)))
        olds = left
    # the last two operations are versions of each other, even if no matcher says so
    if len(olds) == len(news) == 1 and (is_single or olds[0].id == news[0].id):
        pairs.append(OperationPair(olds.pop(), news.pop()))
    return Pairing(pairs, olds, news)


def _matchers(*, is_single: bool) -> Iterator[Callable[[Operation, Operation], bool]]:
    def address(one: Operation, other: Operation) -> bool:
        return (one.method, one.path) == (other.method, other.path)

    def file(one: Operation, other: Operation) -> bool:
        return PurePath(one.document.file).stem == PurePath(other.document.file).stem

    def models(one: Operation, other: Operation) -> bool:
        return models_of(one) == models_of(other)

    def some_models(one: Operation, other: Operation) -> bool:
        return bool({*models_of(one)} & {*models_of(other)})

    if is_single:
        yield address
        yield lambda one, other: bool(one.id) and one.id == other.id
        return
    yield lambda one, other: file(one, other) and address(one, other)
    yield lambda one, other: address(one, other) and models(one, other)
    yield lambda one, other: address(one, other) and some_models(one, other)
    yield file
    yield lambda one, other: models(one, other) and bool(models_of(one))
    yield lambda one, other: bool(one.id) and one.id == other.id and not models_of(one)
