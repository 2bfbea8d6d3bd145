"""Traffic that was recorded anywhere, judged: it costs nothing, and accuses nobody for what it does not tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check.engine.recordings import RecordingError, check_recording
from evolink_check.traffic.har.archive import to_har
from evolink_spec.clauses import load_clauses
from support.records.trace_builders import (
    BODY,
    CREATE,
    ID,
    ORIGIN,
    SPEC,
    Tracing,
    compact,
    completed,
    processing,
    task,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.model import Report

CLAUSES = load_clauses()


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Report]:
    """The report on archives, each the JSON of a file."""

    def of(*archives: Any, origin: str = "", **more: Any) -> Report:
        paths = [tmp_path / f"{number}.har" for number in range(len(archives))]
        for path, archive in zip(paths, archives, strict=True):
            path.write_bytes(archive if isinstance(archive, bytes) else json.dumps(archive).encode())
        return check_recording(paths, origin, SPEC, CLAUSES, **more)

    return of


def browser(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "a browser", "version": "1"}, "entries": entries}}


def shown(  # noqa: PLR0913  (the parts of an entry)
    method: str, url: str, status: int, body: bytes, asked: bytes = b"", *, second: int = 0, key: str = ""
) -> dict[str, Any]:
    """An entry as a browser writes it."""
    kind = {"name": "Content-Type", "value": "application/json"}
    sent = [{"name": "Authorization", "value": f"Bearer {key}"}] if key else []
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "headers": [*sent, *([kind] if asked else [])],
        "bodySize": len(asked),
    }
    if asked:
        request["postData"] = {"mimeType": "application/json", "text": asked.decode()}
    content = {"size": len(body), "mimeType": "application/json", "text": body.decode()}
    return {
        "startedDateTime": f"2025-09-06T14:42:{23 + second:02}Z",
        "time": 100,
        "request": request,
        "response": {"status": status, "headers": [kind], "content": content, "bodySize": len(body)},
    }


def created(**more: Any) -> dict[str, Any]:
    return shown("POST", f"{ORIGIN}{CREATE}", 200, compact(task()), compact(BODY), **more)


def queried(body: Any, second: int = 2, **more: Any) -> dict[str, Any]:
    return shown("GET", f"{ORIGIN}/v1/tasks/{ID}", 200, compact(body), second=second, **more)


def words(report: Report) -> dict[str, str]:
    return {verdict.clause.id: verdict.status for verdict in report.verdicts}


def failures_of(report: Report) -> list[Verdict]:
    return [verdict for verdict in report.verdicts if verdict.fails]


def test_a_browser_that_met_a_correct_server_accuses_nobody(judged: Callable[..., Report]) -> None:
    picture = shown("GET", "https://elsewhere.test/logo.png", 404, b"<html>")
    report = judged(browser(created(), queried(processing()), queried(completed(), 4), picture))
    assert (failures_of(report), report.exit_status) == ([], 0)
    found = words(report)
    assert (found["create.schema"], found["task.status-order"]) == ("passed", "passed")
    assert (report.kind, report.subject, report.created) == ("recording", "0.har", 1)
    assert report.notes == (f"the API is taken to be at {ORIGIN}",)


def test_what_a_recording_does_not_tell_is_not_observed(judged: Callable[..., Report]) -> None:
    found = words(judged(browser(queried(processing()))))
    assert {found[one] for one in ("create.schema", "callback.post", "query.own-tasks", "task.ends")} == {
        "not observed"
    }


def test_a_server_that_turns_back_is_caught(judged: Callable[..., Report]) -> None:
    report = judged(browser(created(), queried(completed()), queried(processing(), 4)))
    assert "task.final" in {verdict.clause.id for verdict in failures_of(report)}
    assert report.exit_status == 1


def test_several_files_are_one_story_in_order_of_time(judged: Callable[..., Report]) -> None:
    later, before = browser(queried(processing(), 4)), browser(created(), queried(completed()))
    report = judged(later, before)
    assert [entry.exchange.method for entry in report.trace.entries] == ["POST", "GET", "GET"]
    assert words(report)["task.final"] == "failed"


def test_our_own_file_is_judged_as_it_was_recorded(judged: Callable[..., Report]) -> None:
    made = Tracing()
    made.create()
    made.query(processing())
    made.query(completed())
    ours = judged(to_har(made.trace(), "1"))
    assert ours.trace.entries[0].who == "main"
    assert ours.trace.complete
    assert failures_of(ours) == []


def test_a_file_that_does_not_say_so_is_complete_when_we_are_told(judged: Callable[..., Report]) -> None:
    archive = browser(created())
    assert [judged(archive, complete=complete).trace.complete for complete in (False, True)] == [False, True]


@pytest.mark.parametrize(
    ("about", "bound"), [("server", {"server"}), ("client", {"client"}), ("both", {"client", "server"})]
)
def test_server_client_or_both_are_judged(judged: Callable[..., Report], about: str, bound: set[str]) -> None:
    report = judged(browser(created(key="a-key-of-some-length")), about=about)
    assert {verdict.clause.binds for verdict in report.verdicts} == bound
    assert ("client.valid-request" in words(report)) is ("client" in bound)


def test_a_client_that_sends_nonsense_is_its_own_fault(judged: Callable[..., Report]) -> None:
    asked = compact(BODY | {"duration": 7})
    refused = {"error": {"code": "invalid_request", "message": "duration", "type": "invalid_request_error"}}
    archive = browser(shown("POST", f"{ORIGIN}{CREATE}", 400, compact(refused), asked))
    assert failures_of(judged(archive)) == []
    assert [one.clause.id for one in failures_of(judged(archive, about="client"))] == ["client.valid-request"]


def test_no_key_of_a_recording_is_kept(judged: Callable[..., Report]) -> None:
    report = judged(browser(created(key="a-key-of-some-length")))
    assert "a-key-of-some-length" not in repr(report)


@pytest.mark.parametrize(
    ("archive", "origin", "problem"),
    [
        (b"{", "", "0.har: not a HAR file: invalid JSON"),
        ({"log": 1}, "", "0.har"),
        (browser(), "", "contains no exchange"),
        (browser(shown("GET", "https://elsewhere.test/", 200, b"{}")), "", "contains no request to the API"),
        (browser(created()), "https://other.test", "contains no request to the API at https://other.test"),
    ],
)
def test_what_is_no_recording_of_the_api_is_told(
    judged: Callable[..., Report], archive: Any, origin: str, problem: str
) -> None:
    with pytest.raises(RecordingError, match=problem):
        judged(archive, origin=origin)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere\.har: cannot be read"):
        check_recording([tmp_path / "nowhere.har"], "", SPEC, CLAUSES)


def test_what_of_a_file_was_left_out_is_noted_in_the_report(judged: Callable[..., Report]) -> None:
    invalid = created() | {"request": {"url": None}}
    report = judged(browser(created(), invalid))
    assert any(
        "0.har: 1 left out, invalid and not sent to the API (entry 1: " in note for note in report.notes
    )


@pytest.mark.parametrize("status", [200, 400])
def test_a_request_for_a_model_without_a_document_is_judged_only_if_it_was_refused(
    judged: Callable[..., Report], status: int
) -> None:
    sent = {"model": "wan-9-text-to-video", "prompt": "a cat", "aspect_ratio": "16:9", "duration": 5}
    body = task(model="wan-9-text-to-video") if status == 200 else {"error": {"code": "x", "message": "x"}}
    entry = shown("POST", ORIGIN + CREATE, status, compact(body), compact(sent))
    report = judged(browser(entry), about="both")
    failed = {verdict.clause.id for verdict in report.verdicts if verdict.status == "failed"}
    assert ("client.valid-request" in failed) == (status == 400)
    assert not failed & {"create.required", "task.kind", "model.enum"}
    assert any("wan-9-text-to-video" in note for note in report.notes) == (status == 200)
