"""Read documents and overlays into one `Spec`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_spec import overlay
from evolink_spec.documents import read
from evolink_spec.errors import SpecError
from evolink_spec.models import CreateOperation, QueryOperation, Spec
from evolink_spec.operations import failures_of, operations_of, with_prose
from evolink_spec.pointers import Node

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_spec.models import Json, TaskFailure

    _Object = Mapping[str, Json]
    _Creates = dict[tuple[str, str], dict[str | None, CreateOperation]]

HERE = Path(__file__).parent
QUERY = HERE / "openapi" / "get-task-detail.yaml"
OVERLAY = HERE / "overlay.yaml"
_ROOT = {"components", "externalDocs", "info", "jsonSchemaDialect", "openapi", "paths", "security", "servers"}
_ROOT |= {"tags"}
_COMPONENTS = {"callbacks", "examples", "headers", "links", "parameters", "pathItems", "requestBodies"}
_COMPONENTS |= {"responses", "schemas", "securitySchemes"}
_DIALECTS = {"https://spec.openapis.org/oas/3.1/dialect/base", "https://json-schema.org/draft/2020-12/schema"}
_VERSION = re.compile(r"3\.1\.[0-9]+")


@dataclass(frozen=True, slots=True)
class _Document:
    """One document: its tree after the overlays, its operations and its task failures."""

    overlaid: Node
    creates: Sequence[CreateOperation]
    queries: Sequence[QueryOperation]
    failures: tuple[TaskFailure, ...]


def vendored() -> tuple[Path, ...]:
    """The vendored documents in this package, without the built-in task query."""
    return tuple(sorted(path for path in QUERY.parent.glob("*.yaml") if path != QUERY))


def load(*files: Path | str) -> Spec:
    """Read documents and overlays, in any order, into one `Spec`; without documents, the vendored ones.

    The built-in overlay, then each overlay that was passed, is applied to every document. The built-in task query is
    added if no document describes one, and its failures if no document lists any. Raises `SpecError`.
    """
    files_read = {str(path): read(Path(path)) for path in files}
    overlays = {source: document for source, document in files_read.items() if overlay.is_overlay(document)}
    if len(overlays) == len(files_read):  # no documents: use the vendored ones
        files_read |= {str(path): read(path) for path in vendored()}
    named = [source for source in files_read if source not in overlays]
    prose = read(OVERLAY)
    documents = [_document(source, files_read[source], prose, overlays) for source in named]
    creates = _index(documents)
    built_in = None
    if not any(document.queries for document in documents) or not any(
        document.failures for document in documents
    ):
        built_in = _document(str(QUERY), read(QUERY), prose, overlays)
    if built_in and not any(document.queries for document in documents):
        documents.append(built_in)
    return Spec(
        creates=creates,
        query=_single_query([query for document in documents for query in document.queries]),
        failures=next(
            document.failures for document in (*documents, built_in) if document and document.failures
        ),
        documents={document.overlaid.source: document.overlaid.value for document in documents},
    )


def _document(source: str, published: _Object, prose: _Object, overlays: Mapping[str, _Object]) -> _Document:
    """Read a document as published, then once more with the additions of the built-in overlay."""
    try:
        _check_root(Node(published, source))
        operations = operations_of(Node(_overlaid(published, overlays), source))
        overlaid = Node(_overlaid(_with_prose(published, prose, source), overlays), source)
        creates = [with_prose(each, overlaid) for each in operations if isinstance(each, CreateOperation)]
        queries = [each for each in operations if isinstance(each, QueryOperation)]
        failures = [failure for query in queries for failure in failures_of(query, overlaid)]
    except RecursionError:
        problem = "is nested too deeply, or refers to itself"
        raise SpecError(source, "", problem) from None
    return _Document(overlaid, creates, queries, tuple(failures))


def _with_prose(published: _Object, prose: _Object, source: str) -> _Object:
    try:
        return overlay.apply(published, prose, str(OVERLAY))
    except SpecError as error:
        raise SpecError(source, "", f"does not fit the built-in overlay: {error}") from error


def _overlaid(document: _Object, overlays: Mapping[str, _Object]) -> _Object:
    for name, layer in overlays.items():
        document = overlay.apply(document, layer, name)
    return document


def _check_root(root: Node) -> None:
    fields = root.fields(_ROOT)
    version = fields.get("openapi")
    if version is None:
        raise root.error("is not an OpenAPI document: it has no `openapi` version")
    if not _VERSION.fullmatch(str(version.value)):
        raise version.error(f"is {version.value!r}: only OpenAPI 3.1 is supported")
    if "jsonSchemaDialect" in fields and fields["jsonSchemaDialect"].value not in _DIALECTS:
        raise fields["jsonSchemaDialect"].error("is not a supported dialect: use JSON Schema 2020-12")
    if "components" in fields:
        for node in fields["components"].fields(_COMPONENTS).values():
            node.mapping()


def _index(documents: Sequence[_Document]) -> _Creates:
    creates: _Creates = {}
    for operation in [create for document in documents for create in document.creates]:
        by_model = creates.setdefault((operation.method, operation.path), {})
        for model in operation.models or (None,):
            if model in by_model:
                what = f"describes model {model!r}" if model else "names no model"
                problem = f"{what}, as does {by_model[model].source}: only one document may"
                raise SpecError(operation.source, operation.pointer, problem)
            by_model[model] = operation
    if not creates:
        sources = ", ".join(document.overlaid.source for document in documents)
        raise SpecError(sources, "/paths", "describe no operation that creates a task")
    for by_model in creates.values():
        _check_aliases(by_model)
    return creates


def _check_aliases(by_model: Mapping[str | None, CreateOperation]) -> None:
    """Check that an alias is not itself a model and refers to one model only."""
    seen: dict[str, str] = {}
    for operation in by_model.values():
        for old, new in operation.aliases.items():
            if old in by_model or seen.setdefault(old, new) != new:
                problem = f"gives the alias {old!r} to {new!r}, but that name belongs to another model"
                raise SpecError(operation.source, operation.pointer, problem)


def _single_query(queries: Sequence[QueryOperation]) -> QueryOperation:
    first = queries[0]
    for other in queries[1:]:
        same = replace(other, id=first.id, source=first.source, pointer=first.pointer)
        if same != first:
            problem = f"is a second task query; the first is {first.path} in {first.source}"
            raise SpecError(other.source, other.pointer, problem)
    return first
