"""Read OpenAPI documents from the cache or from their files.

All errors and warnings are collected, so that a user sees them together.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from evolink_spec.corpus.cache import DocumentCache, key_of
from evolink_spec.corpus.document import Document
from evolink_spec.errors import NotATaskError, SpecError, single

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evolink_spec.corpus.selection import Source
    from evolink_spec.models import CreateOperation, Json

_PERHAPS_OVERLAY = re.compile(rb'^overlay[ \t]*:|"overlay"\s*:', re.MULTILINE)
_PERHAPS_DOCUMENT = re.compile(rb'^[ \t]*openapi[ \t]*:|"openapi"\s*:', re.MULTILINE)
_NAMES_SHOWN = 5
_Tree = Mapping[str, Any]


class Trees(Mapping[str, _Tree]):
    """The JSON tree of each document, by file.

    A tree is decoded when it is first used.
    """

    def __init__(self, loaders: Mapping[str, Callable[[], _Tree]]) -> None:
        self._loaders = loaders
        self._recent = lru_cache(maxsize=4)(lambda source: loaders[source]())

    def __getitem__(self, source: str) -> _Tree:
        return self._recent(source)

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaders)

    def __len__(self) -> int:
        return len(self._loaders)


class DocumentReader:
    """Reads the OpenAPI documents in `sources`. All overlays in `sources` are applied to each document."""

    def __init__(self, sources: Sequence[Source], cache: DocumentCache) -> None:
        self._cache = cache
        self._sources = sources
        self._overlays = _overlays_in(sources)
        self._overlay_data = [source.data for source in sources if source.name in self._overlays]
        self._loaders: dict[str, Callable[[], _Tree]] = {}
        self._skipped: dict[str, SpecError] = {}
        self._warnings: list[str] = []
        self._shared: dict[bytes, Any] = {}

    def named_documents(self) -> list[Source]:
        """Return the files that are not overlays, and may therefore be OpenAPI documents."""
        return [source for source in self._sources if source.name not in self._overlays]

    def read(self, sources: Iterable[Source]) -> list[Document]:
        """Return the documents with operations that create or query tasks.

        If documents cannot be read, raises one `SpecError` with all problems.
        """
        documents, errors, misses = [], list[SpecError](), 0
        for source in sources:
            key = key_of([source.data, *self._overlay_data])
            document = self._cache.find(key)
            misses += document is None
            try:
                document = document or self._read_new(source, key)
            except SpecError as error:
                errors.append(error)
                continue
            self._note(source, document)
            if document.creates or document.queries:
                self._loaders.setdefault(
                    source.name, partial(_tree_of, self._cache, key, source.name, self._overlays)
                )
                documents.append(self._with_source(document, source.name))
        if errors:
            raise single(errors)
        if misses:
            self._cache.prune()
        return documents

    def trees(self, sources: Iterable[Source]) -> Trees:
        """Return the JSON trees of `sources`.

        A source is left out if `read` has returned no document for it.
        """
        names = dict.fromkeys(source.name for source in sources if source.name in self._loaders)
        return Trees({name: self._loaders[name] for name in names})

    def skipped(self) -> list[SpecError]:
        """Return an error with the reason for each document without task operations."""
        return [*self._skipped.values()]

    def warnings(self) -> tuple[str, ...]:
        """Return problems that did not prevent reading.

        If documents have no task operations, the first line names these documents.
        """
        names = [Path(name).name for name in self._skipped]
        if not names:
            return tuple(self._warnings)
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        count = f"{len(names)} documents" if len(names) > 1 else "a document"
        line = f"skipped {count} without a task operation: {', '.join(names[:_NAMES_SHOWN])}{more}"
        return (line, *self._warnings)

    def _read_new(self, source: Source, key: str) -> Document:
        if not source.is_named and not _PERHAPS_DOCUMENT.search(source.data):
            return Document(skipped=[("", "holds no OpenAPI document")])
        from evolink_spec.corpus.reading import read_document
        from evolink_spec.documents import decode

        document, tree = read_document(source.name, decode(source.data, source.name), self._overlays)
        if not self._cache.put(key, document, tree):
            packed = zlib.compress(msgspec.json.encode(tree))
            self._loaders[source.name] = lambda: msgspec.json.decode(zlib.decompress(packed))
        return document

    def _note(self, source: Source, document: Document) -> None:
        problems: dict[str, list[str]] = {}
        for pointer, problem in document.warnings:
            problems.setdefault(problem, []).append(pointer)
        for problem, pointers in problems.items():
            more = f" ({len(pointers)} times)" if len(pointers) > 1 else ""
            self._warnings.append(f"{source.name}#{pointers[0]}: {problem}{more}")
        if not document.skipped:
            return
        if document.creates or document.queries:
            self._warnings += [
                f"{source.name}#{pointer}: skipped: {problem}" for pointer, problem in document.skipped
            ]
        else:
            self._skipped[source.name] = NotATaskError(source.name, *document.skipped[0])

    def _with_source(self, document: Document, name: str) -> Document:
        creates = [self._shared_parts(replace(operation, source=name)) for operation in document.creates]
        queries = [replace(operation, source=name) for operation in document.queries]
        return replace(document, creates=creates, queries=queries)

    def _shared_parts(self, operation: CreateOperation) -> CreateOperation:
        # These parts are equal in many documents, so sharing them saves memory.
        fields = ("statuses", "errors", "callback", "prose")
        return replace(operation, **{name: self._share(getattr(operation, name)) for name in fields})

    def _share(self, value: Json) -> Json:
        return self._shared.setdefault(msgspec.json.encode(value), value)


def _tree_of(cache: DocumentCache, key: str, name: str, overlays: Mapping[str, _Tree]) -> _Tree:
    tree = cache.tree(key)
    if tree is not None:
        return tree  # type: ignore[no-any-return]
    # The cache has lost the tree.
    from evolink_spec.corpus.reading import read_document
    from evolink_spec.documents import read

    return read_document(name, read(Path(name)), overlays)[1]


def _overlays_in(sources: Iterable[Source]) -> dict[str, Mapping[str, Json]]:
    suspects = [
        source for source in sources if b"overlay" in source.data and _PERHAPS_OVERLAY.search(source.data)
    ]
    if not suspects:
        return {}
    from evolink_spec import overlay
    from evolink_spec.documents import decode

    decoded = {source.name: decode(source.data, source.name) for source in suspects}
    return {name: document for name, document in decoded.items() if overlay.is_overlay(document)}
