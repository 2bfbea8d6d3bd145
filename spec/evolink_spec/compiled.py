"""Load OpenAPI documents.

The built-in documents have a compiled copy, the file compiled.json. A server therefore starts without reading YAML. The
command `python -m evolink_spec` writes this copy. Run the command after each change to openapi/ or overlay.yaml.

The copy contains the `Spec` and the SHA-256 of each source file. If a source file has changed, all source files are
read again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import msgspec

from evolink_spec.models import CreateOperation, Json, QueryOperation, Spec, TaskFailure

HERE = Path(__file__).parent
COMPILED = HERE / "compiled.json"


@dataclass(frozen=True, slots=True)
class Compiled:
    """The `Spec` of the built-in documents, as compiled.json stores it."""

    # Files are names relative to this folder, not paths.
    sources: dict[str, str]  # file → sha256
    creates: list[CreateOperation]
    query: QueryOperation
    failures: tuple[TaskFailure, ...]
    documents: dict[str, dict[str, Json]]


def load(*files: Path | str, with_built_in: bool = False) -> Spec:
    """Read OpenAPI documents and overlays, in any order, into one `Spec`.

    Without arguments, the built-in documents are read. Each argument is a file, a folder or a glob pattern. A folder
    stands for all documents in the folder. If `with_built_in` is true, the built-in documents are read, too. For
    each model, a description in `files` takes precedence over the built-in description. Raises `SpecError` if a file
    cannot be read or is not supported. Raises `SpecError` if no operation creates a task.
    """
    if not files and (compiled := read()) is not None:
        return expand(compiled)
    from evolink_spec.loading import load as read_documents

    return read_documents(*files, with_built_in=with_built_in)


def read() -> Compiled | None:
    """Return the content of compiled.json.

    Returns None if the file is missing, unreadable or out of date.
    """
    try:
        compiled = msgspec.json.decode(COMPILED.read_bytes(), type=Compiled)
    except (OSError, msgspec.MsgspecError):
        return None
    return compiled if compiled.sources == sources() else None


def sources() -> dict[str, str]:
    """Return the SHA-256 of each built-in document and overlay, by file name."""
    files = (*sorted((HERE / "openapi").glob("*.yaml")), HERE / "overlay.yaml")
    return {path.relative_to(HERE).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def expand(compiled: Compiled) -> Spec:
    """Convert the content of compiled.json to a `Spec`. File names become absolute paths."""
    creates: dict[tuple[str, str], dict[str | None, CreateOperation]] = {}
    for entry in compiled.creates:
        operation = replace(entry, source=str(HERE / entry.source))
        for model in operation.models or (None,):
            creates.setdefault((operation.method, operation.path), {})[model] = operation
    documents = {str(HERE / name): document for name, document in compiled.documents.items()}
    query = replace(compiled.query, source=str(HERE / compiled.query.source))
    return Spec(creates=creates, query=query, failures=compiled.failures, documents=documents)


def condense(spec: Spec) -> Compiled:
    """Convert the `Spec` of the built-in documents to the content of compiled.json.

    `expand` is the inverse of this function.
    """
    by_place = {
        (op.method, op.path, op.models): op for by_model in spec.creates.values() for op in by_model.values()
    }
    return Compiled(
        sources=sources(),
        creates=[replace(operation, source=_name(operation.source)) for operation in by_place.values()],
        query=replace(spec.query, source=_name(spec.query.source)),
        failures=spec.failures,
        documents={_name(source): dict(document) for source, document in spec.documents.items()},
    )


def _name(source: str) -> str:
    return Path(source).relative_to(HERE).as_posix()


def main() -> None:
    """Read the built-in documents and write them to compiled.json."""
    from evolink_spec.loading import load as read_documents

    plain = msgspec.to_builtins(condense(read_documents()), str_keys=True)
    for operation in plain["creates"]:
        operation["properties"].sort()  # a set has no order; all other fields keep the document's
    COMPILED.write_bytes(msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n")
