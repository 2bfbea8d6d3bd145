"""The faults of a request to create a task, by schema and by prose, read from the request alone.

This is how a case is labelled with what it must provoke, and how the judge knows what a recorded request deserved.
Where the documents leave an answer open (the choices in clauses.yaml) a fault is not `sure`, and nobody is accused.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jsonschema_rs

from evolink_check.analysis.internal_hosts import host_of, is_internal, is_plainly_public
from evolink_check.traffic.formats import NOT_JSON, decode_json, is_out_of_range, is_uri, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from evolink_spec import CreateOperation

LARGE = 1_000_000  # bytes of a body: how much a server takes is not documented
DEEP = 64  # levels of a body
_ENUMS = {"model": "model.enum", "duration": "duration.enum", "mode": "mode.enum", "quality": "quality.enum"}


@dataclass(frozen=True, slots=True)
class RequestFault:
    """One thing that is wrong with a request. `sure`: it must be refused; otherwise any sensible answer is right."""

    clause: str
    what: str  # in a few words, without secrets
    sure: bool = True


def create_faults(
    headers: Iterable[tuple[str, str]],
    body: bytes,
    creates: Mapping[str | None, CreateOperation],
    receiver: str = "",
) -> tuple[RequestFault, ...]:
    """Everything that is wrong with a create. `receiver` is a prefix of callback URLs that this server was told of."""
    if not body:
        return (RequestFault("body.required", "no body"),)
    found = list(_type_faults(headers))
    if len(body) > LARGE:
        found.append(RequestFault("body.limit", f"a body of {len(body)} bytes", sure=False))
    document = decode_json(body)
    if document is NOT_JSON:
        return (*found, _no_json(body))
    if is_out_of_range(body, document):
        return (*found, RequestFault("body.json", "a number out of range", sure=False))
    if not isinstance(document, dict):
        return (*found, RequestFault("body.json", "JSON that is not an object"))
    if _has_duplicate_keys(body):
        found.append(RequestFault("body.duplicate-keys", "a key stands twice", sure=False))
    return (*found, *_document_faults(document, creates, receiver))


def operation_of(document: Any, creates: Mapping[str | None, CreateOperation]) -> CreateOperation:
    """The operation that a body selects by its model; the first one for an unknown model."""
    model = document.get("model") if isinstance(document, dict) else None
    known = isinstance(model, str) and model in creates
    return creates[model] if known else creates.get(None) or next(iter(creates.values()))


def renamed(document: Mapping[str, Any], operation: CreateOperation) -> dict[str, Any]:
    """The body with an old model name replaced, as the documents promise (clause `model.alias`)."""
    model = document.get("model")
    actual = operation.aliases.get(model) if isinstance(model, str) else None
    return dict(document) if actual is None else {**document, "model": actual}


def _type_faults(headers: Iterable[tuple[str, str]]) -> Iterator[RequestFault]:
    kinds = [value for name, value in headers if name.lower() == "content-type"]
    if len(kinds) != 1:
        yield RequestFault("body.json", "no content type, or several", sure=False)
        return
    kind, _, more = kinds[0].partition(";")
    if kind.strip().lower() != "application/json":
        lenient = kind.strip().lower().endswith("+json") or not kind.strip()
        yield RequestFault("body.json", f"the content type {kind.strip()[:60]!r}", sure=not lenient)
    elif more and more.strip().lower().replace('"', "") not in {"charset=utf-8", ""}:
        yield RequestFault("body.json", "parameters of the content type", sure=False)


def _no_json(body: bytes) -> RequestFault:
    """Surely none when a lenient decoder refuses it too: NaN, a byte order mark and the like divide decoders."""
    try:
        json.loads(body.decode("utf-8-sig", "surrogateescape").rstrip("\0"), strict=False, parse_int=float)
    except RecursionError:
        return RequestFault("body.json", "nested too deeply", sure=False)
    except ValueError:
        return RequestFault("body.json", "a body that is not JSON")
    return RequestFault("body.json", "JSON that only lenient decoders take", sure=False)


def _has_duplicate_keys(body: bytes) -> bool:
    twins = False

    def pairs(found: list[tuple[str, Any]]) -> None:
        nonlocal twins
        twins = twins or len({name for name, _ in found}) < len(found)

    with suppress(
        RecursionError
    ):  # a hook needs a level more than the decoder does: deeper than anybody looks
        json.loads(body, object_pairs_hook=pairs)
    return twins


def _document_faults(
    document: dict[str, Any], creates: Mapping[str | None, CreateOperation], receiver: str
) -> Iterator[RequestFault]:
    operation = operation_of(document, creates)
    asked = renamed(document, operation)
    if _depth(asked) > DEEP:
        yield RequestFault("body.limit", "nested deeply", sure=False)
    field = operation.callback.field if operation.callback else ""
    for error in _errors(operation, asked):
        if not error.instance_path or error.instance_path[0] != field or error.kind.name == "type":
            yield from _schema_fault(error, operation)
    yield from _open_questions(asked)
    if isinstance(asked.get(field), str):
        yield from _callback_faults(asked[field], operation, receiver)


def _errors(operation: CreateOperation, asked: dict[str, Any]) -> list[jsonschema_rs.ValidationError]:
    """The errors of the schema, one for each place: a value of another type is not reported for its enum as well."""
    try:
        found = list(_compiled(json.dumps(operation.body_schema)).iter_errors(asked))
    except ValueError:  # nested deeper than the validator goes
        return []
    told: dict[tuple[str, ...], jsonschema_rs.ValidationError] = {}
    for error in found:
        place = *map(str, error.instance_path), _missing(error)
        if place not in told or _is_nearer(error):
            told[place] = error
    return list(told.values())


def _missing(error: jsonschema_rs.ValidationError) -> str:
    return str(error.kind.as_dict()["property"]) if error.kind.name == "required" else ""


def _is_nearer(error: jsonschema_rs.ValidationError) -> bool:
    """Of a number where numbers are listed the enum tells more (6.5 is no duration), of anything else the type."""
    number = isinstance(error.instance, int | float) and not isinstance(error.instance, bool)
    said = error.kind.as_dict()
    if error.kind.name == "enum":
        return number and any(isinstance(option, int | float) for option in said["options"])
    return error.kind.name == "type" and not (number and {"integer", "number"} & set(said["types"]))


@cache
def _compiled(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        json.loads(schema), validate_formats=True, formats={"uri": lambda text: bool(is_uri(text))}
    )


@cache
def _required(schema: str) -> frozenset[str]:
    return frozenset(filter(None, (_missing(error) for error in _compiled(schema).iter_errors({}))))


def _schema_fault(error: jsonschema_rs.ValidationError, operation: CreateOperation) -> Iterator[RequestFault]:
    kind, path = error.kind.name, [str(step) for step in error.instance_path]
    field = path[0] if path else ""
    if kind == "required":
        yield RequestFault("create.required", f"no {error.kind.as_dict()['property']}")
    elif kind == "type":
        optional = field not in _required(json.dumps(operation.body_schema))
        # Many servers take null for "not given"; the schema does not, but nothing depends on it.
        yield RequestFault(
            "create.types", f"{field}: another type", sure=not (error.instance is None and optional)
        )
    elif kind == "enum":
        yield RequestFault(_ENUMS.get(field, "create.types"), f"{field}: not one of the documented values")
    elif kind == "maxItems":
        yield RequestFault("create.image-urls-max-one", f"{field}: too many")
    elif kind == "format":
        yield RequestFault(
            "create.image-urls-uri", f"{field}: no URI", sure=_is_plainly_no_uri(error.instance)
        )
    else:
        yield RequestFault("create.types", f"{field}: breaks {kind}", sure=False)


def _is_plainly_no_uri(text: Any) -> bool:
    """No scheme at all; what is odd otherwise is read one way by one parser and another way by the next."""
    return isinstance(text, str) and ":" not in text


def _open_questions(asked: Mapping[str, Any]) -> Iterator[RequestFault]:
    if asked.get("image_urls") == []:
        yield RequestFault("create.image-urls-empty", "no image", sure=False)
    for url in asked["image_urls"] if isinstance(asked.get("image_urls"), list) else ():
        if isinstance(url, str) and not _is_on_the_web(url):
            yield RequestFault("create.image-urls-uri", "an image that is not on the web", sure=False)
    for name, value in asked.items():
        if isinstance(value, float) and value.is_integer() and name == "duration":
            yield RequestFault("duration.enum", "a whole number written with a fraction", sure=False)
    if isinstance(asked.get("prompt"), str) and (
        not asked["prompt"].strip() or len(asked["prompt"]) > LARGE // 8
    ):
        yield RequestFault("prompt.length", "an empty or a very long prompt", sure=False)


def _is_on_the_web(url: str) -> bool:
    """Whether any server could fetch it: many look for a host, and let nobody send them to their own."""
    return urlsplit_scheme(url) in {"http", "https"} and bool(host_of(url)) and not is_internal(url)


def urlsplit_scheme(url: str) -> str:
    """The scheme of a URL in lower case; empty when there is none."""
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
        yield RequestFault(
            "callback.uri", "a malformed callback URL", sure=_is_plainly_no_uri(url) or " " in url
        )
    elif urlsplit_scheme(url) != "https":
        yield RequestFault("callback.https-only", "a callback URL that is not https")
    elif is_internal(url):  # a server that may call a receiver on an internal host may call others, too
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
