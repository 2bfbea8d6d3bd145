"""Compare a recording with documents: undocumented traffic, and documented values that were never recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.drift.recording.run import recorded_changes
from evolink_check.traffic.trace import Entry, Exchange, Trace
from support.records.drift_documents import ANSWER, BODY, documents, edited, page

if TYPE_CHECKING:
    from evolink_check.drift.records import Change

API = "https://api.example.com"
PATH = "/v1/videos/generations"
REQUEST = {"model": "dancer-2", "prompt": "A dance"}
CREATED = {"id": "task-1", "created": 1, "status": "pending", "progress": 0}
ERROR = {"error": {"code": "insufficient_quota", "message": "No", "type": "api_error"}}
BREAKING, NOTICE, SAFE = "breaking", "notice", "non-breaking"


def recorded(request: Any = REQUEST, answer: Any = CREATED, status: int = 200, path: str = PATH) -> Trace:
    bodies = [b"" if body is None else json.dumps(body).encode() for body in (request, answer)]
    exchange = Exchange("POST", f"{API}{path}", (), bodies[0], status, (), bodies[1])
    return Trace((Entry(0, exchange, 0.0, 1.0),), origin=API)


def contradictions(trace: Trace, new: dict[str, Any] | None = None, *, strict: bool = False) -> list[Change]:
    document = documents(page(), new or page())[1]
    changes = recorded_changes(trace, "a.har", [document], strict=strict)
    return [change for change in changes if change.kind.startswith("recorded-")]


def test_a_recording_that_the_document_describes_has_no_contradiction() -> None:
    assert contradictions(recorded()) == []
    assert contradictions(recorded({**REQUEST, "model": "dancer"})) == [], (
        "an older name that is still accepted"
    )
    assert contradictions(recorded(answer=ERROR, status=402)) == []
    assert contradictions(recorded({"prompt": 5}, ERROR, 400))[1:] == []


@pytest.mark.parametrize(
    ("trace", "kind", "field", "verdict"),
    [
        (recorded(answer={**CREATED, "group": "a"}), "member", "200 group", NOTICE),
        (recorded(answer={**CREATED, "usage": {"tier": 1}}), "member", "200 usage.tier", NOTICE),
        (recorded(answer={**CREATED, "created": "now"}), "value", "200 created", BREAKING),
        (recorded(answer={**CREATED, "status": "queued"}), "value", "200 status", NOTICE),
        (recorded(answer={**CREATED, "progress": 101}), "value", "200 progress", NOTICE),
        (recorded(answer="<html>"), "value", "200", BREAKING),
        (recorded(answer=ERROR, status=503), "status", "503", NOTICE),
        (
            recorded(answer={"error": {"code": "no_money"}}, status=402),
            "error-code",
            "402 error.code",
            NOTICE,
        ),
        (recorded({**REQUEST, "style": "x"}), "request-member", "style", NOTICE),
        (recorded({**REQUEST, "duration": 60}), "request-accepted", "duration", NOTICE),
        (recorded({**REQUEST, "model": "dancer-9"}), "request-accepted", "model", NOTICE),
        (recorded(answer={"error": {"code": "invalid_request"}}, status=400), "request-refused", "", NOTICE),
    ],
)
def test_what_the_document_does_not_say_is_found(trace: Trace, kind: str, field: str, verdict: str) -> None:
    found = [(change.kind, change.field, change.verdict) for change in contradictions(trace)]
    assert found == [(f"recorded-{kind}", field, verdict)]


def test_a_request_to_an_undocumented_path_is_found_beside_documented_ones() -> None:
    trace = Trace((*recorded().entries, *recorded(path="/v1/videos/edits").entries), origin=API)
    (change,) = contradictions(trace)
    assert (change.kind, change.subject) == ("recorded-operation", "POST /v1/videos/edits")


def test_a_recording_of_something_else_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="no request to an operation"):
        contradictions(recorded(path="/v1/videos/edits"))


def test_new_values_are_breaking_for_strict_consumers() -> None:
    (change,) = contradictions(recorded(answer={**CREATED, "status": "queued"}), strict=True)
    assert change.verdict == BREAKING


def test_what_was_never_recorded_is_listed_once_for_each_operation() -> None:
    changes = recorded_changes(recorded(), "a.har", [documents(page(), page())[1]])
    texts = {(change.kind, change.field): change.text for change in changes}
    assert {change.verdict for change in changes} == {SAFE}
    assert texts["unrecorded-statuses", ""] == "never recorded: 400, 402, 429"
    assert "duration" in texts["unrecorded-request-members", ""]
    assert texts["unrecorded-members", "200"] == "never recorded: results, task_info, usage"
    assert texts["unrecorded-values", "200 status"] == "never recorded: completed, failed, processing"
    other = edited(page(), {"/paths/~1v1~1other": page()["paths"][PATH]})
    changes = recorded_changes(recorded(), "a.har", [documents(page(), other)[1]])
    assert [change.subject for change in changes if change.kind == "unrecorded-operation"] == [
        "POST /v1/other"
    ]


def test_with_the_old_document_each_contradiction_says_which_of_the_two_agrees() -> None:
    new = edited(
        page(), {f"{BODY}/properties/duration/maximum": 10, f"{ANSWER}/properties/id": {"type": "integer"}}
    )
    one, other = documents(page(), new)
    trace = recorded({**REQUEST, "duration": 12, "style": "x"})
    changes = recorded_changes(trace, "a.har", [other], [one])
    reasons = {change.field: change.reason for change in changes if change.kind.startswith("recorded-")}
    assert reasons["duration"].endswith("the recording agrees with the old documents")
    assert reasons["200 id"].endswith("the recording agrees with the old documents")
    assert reasons["style"].endswith("so do the old documents")
