"""The create operations with their compiled validators and prices, and the choice of the operation for a request."""

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
    """A create operation with its compiled validator and its price in credits.

    `note` is a warning for the access log if no OpenAPI document describes the requested model; otherwise it is empty.
    """

    operation: CreateOperation
    validator: Validator | AnyModelValidator
    price: float
    note: str = ""


class CompiledOperations:
    """The create operations that share a path and differ in their models (clause `model.enum`).

    `errors` are the errors that are documented for more than half of these operations; they are used if a request
    matches no operation. If `any_model` is true, a request for an unknown model is served by the operation that fits
    best.
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
        self.errors = _usual_errors([operation.errors for operation in distinct.values()])

    def choose(self, document: Any) -> tuple[Any, CompiledOperation | ApiError]:
        """Return the request body and the operation that serves its model, or a 400 if no operation serves it.

        In the returned body, the old name of a model is replaced with the current name (clause `model.alias`).
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
        return document, self._only or self._unknown(document)

    def _unknown(self, document: Mapping[str, Any]) -> ApiError:
        """Return the 400 for a request body whose `model` is missing or unknown."""
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
        """Return the operation that serves a request for an unknown model.

        The operations whose model names are most similar to `model` are tried in order of similarity, and the first
        operation whose schema the body matches is returned. If the body matches none of these schemas, the operation
        with the most similar model name is returned.
        """
        text = model[:_MOST_COMPARED]
        names = sorted(
            (str(name) for name in self._by_model),
            key=lambda name: -SequenceMatcher(None, text, name).ratio(),
        )
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
        """Compile an operation at its first use, so that a mock with many OpenAPI documents starts quickly."""
        location = _location(operation)
        compiled = self._compiled.get(location)
        if compiled is None:
            compiled = self._compiled[location] = CompiledOperation(
                operation, Validator(operation), price_of(operation)
            )
        return compiled


def _location(operation: CreateOperation) -> tuple[str, str]:
    return operation.source, operation.pointer


def _usual_errors(documented: list[Mapping[int, ErrorAnswer]]) -> Mapping[int, ErrorAnswer]:
    """Return the errors that are documented for more than half of the operations, each with its most frequent body."""
    if len(documented) == 1:
        return documented[0]
    counts = Counter(status for errors in documented for status in errors)
    usual = {}
    for status, count in sorted(counts.items()):
        if 2 * count > len(documented):
            answers = [errors[status] for errors in documented if status in errors]
            bodies = Counter(repr(answer.body) for answer in answers)
            usual[status] = max(answers, key=lambda answer: bodies[repr(answer.body)])
    return usual
