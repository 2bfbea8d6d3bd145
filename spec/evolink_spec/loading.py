"""Read OpenAPI documents and overlays into one `Spec`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_spec.corpus.cache import DocumentCache, user_cache
from evolink_spec.corpus.index import index_creates, single_query
from evolink_spec.corpus.reader import DocumentReader
from evolink_spec.corpus.selection import Source, read_sources
from evolink_spec.errors import SpecError, single
from evolink_spec.models import Spec

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
QUERY = HERE / "openapi" / "get-task-detail.yaml"
OVERLAY = HERE / "overlay.yaml"


def vendored() -> tuple[Path, ...]:
    """Return the files of the built-in documents, without the status query."""
    return tuple(sorted(path for path in QUERY.parent.glob("*.yaml") if path != QUERY))


@cache
def vendored_models() -> frozenset[str]:
    """Return the names of the models that the built-in documents describe."""
    operations = (operation for by_model in load().creates.values() for operation in by_model.values())
    return frozenset(model for operation in operations for model in operation.models)


def load(*files: Path | str, cache: DocumentCache | None = None, with_built_in: bool = False) -> Spec:
    """Read OpenAPI documents and overlays, in any order, into one `Spec`.

    If `files` contain no document, the built-in documents are read. The built-in overlay is applied first, then each
    overlay in `files`. If `files` describe no status query, the built-in status query is used. If `files` describe no
    task failures, the built-in task failures are used.

    If `with_built_in` is true, the built-in documents are read, too. For each model, a description in `files`
    takes precedence over the built-in description. Raises `SpecError` if a file cannot be read or is not supported.
    Raises `SpecError` if no operation creates a task.
    """
    sources = read_sources(files)
    reader = DocumentReader(sources, user_cache() if cache is None else cache)
    named = reader.named_documents()
    vendored_ones = _built_in(vendored()) if with_built_in or not named else []
    documents, defaults = reader.read(named), reader.read(vendored_ones)
    creates = index_creates(documents, defaults)
    if not creates:
        names = ", ".join(source.name for source in named)
        raise single(
            reader.skipped() or [SpecError(names, "/paths", "describe no operation that creates a task")]
        )
    queries = [query for document in documents for query in document.queries]
    failures = next((document.failures for document in documents if document.failures), ())
    shown = [*named, *vendored_ones]
    if not queries or not failures:
        (built_in,) = reader.read(_built_in((QUERY,)))
        failures = failures or built_in.failures
        if not queries:
            queries = built_in.queries
            shown += _built_in((QUERY,))
    return Spec(
        creates=creates,
        query=single_query(queries),
        failures=failures,
        documents=reader.trees(shown),
        warnings=reader.warnings(),
    )


def _built_in(files: Iterable[Path]) -> list[Source]:
    return [Source(str(file), file.read_bytes(), is_named=True) for file in files]
