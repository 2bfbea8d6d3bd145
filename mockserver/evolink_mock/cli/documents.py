"""Describe the served OpenAPI documents, in one line or as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_spec import Spec

_MOST_NAMED = 5  # maximum number of models that the line of `serve` names
_ANY = "any model"


def models_line(spec: Spec) -> str:
    """Return the names of all models. If there are more than five, return the number of models."""
    models = [model for by_model in spec.creates.values() for model in by_model if model is not None]
    if len(models) <= _MOST_NAMED:
        return ", ".join(models) or "the API"
    return f"{len(models)} models of {len(_sources(spec))} documents"


def document_rows(spec: Spec) -> list[tuple[str, ...]]:
    """Return a row for each model, sorted by path and model.

    The columns are model, method and path, medium, older names, and file.
    """
    rows = []
    for (method, path), by_model in spec.creates.items():
        for model, operation in by_model.items():
            older = sorted(old for old, new in operation.aliases.items() if new == model)
            file = _shown(operation.source)
            rows.append((model or _ANY, f"{method} {path}", operation.medium, " ".join(older) or "-", file))
    return sorted(rows, key=lambda row: (row[1], row[0]))


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Format the rows as a table with aligned columns and a header line."""
    lines = [("MODEL", "PATH", "MAKES", "OLDER NAMES", "FILE"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def _sources(spec: Spec) -> set[str]:
    return {operation.source for by_model in spec.creates.values() for operation in by_model.values()}


def _shown(source: str) -> str:
    path = Path(source)
    # The folder of a built-in document means nothing to the user.
    return f"built in: {path.name}" if path.parent.parent.name == "evolink_spec" else source
