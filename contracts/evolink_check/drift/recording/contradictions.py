"""Find recorded traffic that contradicts or goes beyond the OpenAPI documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolink_check.drift.contract.model_changes import accepted_models
from evolink_check.drift.recording.observed import errors_of, json_content
from evolink_check.drift.records import Change, Place
from evolink_check.drift.schemas.wording import value_text
from evolink_check.drift.verdicts import VerdictRule
from evolink_check.traffic.formats import NOT_JSON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.drift.pairs.operations import Content, Operation
    from evolink_check.drift.recording.observed import Observation
    from evolink_check.drift.schemas.shapes import Shape

_INVALID = 400
_FIRST_ERROR = 400
# A value that violates one of these keywords has the documented type, but is a new value.
_NEW_VALUE = {
    "enum",
    "const",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "pattern",
}
_NEW_VALUE |= {"format", "multipleOf", "exclusiveMinimum", "exclusiveMaximum", "uniqueItems"}
_UNREADABLE = VerdictRule("breaking", "a client that relies on the document cannot read it")
_VALUE = VerdictRule("notice", "a client that relies on the document does not know the value", lenient=True)
_STATUS = VerdictRule("notice", "a client that relies on the document does not expect it", lenient=True)
_MEMBER = VerdictRule("notice", "the document does not describe it")
_NARROW = VerdictRule("notice", "the API accepts a request that the document does not allow")
_WIDE = VerdictRule("notice", "the API refuses a request that the document allows")


def contradictions(seen: Iterable[Observation], recording: str) -> list[Change]:
    """Return each contradiction between recorded traffic and the documents once.

    The contradictions are in the order of the traffic.
    """
    found: dict[tuple[str, str, str, str], Change] = {}
    for observation in seen:
        for change in _contradictions(observation, Place(recording, "")):
            found.setdefault((change.kind, change.subject, change.field, change.text), change)
    return [*found.values()]


def _contradictions(seen: Observation, recording: Place) -> Iterator[Change]:
    operation = seen.operation
    if operation is None:
        subject = f"{seen.method.upper()} {seen.path}"
        yield Change(
            "recorded-operation",
            "recording",
            "notice",
            subject,
            "",
            "is not documented",
            _MEMBER.reason,
            recording,
        )
        return
    facts = [*_of_request(seen, operation), *_of_response(seen, operation)]
    for kind, rule, field, text, pointer in facts:
        yield Change(
            f"recorded-{kind}", "recording", rule.verdict, operation.subject, field, text, rule.reason,
            recording, operation.document.place(pointer), lenient=rule.lenient,
        )  # fmt: skip


_Fact = tuple[str, VerdictRule, str, str, str]


def _of_request(seen: Observation, operation: Operation) -> Iterator[_Fact]:
    content = operation.body
    if content is None or content.shape is None or not isinstance(seen.request, dict):
        return
    model = seen.request.get("model")
    is_unknown_model = bool(accepted_models(operation)) and model not in accepted_models(operation)
    errors = [
        error
        for error in errors_of(operation, content, seen.request)
        if error[0] != "model" or is_unknown_model
    ]
    if seen.succeeded:
        for field, _, problem in errors:
            yield "request-accepted", _NARROW, field, f"was accepted, but: {problem}", content.pointer
        for field, shape in _undescribed(content.shape, seen.request, ""):
            yield "request-member", _MEMBER, field, "was sent, but is not described", shape.pointer
    elif seen.status == _INVALID and not errors:
        error = seen.answer.get("error") if isinstance(seen.answer, dict) else None
        message = error.get("message") if isinstance(error, dict) else None
        yield "request-refused", _WIDE, "", f"was refused: {value_text(message or 400)}", content.pointer


def _of_response(seen: Observation, operation: Operation) -> Iterator[_Fact]:
    status = str(seen.status)
    response = operation.responses.get(status) or operation.responses.get(f"{status[0]}XX")
    response = response or operation.responses.get("default")
    if response is None:
        yield "status", _STATUS, status, "was recorded, but is not documented", operation.pointer
        return
    content = json_content(response.contents)
    if content is None or content.shape is None:
        return
    if seen.answer is NOT_JSON:
        if seen.entry.exchange.response_body:
            yield "body", _UNREADABLE, status, "was recorded with a body that is not JSON", response.pointer
        return
    for field, word, problem in errors_of(operation, content, seen.answer):
        rule = _VALUE if word in _NEW_VALUE else _UNREADABLE
        yield "value", rule, f"{status} {field}".strip(), problem, content.pointer
    for field, shape in _undescribed(content.shape, seen.answer, ""):
        yield "member", _MEMBER, f"{status} {field}", "was recorded, but is not described", shape.pointer
    if seen.status >= _FIRST_ERROR:
        yield from _error_code(status, content, seen.answer)


def _error_code(status: str, content: Content, answer: Any) -> Iterator[_Fact]:
    documented = {_code(example) for example in content.examples.values()} - {None}
    code = _code(answer)
    if documented and code is not None and code not in documented:
        listed = ", ".join(sorted(str(each) for each in documented))
        text = f"{value_text(code)} was recorded; documented: {listed}"
        yield "error-code", _VALUE, f"{status} error.code", text, content.pointer


def _code(body: Any) -> Any:
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str | int) else None


def _undescribed(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, Shape]]:
    if isinstance(value, list):
        for branch in shape.branches:
            for item in value if branch.items is not None else ():
                yield from _undescribed(branch.items or shape, item, f"{path}[]")
    if not isinstance(value, dict) or not shape.properties:
        return
    for name, member in value.items():
        where = f"{path}.{name}" if path else name
        if name in shape.properties:
            yield from _undescribed(shape.properties[name], member, where)
        else:
            # the member is undocumented
            yield where, shape
