"""List the served documents as text: one line at the start of `serve`, or one row for each model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evolink_spec import Spec

_MOST_NAMED = 5  # models in the line at the start
_ANY = "any model"


def models_line(spec: Spec) -> str:
    """The models by name if they are few, else their number."""
    models = [model for by_model in spec.creates.values() for model in by_model if model is not None]
    if len(models) <= _MOST_NAMED:
        return ", ".join(models) or "the API"
    return f"{len(models)} models of {len(_sources(spec))} documents"


def document_rows(spec: Spec) -> list[tuple[str, ...]]:
    """Model, method and path, medium, older names and file of each model, sorted by path and model."""
    rows = []
    for (method, path), by_model in spec.creates.items():
        for model, operation in by_model.items():
            older = sorted(old for old, new in operation.aliases.items() if new == model)
            file = _shown(operation.source)
            rows.append((model or _ANY, f"{method} {path}", operation.medium, " ".join(older) or "-", file))
    return sorted(rows, key=lambda row: (row[1], row[0]))


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows below their titles, in aligned columns."""
    lines = [("MODEL", "PATH", "MAKES", "OLDER NAMES", "FILE"), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def _sources(spec: Spec) -> set[str]:
    return {operation.source for by_model in spec.creates.values() for operation in by_model.values()}


def _shown(source: str) -> str:
    """The file as named on the command line; a built-in one by its name."""
    path = Path(source)
    return f"built in: {path.name}" if path.parent.parent.name == "evolink_spec" else source
