"""Find documented statuses, members and values that a recording does not contain."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from evolink_check.drift.recording.observed import json_content
from evolink_check.drift.records import Change, Place
from evolink_check.drift.schemas.keywords import canonical
from evolink_check.drift.schemas.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evolink_check.drift.pairs.operations import Operation
    from evolink_check.drift.recording.observed import Observation
    from evolink_check.drift.schemas.shapes import Shape

_REASON = "the recording neither confirms nor contradicts it"


def unrecorded(
    operations: Sequence[Operation], seen: Iterable[Observation], recording: str
) -> Iterator[Change]:
    """Yield the documented statuses, members and values that were never recorded.

    An operation that was never recorded yields a single `Change`. A recorded operation yields these changes:

    - one `Change` for all missing statuses
    - one `Change` for all missing request members
    - one `Change` for all missing response members of a status
    - one `Change` for all missing values of a response member
    """
    by_operation: dict[int, list[Observation]] = defaultdict(list)
    for observation in seen:
        if observation.operation is not None:
            by_operation[id(observation.operation)].append(observation)
    place = Place(recording, "")
    for operation in operations:
        own = by_operation[id(operation)]
        if not own:
            yield _change(operation, "operation", "was never recorded", place)
            continue
        for kind, field, words in _unseen(operation, own):
            if words:
                yield _change(operation, kind, f"never recorded: {listed(words)}", place, field)


def _change(operation: Operation, kind: str, text: str, recording: Place, field: str = "") -> Change:
    new = operation.document.place(operation.pointer)
    return Change(
        f"unrecorded-{kind}",
        "recording",
        "non-breaking",
        operation.subject,
        field,
        text,
        _REASON,
        recording,
        new,
    )


def _unseen(operation: Operation, seen: Sequence[Observation]) -> Iterator[tuple[str, str, list[str]]]:
    statuses = {str(observation.status) for observation in seen}
    yield "statuses", "", [status for status in operation.responses if status not in statuses]
    body = operation.body
    if body is not None and body.shape is not None:
        sent = [observation.request for observation in seen if isinstance(observation.request, dict)]
        yield "request-members", "", _missing_members(body.shape, sent)
    for status, response in operation.responses.items():
        content = json_content(response.contents)
        answers = [
            each.answer for each in seen if str(each.status) == status and isinstance(each.answer, dict)
        ]
        if content is None or content.shape is None or not answers:
            continue
        yield "members", status, _missing_members(content.shape, answers)
        for path, values in _missing_values(content.shape, answers, ""):
            yield "values", f"{status} {path}", values


def _missing_members(shape: Shape, bodies: Sequence[Any], path: str = "") -> list[str]:
    missing = []
    for name, member in shape.properties.items():
        where = f"{path}.{name}" if path else name
        values = [body[name] for body in bodies if isinstance(body, dict) and name in body]
        # the members of a missing object are not listed
        missing += _missing_members(member, values, where) if values else [where]
    return missing


def _missing_values(shape: Shape, bodies: Sequence[Any], path: str) -> Iterator[tuple[str, list[str]]]:
    for name, member in shape.properties.items():
        where = f"{path}.{name}" if path else name
        values = [body[name] for body in bodies if isinstance(body, dict) and name in body]
        found = {canonical(value) for value in values}
        options = [value for branch in member.branches for value in branch.values or ()]
        # a member with one documented value is left out
        if values and len(options) > 1:
            yield where, [str(value) for value in options if canonical(value) not in found]
        yield from _missing_values(member, values, where)
