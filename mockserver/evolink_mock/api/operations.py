"""Compiled create operations, and the choice of the operation for a request."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from evolink_spec.options.suggestions import closest
from msgspec import Struct
from msgspec.structs import replace

from evolink_mock.api.validation import AnyModelValidator, Validator, show
from evolink_mock.domain.pricing import price_of
from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec import CreateOperation, ErrorAnswer

_MODEL = "model"
_NAMES_SHOWN = 5  # if a path has more models, an error lists only the most similar ones
_MOST_COMPARED = 200  # maximum number of characters of an unknown model's name that are compared
_CANDIDATES = 5  # maximum number of operations that are tried for an unknown model


class CompiledOperation(Struct, frozen=True):
    """A create operation with its compiled validator and its price in credits."""

    operation: CreateOperation
    validator: Validator | AnyModelValidator
    price: float
    note: str = ""  # a warning for the access log if no document describes the requested model


class CompiledOperations:
    """The create operations that share a path and differ in their models (clause `model.enum`).

    If `any_model` is true, an unknown model gets the operation that fits best.
    """

    def __init__(self, operations: Mapping[str | None, CreateOperation], *, any_model: bool = False) -> None:
        # Several OpenAPI documents may have the same operationId, and an operation may have several models.
        self._by_model = operations
        distinct = {_location(operation): operation for operation in operations.values()}
        self._compiled: dict[tuple[str, str], CompiledOperation] = {}
        self._aliases = {
            old: new for operation in distinct.values() for old, new in operation.aliases.items()
        }
        self._only = self._compile(next(iter(distinct.values()))) if len(distinct) == 1 else None
        self._any_model = any_model
        # The errors for a request that matches no operation.
        self.errors = _usual_errors([operation.errors for operation in distinct.values()])

    def choose(self, document: Any) -> tuple[Any, CompiledOperation | ApiError]:
        """Return the request body and the operation that serves its model.

        Returns a 400 in place of the operation if no operation serves the model. In the returned body, the current name
        replaces an old model name (clause `model.alias`).
        """
        if not isinstance(document, dict):  # even if the schema does not require it (clause `body.json`)
            return document, ApiError(400, f"{show(document)} is not of type object")
        model = document.get(_MODEL)
        if isinstance(model, str):
            if model in self._aliases:
                model = self._aliases[model]
                document = {**document, _MODEL: model}
            if model in self._by_model:
                return document, self._compile(self._by_model[model])
        if None in self._by_model:
            return document, self._compile(self._by_model[None])
        if self._any_model and isinstance(model, str):
            return document, self._best_fit(document, model)
        return document, self._only or self._model_error(document)

    def _model_error(self, document: Mapping[str, Any]) -> ApiError:
        if _MODEL not in document:
            return ApiError(400, f"{_MODEL}: is required", _MODEL)
        model = document[_MODEL]
        if not isinstance(model, str):
            return ApiError(400, f"{_MODEL}: {show(model)} is not of type string", _MODEL)
        names = [str(name) for name in self._by_model]
        if len(names) <= _NAMES_SHOWN:
            return ApiError(400, f"{_MODEL}: {show(model)} is not one of {', '.join(names)}", _MODEL)
        near = closest(model[:_MOST_COMPARED], [*names, *self._aliases], count=3)
        reason = f"{show(model)} is not one of the {len(names)} models of this path; the nearest are {', '.join(near)}"
        return ApiError(400, f"{_MODEL}: {reason}", _MODEL)

    def _best_fit(self, document: Mapping[str, Any], model: str) -> CompiledOperation:
        text = model[:_MOST_COMPARED]
        names = sorted(
            (str(name) for name in self._by_model),
            key=lambda name: -SequenceMatcher(None, text, name).ratio(),
        )
        # The most similar model whose schema accepts the body wins.
        nearest = [(name, self._compile(self._by_model[name])) for name in names[:_CANDIDATES]]
        fitting = (
            (name, compiled)
            for name, compiled in nearest
            if compiled.validator.check({**document, _MODEL: name}) is None
        )
        name, compiled = next(fitting, nearest[0])
        note = f"warning: no document describes the model {show(model)}; it is served as {name}"
        return replace(compiled, validator=AnyModelValidator(compiled.validator, name), note=note)

    def _compile(self, operation: CreateOperation) -> CompiledOperation:
        location = _location(operation)
        compiled = self._compiled.get(location)
        if compiled is None:  # at the first use, so that a mock with many documents starts quickly
            compiled = self._compiled[location] = CompiledOperation(
                operation, Validator(operation), price_of(operation)
            )
        return compiled


def _location(operation: CreateOperation) -> tuple[str, str]:
    return operation.source, operation.pointer


def _usual_errors(documented: list[Mapping[int, ErrorAnswer]]) -> Mapping[int, ErrorAnswer]:
    if len(documented) == 1:
        return documented[0]
    counts = Counter(status for errors in documented for status in errors)
    usual = {}
    for status, count in sorted(counts.items()):
        if 2 * count > len(documented):  # documented for more than half of the operations
            answers = [errors[status] for errors in documented if status in errors]
            bodies = Counter(repr(answer.body) for answer in answers)
            usual[status] = max(answers, key=lambda answer: bodies[repr(answer.body)])
    return usual
