"""Check request bodies against the compiled schema, and name the invalid fields."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
from evolink_spec.options.suggestions import did_you_mean, nearest

from evolink_mock.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import jsonschema_rs
    from evolink_spec import CreateOperation

_encode = msgspec.json.Encoder().encode
_SHOWN = 80  # maximum number of characters of an invalid value that are shown
_REASONS = 3  # maximum number of reasons in one error; further reasons are only counted
_MOST_VALUES = 200  # in a body with more values, only the first error is looked for
_MODEL = "model"
_NAMES = 5  # maximum number of unknown fields that one warning names
_MOST_NAMES = 50  # maximum number of unknown fields that are compared with a missing one
_SIMILARITY = 0.75  # minimum similarity of a misspelled name to the correct name, 0 to 1
_SHOWN_NAME = 40  # maximum number of characters of an unknown field's name that are shown
_MASK = "this value"  # replaces the invalid value in the messages of the validator


class Validator:
    """The schema of the request body of one operation.

    The first check of a body compiles the schema.
    """

    def __init__(self, operation: CreateOperation) -> None:
        self._secret = operation.callback.field if operation.callback else None
        self._fields = operation.properties
        self._schema = operation.body_schema

    @cached_property
    def _compiled(self) -> jsonschema_rs.Draft202012Validator:
        import jsonschema_rs  # takes 5 MiB, which a server needs only after its first create request

        return jsonschema_rs.Draft202012Validator(dict(self._schema), validate_formats=True, mask=_MASK)

    def check(self, document: Any) -> ApiError | None:
        """Return None if the request body is valid.

        Returns a 400 that names the invalid fields if the body is invalid.
        """
        try:
            if self._compiled.is_valid(document):
                return None
            errors = self._errors(document)
        except ValueError:  # jsonschema-rs allows at most 255 levels
            return ApiError(400, "the body is nested too deeply")
        reasons: dict[str, str] = {}
        for error in errors:
            path, reason = self._reason(error)
            reasons.setdefault(path, reason)
        if _MODEL in reasons:  # first, because it determines the schema of all other fields
            reasons = {_MODEL: reasons[_MODEL]} | reasons
        lines = [f"{path}: {reason}" if path else reason for path, reason in reasons.items()]
        more = f"; and {len(lines) - _REASONS} more" if len(lines) > _REASONS else ""
        return ApiError(400, "; ".join(lines[:_REASONS]) + more, next(iter(reasons)))

    def _errors(self, document: Any) -> Sequence[jsonschema_rs.ValidationError]:
        if _is_small(document):  # finding all errors of a large body takes too long
            return list(self._compiled.iter_errors(document))
        if isinstance(document, dict):
            head = {name: value for name, value in document.items() if name == _MODEL}
            errors = [error for error in self._compiled.iter_errors(head) if self._reason(error)[0] == _MODEL]
            if errors:
                return errors
        from jsonschema_rs import ValidationError

        try:
            self._compiled.validate(document)
        except ValidationError as error:
            return [error]
        return []

    def _reason(self, error: jsonschema_rs.ValidationError) -> tuple[str, str]:
        kind = error.kind.as_dict()
        path = ".".join(_cut(str(step)) for step in error.instance_path)
        name = error.kind.name
        value = _MASK if path == self._secret else show(error.instance)
        if name == "required":
            missing = ".".join(filter(None, (path, kind["property"])))
            return missing, f"is required{self._misspelling(kind['property'], error.instance)}"
        if name == "enum":
            return path, f"{value} is not one of {', '.join(map(_spell, kind['options']))}"
        if name == "type":
            return path, f"{value} is not of type {' or '.join(kind['types'])}"
        if name == "format":
            return path, f"{value} is not a valid {kind['format']}"
        if name == "maxItems":
            return path, f"has more than {kind['limit']} items"
        return path, _cut(error.message, 2 * _SHOWN).replace(_MASK, value, 1)

    def _misspelling(self, missing: str, members: Any) -> str:
        names = members if isinstance(members, dict) else {}
        unknown = islice((name for name in names if name not in self._fields), _MOST_NAMES)
        name = nearest(missing, [_cut(name, _SHOWN_NAME) for name in unknown], _SIMILARITY)
        return f"; the unknown field {show(name)} is the nearest" if name else ""


class AnyModelValidator:
    """Validates request bodies with an undocumented model by the schema of a documented model.

    Before the check, the name of the documented model replaces the undocumented name in the body.
    """

    def __init__(self, validator: Validator | AnyModelValidator, model: str) -> None:
        self._validator = validator
        self._model = model  # the name of the documented model

    def check(self, document: Mapping[str, Any]) -> ApiError | None:
        """Return None if the request body is valid.

        Returns a 400 that names the invalid fields if the body is invalid.
        """
        return self._validator.check({**document, _MODEL: self._model})


def _is_small(document: Any) -> bool:
    count, waiting = 0, [document]
    while waiting and count <= _MOST_VALUES:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict | list):
            members = value.values() if isinstance(value, dict) else value
            waiting.extend(islice(members, _MOST_VALUES))
    return count <= _MOST_VALUES


def show(value: Any) -> str:
    """Return a short text for a JSON value in an error message.

    Objects and arrays become `an object` and `an array`.
    """
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return _cut(_encode(value).decode())


def _cut(text: str, longest: int = _SHOWN) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


def _spell(option: Any) -> str:
    return option if isinstance(option, str) else _encode(option).decode()


def with_defaults(document: Mapping[str, Any], operation: CreateOperation) -> dict[str, Any]:
    """Return the request body with the documented default of each omitted field (clause `create.defaults`)."""
    return {**operation.defaults, **document}


def warnings(request: Mapping[str, Any], operation: CreateOperation) -> tuple[str, ...]:
    """Return warnings about probable mistakes in a valid request body.

    The warnings are about unknown fields and an empty `image_urls` (clauses `create.unknown-fields` and
    `create.image-urls-empty`).
    """
    notes: tuple[str, ...] = ()
    if not request.keys() <= operation.properties:
        unknown = sorted(request.keys() - operation.properties)[:_NAMES]
        names = ", ".join(_with_nearest(name[:_SHOWN_NAME], operation.properties) for name in unknown)
        notes = (f"warning: unknown field {names}",)
    return notes if request.get("image_urls", True) else (*notes, "warning: image_urls is empty")


def _with_nearest(name: str, fields: Iterable[str]) -> str:
    return name + did_you_mean(name, sorted(fields), cutoff=_SIMILARITY)
