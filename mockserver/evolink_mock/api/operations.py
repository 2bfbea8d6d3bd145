"""A script: a create operation made ready to be played, and which one a request body asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from evolink_mock.api.validation import Validator, shown
from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation


class CompiledOperation(Struct, frozen=True):
    """An operation with its compiled validator and its price in credits."""

    operation: CreateOperation
    validator: Validator
    price: float


class CompiledOperations:
    """The scripts of one path: documents that differ by the model they accept (clause `model.enum`)."""

    def __init__(self, operations: Mapping[str | None, CreateOperation]) -> None:
        # Documents may share an operationId, and one operation several models.
        made = {_place(operation): _script(operation) for operation in operations.values()}
        self._by_model = {model: made[_place(operation)] for model, operation in operations.items()}
        self._aliases = {
            old: new for script in made.values() for old, new in script.operation.aliases.items()
        }
        self.first = next(iter(made.values()))

    def choose(self, document: Any) -> tuple[Any, CompiledOperation | ApiError]:
        """The document with an old model name replaced (clause `model.alias`), and the script that serves it."""
        if not isinstance(document, dict):  # whether or not the schema says so (clause `body.json`)
            return document, ApiError(400, f"{shown(document)} is not of type object")
        model = document.get("model")
        if isinstance(model, str):
            if model in self._aliases:
                model = self._aliases[model]
                document = {**document, "model": model}
            if model in self._by_model:
                return document, self._by_model[model]
        if None in self._by_model:
            return document, self._by_model[None]
        if isinstance(model, str) and len(self._by_model) > 1:
            known = ", ".join(str(name) for name in self._by_model)
            return document, ApiError(400, f"model: {shown(model)} is not one of {known}", "model")
        return document, self.first


def _place(operation: CreateOperation) -> tuple[str, str]:
    return operation.source, operation.pointer


def _script(operation: CreateOperation) -> CompiledOperation:
    usage = operation.answer.get("usage") or {}
    return CompiledOperation(operation, Validator(operation), usage.get("credits_reserved", 0))
