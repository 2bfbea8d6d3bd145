"""`load()`: documents and overlays in, one `Spec` out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spec import overlay
from spec.errors import SpecError
from spec.operations import failures_of, operations_of
from spec.pointers import Node, join
from spec.reading import read
from spec.records import CreateOperation, QueryOperation, Spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spec.records import Json

HERE = Path(__file__).parent
QUERY = HERE / "openapi" / "get-task-detail.yaml"
OVERLAY = HERE / "overlay.yaml"
_ROOT_KEYS = {
    "components",
    "externalDocs",
    "info",
    "jsonSchemaDialect",
    "openapi",
    "paths",
    "security",
    "servers",
    "tags",
}
_Creates = dict[tuple[str, str], dict[str | None, CreateOperation]]


@dataclass(frozen=True, slots=True)
class _Document:
    """One document twice: as published, and with the overlays applied."""

    published: Node
    overlaid: Node

    def operations(self) -> list[CreateOperation | QueryOperation]:
        return operations_of(self.published, self.overlaid)


def vendored() -> tuple[Path, ...]:
    """The documents in the package, without the built-in query."""
    return tuple(sorted(path for path in QUERY.parent.glob("*.yaml") if path != QUERY))


def load(*files: Path | str) -> Spec:
    """Read documents (none: the vendored ones) and overlays, in any order, into one `Spec`.

    The built-in overlay, then every overlay given, is applied to every document. The built-in task
    query is added when no document describes one. Raises `SpecError`.
    """
    given = {str(path): read(Path(path)) for path in files or vendored()}
    overlays = {source: one for source, one in given.items() if overlay.is_overlay(one)}
    named = [source for source in given if source not in overlays]
    if not named:
        raise SpecError(next(iter(given)), "", "is an overlay: name the document it belongs to as well")
    overlays = {str(OVERLAY): read(OVERLAY)} | overlays
    documents = [_document(source, given[source], overlays) for source in named]
    found = [operation for document in documents for operation in document.operations()]
    if not any(isinstance(operation, QueryOperation) for operation in found):
        documents.append(_document(str(QUERY), read(QUERY), overlays))
        found += documents[-1].operations()
    return Spec(
        creates=_index(operation for operation in found if isinstance(operation, CreateOperation)),
        query=_only([operation for operation in found if isinstance(operation, QueryOperation)]),
        failures=next(filter(None, (failures_of(document.overlaid) for document in documents)), ()),
        documents={document.published.source: document.overlaid.value for document in documents},
    )


def _document(
    source: str, published: Mapping[str, Json], overlays: Mapping[str, Mapping[str, Json]]
) -> _Document:
    _check_root(published, source)
    overlaid = published
    for name, one in overlays.items():
        overlaid = overlay.apply(overlaid, one, name)
    return _Document(Node(published, source), Node(overlaid, source))


def _check_root(document: Mapping[str, Json], source: str) -> None:
    version = document.get("openapi")
    if version is None:
        raise SpecError(source, "", "is no OpenAPI document: it has no `openapi` version")
    if not str(version).startswith("3.1."):
        raise SpecError(source, "/openapi", f"is {version!r}: only OpenAPI 3.1 is understood")
    for key in document:
        if key not in _ROOT_KEYS and not str(key).startswith("x-"):
            raise SpecError(
                source, join("", key), "is no field of an OpenAPI document that is understood here"
            )


def _index(operations: Iterable[CreateOperation]) -> _Creates:
    creates: _Creates = {}
    for operation in operations:
        by_model = creates.setdefault((operation.method, operation.path), {})
        for model in operation.models or (None,):
            if model in by_model:
                problem = f"describes model {model!r}, which {by_model[model].source} already describes"
                raise SpecError(operation.source, operation.pointer, problem)
            by_model[model] = operation
    if not creates:
        raise SpecError("the documents", "", "describe no operation that creates a task")
    return creates


def _only(queries: list[QueryOperation]) -> QueryOperation:
    for other in queries[1:]:
        if other.path != queries[0].path:
            problem = f"is a second task query beside {queries[0].path} of {queries[0].source}"
            raise SpecError(other.source, other.pointer, problem)
    return queries[0]
