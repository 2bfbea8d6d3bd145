"""Choose the create operation for each path and model. Several documents may describe one model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evolink_spec.errors import SpecError, single

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolink_spec.corpus.document import Document
    from evolink_spec.models import CreateOperation, QueryOperation

    Creates = dict[tuple[str, str], dict[str | None, CreateOperation]]


def index_creates(documents: Sequence[Document], defaults: Sequence[Document] = ()) -> Creates:
    """Return the create operations as a mapping `{(method, path): {model: operation}}`.

    If several operations of a path serve a model, the operation with the fewest models is used. Raises `SpecError` if
    two different operations share the smallest number of models. `defaults` are used for the models that `documents` do
    not describe.
    """
    creates: Creates = {}
    errors: list[SpecError] = []
    for level in (documents, defaults):
        earlier = {key: set(by_model) for key, by_model in creates.items()}
        for operation in (create for document in level for create in document.creates):
            key = operation.method, operation.path
            for model in operation.models or (None,):
                if model not in earlier.get(key, ()):
                    _add(creates.setdefault(key, {}), model, operation, errors)
    errors += _alias_errors(creates)
    if errors:
        raise single(errors)
    prose = [
        (operation, aliases)
        for document in (*documents, *defaults)
        for operation, aliases in zip(document.creates, document.prose_aliases, strict=True)
    ]
    return {key: _with_prose_aliases(by_model, prose) for key, by_model in creates.items()}


def _add(
    by_model: dict[str | None, CreateOperation],
    model: str | None,
    operation: CreateOperation,
    errors: list[SpecError],
) -> None:
    other = by_model.get(model)
    # A document with many models is an overview.
    if other is None or len(operation.models) < len(other.models):
        by_model[model] = operation
    elif len(operation.models) == len(other.models) and not _is_same(operation, other):
        what = f"describes model {model!r}" if model else "names no model"
        problem = f"{what}, as does {other.source}: only one document may"
        errors.append(SpecError(operation.source, operation.pointer, problem))


def _is_same(operation: CreateOperation, other: CreateOperation) -> bool:
    return replace(operation, source=other.source) == other  # for example, a page that was saved twice


def _alias_errors(creates: Creates) -> list[SpecError]:
    errors = []
    for by_model in creates.values():
        seen: dict[str, str] = {}
        for operation in by_model.values():
            for old, new in operation.aliases.items():
                # An old name must not be a current name, and must stand for one model.
                if old in by_model or seen.setdefault(old, new) != new:
                    problem = f"gives the alias {old!r} to {new!r}, but that name belongs to another model"
                    errors.append(SpecError(operation.source, operation.pointer, problem))
    return errors


def _with_prose_aliases(
    by_model: Mapping[str | None, CreateOperation],
    prose: Sequence[tuple[CreateOperation, Mapping[str, str]]],  # with old and current model names
) -> dict[str | None, CreateOperation]:
    taken = {*by_model, *(old for operation in by_model.values() for old in operation.aliases)}
    result = dict(by_model)
    for source, aliases in prose:
        # A documented name takes precedence over an old name in prose.
        free = {old: new for old, new in aliases.items() if old not in taken and by_model.get(new) is source}
        if free:
            taken |= free.keys()
            extended = replace(source, aliases={**source.aliases, **free})
            result |= {model: extended for model, operation in by_model.items() if operation is source}
    return result


def single_query(queries: Sequence[QueryOperation]) -> QueryOperation:
    """Return the operation that queries a task. Raises `SpecError` if two documents describe the query differently."""
    first = queries[0]
    for other in queries[1:]:
        same = replace(other, id=first.id, source=first.source, pointer=first.pointer)
        if same != first:
            problem = f"is a second task query; the first is {first.path} in {first.source}"
            raise SpecError(other.source, other.pointer, problem)
    return first
