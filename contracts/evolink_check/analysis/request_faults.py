"""Find the faults of a create request, such as a missing field.

The faults of a generated request tell which clauses the request tests. The faults of a request in a trace tell which
responses are correct. No response is needed to find faults.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evolink_spec.loading import vendored_models

from evolink_check.analysis.identity_key import IdentityKey
from evolink_check.analysis.internal_hosts import host_of, is_internal, is_plainly_public
from evolink_check.analysis.schema_errors import required_properties, schema_errors
from evolink_check.traffic.formats import NOT_JSON, decode_json, is_out_of_range, is_uri, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import jsonschema_rs
    from evolink_spec import CreateOperation

LARGE = 1_000_000  # bytes; a server may reject a larger body, because no limit is documented
DEEP = 64  # levels of nesting; a server may reject a body with more
_REMEMBERED = 4_096  # the maximum number of cached requests; a run needs the faults of a body several times
_ENUMS = {"model": "model.enum", "duration": "duration.enum", "mode": "mode.enum", "quality": "quality.enum"}


@dataclass(frozen=True, slots=True)
class RequestFault:
    """One fault of a create request, such as a missing field."""

    clause: str
    what: str  # in a few words, without secrets
    sure: bool = True  # whether the server must reject the request; if false, the server may accept it


_remembered: dict[
    tuple[tuple[str, ...], bytes, IdentityKey[Mapping[str | None, CreateOperation]], str],
    tuple[RequestFault, ...],
] = {}


def create_faults(
    headers: Iterable[tuple[str, str]],
    body: bytes,
    creates: Mapping[str | None, CreateOperation],
    receiver: str = "",
) -> tuple[RequestFault, ...]:
    """Return all faults of a create request.

    In a callback URL, http or an internal host is a fault. A callback URL that begins with `receiver` may have both. If
    `receiver` is empty, no callback URL may have them.
    """
    if not body:
        return (RequestFault("body.required", "no body"),)
    types = tuple(value for name, value in headers if name.lower() == "content-type")
    key = types, blake2b(body, digest_size=16).digest(), IdentityKey(creates), receiver
    # Checking a very large body is slow.
    faults = _remembered.get(key)
    if faults is None:
        faults = _find_faults(types, body, creates, receiver)
        if len(_remembered) >= _REMEMBERED:
            _remembered.clear()
        _remembered[key] = faults
    return faults


def _find_faults(
    types: tuple[str, ...], body: bytes, creates: Mapping[str | None, CreateOperation], receiver: str
) -> tuple[RequestFault, ...]:
    faults = list(_type_faults(types))
    if len(body) > LARGE:
        faults.append(RequestFault("body.limit", f"a body of {len(body)} bytes", sure=False))
    document = decode_json(body)
    if document is NOT_JSON:
        return (*faults, _json_fault(body))
    if is_out_of_range(body, document):
        return (*faults, RequestFault("body.json", "a number out of range", sure=False))
    if not isinstance(document, dict):
        return (*faults, RequestFault("body.json", "JSON that is not an object"))
    if _has_duplicate_keys(body):
        faults.append(RequestFault("body.duplicate-keys", "a key that occurs twice", sure=False))
    return (*faults, *_document_faults(document, creates, receiver))


def operation_of(document: Any, creates: Mapping[str | None, CreateOperation]) -> CreateOperation:
    """Return the create operation for the model in a request body.

    The body may contain an old name of the model. If no operation has this model, return the operation for all models.
    If there is no such operation, return the first operation.
    """
    model = document.get("model") if isinstance(document, dict) else None
    if isinstance(model, str):
        if model in creates:
            return creates[model]
        for operation in creates.values():
            if model in operation.aliases:
                return operation
    return creates.get(None) or next(iter(creates.values()))


def is_of_other_model(document: Any, creates: Mapping[str | None, CreateOperation]) -> bool:
    """Whether a request body names a model that no document describes."""
    model = document.get("model") if isinstance(document, dict) else None
    if not isinstance(model, str) or None in creates:
        return False
    return model not in creates and model not in operation_of(document, creates).aliases


def _is_undecided(document: dict[str, Any], creates: Mapping[str | None, CreateOperation]) -> bool:
    operation, model = operation_of(document, creates), document.get("model")
    if isinstance(model, str) and (model in creates or model in operation.aliases):
        return False
    # The body names no documented model. No operation is for all models, and there are several.
    return None not in creates and len({(each.source, each.pointer) for each in creates.values()}) > 1


def renamed(document: Mapping[str, Any], operation: CreateOperation) -> dict[str, Any]:
    """Replace an old model name in a request body (clause `model.alias`)."""
    model = document.get("model")
    actual = operation.aliases.get(model) if isinstance(model, str) else None
    return dict(document) if actual is None else {**document, "model": actual}


def _type_faults(types: tuple[str, ...]) -> Iterator[RequestFault]:
    if len(types) != 1:
        yield RequestFault("body.json", "no content type, or several", sure=False)
        return
    kind, _, more = types[0].partition(";")
    if kind.strip().lower() != "application/json":
        lenient = kind.strip().lower().endswith("+json") or not kind.strip()
        yield RequestFault("body.json", f"the content type {kind.strip()[:60]!r}", sure=not lenient)
    elif more and more.strip().lower().replace('"', "") not in {"charset=utf-8", ""}:
        yield RequestFault("body.json", "parameters of the content type", sure=False)


def _json_fault(body: bytes) -> RequestFault:
    try:
        # If a lenient decoder, such as this one, accepts the body, the fault is not certain.
        json.loads(body.decode("utf-8-sig", "surrogateescape").rstrip("\0"), strict=False, parse_int=float)
    except RecursionError:
        return RequestFault("body.json", "nested too deeply", sure=False)
    except ValueError:
        return RequestFault("body.json", "a body that is not JSON")
    return RequestFault("body.json", "JSON that only lenient decoders accept", sure=False)


def _has_duplicate_keys(body: bytes) -> bool:
    duplicates = False

    def check(members: list[tuple[str, Any]]) -> None:
        nonlocal duplicates
        duplicates = duplicates or len(dict(members)) < len(members)

    with suppress(
        RecursionError
    ):  # with a hook, the decoder supports less nesting; `_document_faults` reports deep bodies
        json.loads(body, object_pairs_hook=check)
    return duplicates


def _document_faults(
    document: dict[str, Any], creates: Mapping[str | None, CreateOperation], receiver: str
) -> Iterator[RequestFault]:
    operation = operation_of(document, creates)
    body = renamed(document, operation)
    if _depth(body) > DEEP:
        yield RequestFault("body.limit", "nested deeply", sure=False)
    if _is_undecided(document, creates):
        # It is unknown which document applies to the other fields.
        yield _model_fault(document)
        return
    field = operation.callback.field if operation.callback else ""
    for error in schema_errors(operation, body):
        if not error.instance_path or error.instance_path[0] != field or error.kind.name == "type":
            yield from _schema_fault(error, operation)
    yield from _uncertain_faults(body)
    if isinstance(body.get(field), str):
        yield from _callback_faults(body[field], operation, receiver)


def _model_fault(body: Mapping[str, Any]) -> RequestFault:
    if "model" not in body:
        return RequestFault("create.required", "no model")
    if not isinstance(body["model"], str):
        return RequestFault("create.types", "model: a value of a wrong type")
    return RequestFault("model.enum", "model: not one of the documented values")


def _schema_fault(error: jsonschema_rs.ValidationError, operation: CreateOperation) -> Iterator[RequestFault]:
    kind, path = error.kind.name, [str(step) for step in error.instance_path]
    field = path[0] if path else ""
    # Some clauses apply only to the models that the built-in documents describe.
    has_own_clauses = not vendored_models().isdisjoint(operation.models)
    if kind == "required":
        yield RequestFault("create.required", f"no {error.kind.as_dict()['property']}")
    elif kind == "type":
        optional = field not in required_properties(operation)
        # Many servers treat null like an absent field, which is harmless although the schema does not allow null.
        yield RequestFault(
            "create.types",
            f"{field}: a value of a wrong type",
            sure=not (error.instance is None and optional),
        )
    elif kind == "enum":
        clause = _ENUMS.get(field, "create.types") if has_own_clauses or field == "model" else "create.types"
        yield RequestFault(clause, f"{field}: not one of the documented values")
    elif kind == "maxItems":
        clause = "create.image-urls-max-one" if has_own_clauses else "create.types"
        yield RequestFault(clause, f"{field}: too many items")
    elif kind == "format":
        clause = "create.image-urls-uri" if field == "image_urls" else "create.types"
        yield RequestFault(clause, f"{field}: not a {error.kind.as_dict()['format']}", sure=_is_no_uri(error))
    else:
        yield RequestFault("create.types", f"{field}: violates {kind}", sure=False)


def _is_no_uri(error: jsonschema_rs.ValidationError) -> bool:
    return error.kind.as_dict()["format"] == "uri" and _has_no_scheme(error.instance)


def _has_no_scheme(text: Any) -> bool:
    return isinstance(text, str) and ":" not in text


def _uncertain_faults(body: Mapping[str, Any]) -> Iterator[RequestFault]:
    if body.get("image_urls") == []:
        yield RequestFault("create.image-urls-empty", "no image", sure=False)
    for url in body["image_urls"] if isinstance(body.get("image_urls"), list) else ():
        if isinstance(url, str) and not _is_on_the_web(url):
            yield RequestFault("create.image-urls-uri", "an image that is not on the web", sure=False)
    for name, value in body.items():
        if isinstance(value, float) and value.is_integer() and name == "duration":
            yield RequestFault("duration.enum", "a whole number written with a fraction", sure=False)
    if isinstance(body.get("prompt"), str) and (
        not body["prompt"].strip() or len(body["prompt"]) > LARGE // 8
    ):
        yield RequestFault("prompt.length", "an empty or a very long prompt", sure=False)


def _is_on_the_web(url: str) -> bool:
    # Every server would try to fetch such a URL.
    return urlsplit_scheme(url) in {"http", "https"} and bool(host_of(url)) and not is_internal(url)


def urlsplit_scheme(url: str) -> str:
    """Return the scheme of a URL in lower case. Returns an empty text without a scheme."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _callback_faults(url: str, operation: CreateOperation, receiver: str) -> Iterator[RequestFault]:
    rules = operation.callback
    if rules is None or (receiver and url.startswith(receiver) and len(url) <= rules.max_length):
        return
    if len(url) > rules.max_length:
        yield RequestFault("callback.max-length", f"a callback URL of {len(url)} characters")
    if not is_uri(url) or not url:
        yield RequestFault("callback.uri", "a malformed callback URL", sure=_has_no_scheme(url) or " " in url)
    elif urlsplit_scheme(url) != "https":
        yield RequestFault("callback.https-only", "a callback URL that is not https")
    elif is_internal(url):  # a server that accepts an internal receiver may accept other internal hosts, too
        permitted = is_internal(receiver)
        yield RequestFault("callback.no-internal", "a callback to an internal host", sure=not permitted)
    elif not is_plainly_public(url):
        yield RequestFault("callback.no-internal", "a callback to a host that may be internal", sure=False)


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [inner for value in level for inner in parts_of(value)]
    return depth
