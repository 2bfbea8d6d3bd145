"""The exchanges of a recording, each with the operation that describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jsonschema_rs
from evolink_spec.schemas import DIALECT

from evolink_check.drift.contract.model_changes import accepted_models, models_of
from evolink_check.drift.schemas.keywords import escaped, joined
from evolink_check.traffic.formats import NOT_JSON, decode_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_check.drift.pairs.operations import Content, Operation
    from evolink_check.traffic.trace import Entry, Trace

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Observation:
    """One recorded exchange. `request` and `answer` are the decoded JSON bodies.

    A body that is empty or not JSON is replaced by the constant `NOT_JSON`. `operation` is None if no document
    describes the request.
    """

    entry: Entry
    method: str
    path: str
    operation: Operation | None
    request: Any
    answer: Any

    @property
    def status(self) -> int:
        """The HTTP status of the response."""
        return self.entry.exchange.status

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004


def observations(trace: Trace, operations: Sequence[Operation]) -> Iterator[Observation]:
    """Yield each recorded exchange with the API. Requests without a response are left out.

    Requests to the origin of the API are included. A request to another origin is included if its method and path are
    documented.
    """
    for entry in trace.entries:
        exchange = entry.exchange
        if entry.kind != "exchange" or not exchange.status or entry.media is not None:
            continue
        method, path = exchange.method.lower(), urlsplit(exchange.url).path
        request = _json(exchange.request_body)
        operation = _operation(method, path, request, operations)
        is_of_api = bool(trace.origin) and f"{exchange.url}/".startswith(f"{trace.origin}/")
        if operation is not None or is_of_api:
            yield Observation(entry, method, path, operation, request, _json(exchange.response_body))


def _json(raw: bytes) -> Any:
    return decode_json(raw) if raw else NOT_JSON


def _operation(method: str, path: str, request: Any, operations: Sequence[Operation]) -> Operation | None:
    matching = [each for each in operations if each.method == method and _template(each.path).fullmatch(path)]
    model = request.get("model") if isinstance(request, dict) else None
    of_model = [each for each in matching if model in accepted_models(each)]
    # operations that accept the model are better, and of these the one with the fewest models
    return min(of_model or matching, key=lambda each: len(models_of(each)), default=None)


def _template(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^{}]*\}", path)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


def json_content(contents: dict[str, Content] | Any) -> Content | None:
    """Return the content for `application/json`; None if missing."""
    content: Content | None = contents.get(_JSON)
    return content


def errors_of(operation: Operation, content: Content, value: Any) -> Iterator[tuple[str, str, str]]:
    """Yield each schema error in a body: the field, the keyword and the message.

    The result is empty if the schema cannot be compiled.
    """
    pointer = escaped(joined(content.pointer, "schema"))
    tree = {**operation.document.tree, "$schema": DIALECT, "$ref": f"#{pointer}"}
    try:
        validator = jsonschema_rs.Draft202012Validator(tree, validate_formats=True)
    except ValueError:
        return
    for error in validator.iter_errors(value):
        field = "".join("[]" if isinstance(step, int) else f".{step}" for step in error.instance_path).lstrip(
            "."
        )
        words = [str(step) for step in error.schema_path if isinstance(step, str)]
        yield field, words[-1] if words else "", error.message[:200]
