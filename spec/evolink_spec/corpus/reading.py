"""Read one OpenAPI document: its operations, its task failures, and its JSON tree."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_spec import overlay
from evolink_spec.corpus.document import Document
from evolink_spec.corpus.nullability import with_null_types
from evolink_spec.documents import read
from evolink_spec.errors import SpecError
from evolink_spec.models import CreateOperation, QueryOperation
from evolink_spec.operations import Notes, failures_of, operations_of, prose_aliases, with_prose
from evolink_spec.pointers import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec.models import Json

    Object = Mapping[str, Json]

HERE = Path(__file__).parents[1]
OVERLAY = HERE / "overlay.yaml"
_ROOT = {"components", "externalDocs", "info", "jsonSchemaDialect", "openapi", "paths", "security", "servers"}
_ROOT |= {"tags"}
_COMPONENTS = {"callbacks", "examples", "headers", "links", "parameters", "pathItems", "requestBodies"}
_COMPONENTS |= {"responses", "schemas", "securitySchemes"}
_DIALECTS = {"https://spec.openapis.org/oas/3.1/dialect/base", "https://json-schema.org/draft/2020-12/schema"}
_VERSION = re.compile(r"3\.1\.[0-9]+")


def read_document(source: str, published: Object, overlays: Mapping[str, Object]) -> tuple[Document, Object]:
    """Apply the overlays to an OpenAPI document, and read the document.

    Returns the operations as a `Document`, and the JSON tree. The built-in overlay is applied, too. Raises `SpecError`
    if the document is invalid or not supported.
    """
    notes = Notes()
    try:
        published = with_null_types(published)
        _check_version(Node(published, source))
        operations = operations_of(Node(_overlaid(published, overlays), source), notes)
        skipped = [(problem.pointer, problem.problem) for problem in notes.skipped]
        if not operations:
            return Document(skipped=skipped), {}
        _check_root(Node(published, source))
        overlaid = Node(_overlaid(_with_prose(published, source), overlays), source)
        creates = [with_prose(each, overlaid) for each in operations if isinstance(each, CreateOperation)]
        queries = [each for each in operations if isinstance(each, QueryOperation)]
        failures = [failure for query in queries for failure in failures_of(query, overlaid)]
        aliases = [prose_aliases(each, overlaid) for each in creates]
    except RecursionError:
        problem = "is nested too deeply, or refers to itself"
        raise SpecError(source, "", problem) from None
    warnings = [(problem.pointer, problem.problem) for problem in notes.warnings]
    document = Document(creates, queries, tuple(failures), aliases, warnings, skipped)
    return document, overlaid.value


def _with_prose(published: Object, source: str) -> Object:
    try:
        return overlay.apply(published, _prose(), str(OVERLAY))
    except SpecError as error:
        raise SpecError(source, "", f"does not fit the built-in overlay: {error}") from error


@cache
def _prose() -> Object:
    return read(OVERLAY)


def _overlaid(document: Object, overlays: Mapping[str, Object]) -> Object:
    for name, layer in overlays.items():
        document = overlay.apply(document, layer, name)
    return document


def _check_version(root: Node) -> None:
    version = root.mapping().get("openapi")
    if version is None:
        raise root.error("is not an OpenAPI document: it has no `openapi` version")
    if not _VERSION.fullmatch(str(version)):
        raise root.below("openapi", version).error(f"is {version!r}: only OpenAPI 3.1 is supported")


def _check_root(root: Node) -> None:
    fields = root.fields(_ROOT)
    if "jsonSchemaDialect" in fields and fields["jsonSchemaDialect"].value not in _DIALECTS:
        raise fields["jsonSchemaDialect"].error("is not a supported dialect: use JSON Schema 2020-12")
    if "components" in fields:
        for node in fields["components"].fields(_COMPONENTS).values():
            node.mapping()
