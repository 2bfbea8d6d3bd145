"""Check one exchange against the OpenAPI documents with openapi-core."""

# The mock validates requests with other code, so that this check does not repeat a bug of the mock.

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from evolink_check.traffic.formats import finite_json, is_uri, strict_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from evolink_spec import CreateOperation, Spec
    from openapi_core import V31RequestValidator, V31ResponseValidator
    from openapi_core.testing import MockRequest

    from evolink_check.traffic.trace import Exchange

    _ErrorsOf = Callable[["_Validators"], Iterable[Exception]]

_ORIGIN = "http://contract.invalid"  # replaces the server of every document
_SHOWN = 200  # the maximum length of the text of a problem, in characters
# A server may reject a number that is too large for a double, but should not send such a number.
_ASKED: Any = {"application/json": finite_json}
_ANSWERED: Any = {"application/json": strict_json}


@dataclass(frozen=True, slots=True)
class Problem:
    """One place in a response body that violates the documented schema of the response."""

    pointer: str  # the JSON pointer to the place; empty for the whole body
    keyword: str  # the violated keyword of the schema, such as `type` or `enum`
    message: str


@dataclass(frozen=True, slots=True)
class _Validators:
    requests: V31RequestValidator
    responses: V31ResponseValidator


class Conformance:
    """Checks exchanges against the loaded OpenAPI documents (`Spec`)."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._validators: dict[str, _Validators] = {}

    def request_problems(self, exchange: Exchange) -> tuple[str, ...]:
        """Return one line for each way in which the request violates the documents.

        An old model name is allowed (clause `model.alias`).
        """
        creates = self._creates(exchange.method, urlsplit(exchange.url).path)
        request = _request(
            replace(exchange, request_body=_with_current_model(exchange.request_body, creates))
        )
        return self._problems(exchange, lambda validators: validators.requests.iter_errors(request))

    def response_problems(self, exchange: Exchange) -> tuple[str, ...]:
        """Return one line for each violation in the response, such as an undocumented status.

        If no document describes the path of the request, one line says so.
        """
        return self._problems(exchange, _answered(exchange))

    def schema_problems(self, exchange: Exchange) -> tuple[Problem, ...]:
        """Return the schema violations in a response body.

        Returns an empty tuple if the documents have no schema for the response.
        """
        problems = [
            _problem_of(error)
            for failure in self._errors(exchange, _answered(exchange)) or ()
            for error in _schema_errors(failure)
        ]
        return tuple(dict.fromkeys(problems))

    def source(self, method: str, path: str, request_body: bytes) -> str:
        """Return the name of the document against which a request is checked first.

        If a document describes the requested model, return its name. If not, return the name of the first loaded
        document.
        """
        return self._sources(method, path, request_body)[0]

    def _problems(self, exchange: Exchange, errors_of: _ErrorsOf) -> tuple[str, ...]:
        errors = self._errors(exchange, errors_of)
        if errors is not None:
            return tuple(dict.fromkeys(text[:_SHOWN] for error in errors for text in _problem_lines(error)))
        return (f"no document describes {exchange.method} {urlsplit(exchange.url).path}"[:_SHOWN],)

    def _errors(self, exchange: Exchange, errors_of: _ErrorsOf) -> list[Exception] | None:
        from openapi_core.templating.paths.exceptions import PathError

        for source in self._sources(exchange.method, urlsplit(exchange.url).path, exchange.request_body):
            errors = list(errors_of(self._validators_of(source)))
            # The first document that describes the path decides.
            if not any(isinstance(error, PathError) for error in errors):
                return errors
        return None

    def _sources(self, method: str, path: str, request_body: bytes) -> list[str]:
        creates = self._creates(method, path)
        if not creates:
            return list(self._spec.documents)
        model = _body(request_body).get("model")
        model = _aliases(creates).get(model, model) if isinstance(model, str) else None
        operation = creates.get(model) or creates.get(None)
        return sorted(
            # The document that describes the model comes first.
            self._spec.documents,
            key=lambda source: operation is None or source != operation.source,
        )

    def _creates(self, method: str, path: str) -> Mapping[str | None, CreateOperation]:
        return self._spec.creates.get((method.upper(), path), {})

    def _validators_of(self, source: str) -> _Validators:
        if source not in self._validators:
            self._validators[source] = _validators_of(self._spec.documents[source])
        return self._validators[source]


def _validators_of(document: Mapping[str, Any]) -> _Validators:
    from jsonschema_path import SchemaPath
    from openapi_core import V31RequestValidator, V31ResponseValidator

    # openapi-core also compares the server's URL, but the checked server rarely has the documented URL.
    paths = {
        path: {
            key: _without_servers(part) if isinstance(part, dict) else part
            for key, part in _without_servers(item).items()
        }
        for path, item in document["paths"].items()
    }
    whole = SchemaPath.from_dict({**document, "servers": [{"url": _ORIGIN}], "paths": paths})
    formats: Any = {"uri": is_uri}
    return _Validators(
        V31RequestValidator(whole, extra_format_validators=formats, extra_media_type_deserializers=_ASKED),
        V31ResponseValidator(
            whole, extra_format_validators=formats, extra_media_type_deserializers=_ANSWERED
        ),
    )


def _without_servers(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "servers"}


def _request(exchange: Exchange) -> MockRequest:
    from openapi_core.testing import MockRequest

    url = urlsplit(exchange.url)
    return MockRequest(
        _ORIGIN,
        exchange.method,
        url.path,
        args=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers=dict(exchange.request_headers),
        data=exchange.request_body,
        content_type=_media_type(exchange.request_headers),
    )


def _media_type(headers: tuple[tuple[str, str], ...]) -> str:
    value = next((value for name, value in headers if name.lower() == "content-type"), "")
    # openapi-core fails on some parameters, such as `charset`. `application/json` defines no parameters.
    return value.partition(";")[0].strip()


def _body(raw: bytes) -> dict[str, Any]:
    try:
        value = strict_json(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _aliases(creates: Mapping[str | None, CreateOperation]) -> dict[str, str]:
    return {old: new for operation in creates.values() for old, new in operation.aliases.items()}


def _with_current_model(raw: bytes, creates: Mapping[str | None, CreateOperation]) -> bytes:
    body = _body(raw)
    model = body.get("model")
    actual = _aliases(creates).get(model) if isinstance(model, str) else None
    return raw if actual is None else json.dumps({**body, "model": actual}).encode()


def _answered(exchange: Exchange) -> _ErrorsOf:
    from openapi_core.testing import MockResponse

    kind = _media_type(exchange.response_headers)
    answer = MockResponse(exchange.response_body, exchange.status, dict(exchange.response_headers), kind)
    request = _request(exchange)
    return lambda validators: validators.responses.iter_errors(request, answer)


def _schema_errors(error: Exception) -> Iterable[Any]:
    from openapi_core.validation.schemas.exceptions import InvalidSchemaValue

    cause = error.__cause__ or error
    if isinstance(cause, InvalidSchemaValue) and not getattr(error, "name", ""):
        return cause.schema_errors
    return ()


def _problem_of(error: Any) -> Problem:
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path]
    pointer = "".join(f"/{step}" for step in steps)
    return Problem(pointer, str(error.validator), str(error.message)[:_SHOWN])


def _problem_lines(error: Exception) -> Iterator[str]:
    from openapi_core.deserializing.media_types.exceptions import MediaTypeDeserializeError
    from openapi_core.validation.schemas.exceptions import InvalidSchemaValue

    cause = error.__cause__ or error
    name = getattr(error, "name", "")  # of a header or a parameter
    if isinstance(cause, InvalidSchemaValue):
        for problem in cause.schema_errors:
            where = getattr(problem, "json_path", "$").removeprefix("$").lstrip(".")
            yield f"{name or 'body'} {where}".strip() + f": {getattr(problem, 'message', problem)}"
    elif isinstance(cause, MediaTypeDeserializeError):  # its text would contain the body
        yield f"{name or 'body'}: is not {cause.mimetype}"
    else:
        yield f"{name}: {cause}" if name else str(cause)
