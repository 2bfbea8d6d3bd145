"""Create operations with their compiled validators, and the choice of an operation by the model in a request body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from evolink_mock.api.validation import Validator, show
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
    """The create operations of one path: documents that differ by the models they accept (clause `model.enum`)."""

    def __init__(self, operations: Mapping[str | None, CreateOperation]) -> None:
        # Documents may share an operationId, and an operation may have several models.
        compiled = {_location(operation): _compile(operation) for operation in operations.values()}
        self._by_model = {model: compiled[_location(operation)] for model, operation in operations.items()}
        self._aliases = {
            alias: model for entry in compiled.values() for alias, model in entry.operation.aliases.items()
        }
        self.first = next(iter(compiled.values()))

    def choose(self, document: Any) -> tuple[Any, CompiledOperation | ApiError]:
        """The document with an alias of its model resolved (clause `model.alias`), and the operation for that model."""
        if not isinstance(document, dict):  # whether or not the schema says so (clause `body.json`)
            return document, ApiError(400, f"{show(document)} is not of type object")
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
            models = ", ".join(str(name) for name in self._by_model)
            return document, ApiError(400, f"model: {show(model)} is not one of {models}", "model")
        return document, self.first


def _location(operation: CreateOperation) -> tuple[str, str]:
    return operation.source, operation.pointer


def _compile(operation: CreateOperation) -> CompiledOperation:
    usage = operation.answer.get("usage") or {}
    return CompiledOperation(operation, Validator(operation), usage.get("credits_reserved", 0))
