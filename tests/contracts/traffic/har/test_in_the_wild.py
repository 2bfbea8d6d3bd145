"""HAR files in the wild: placeholders, invalid entries, quirks of tools, numbers out of range."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.engine.recordings import verdicts_on
from evolink_check.traffic.har.archive import from_har, to_har
from evolink_check.traffic.trace import UNKNOWN
from evolink_spec.clauses import load_clauses
from support.records.har_builders import API, SENT_KEY, archive, foreign, key, only, whole_trace
from support.records.trace_builders import SPEC
from support.steps import steps_of


@pytest.mark.parametrize(
    "value",
    [
        *(
            "[Filtered]",
            "[Authorization redacted]",
            "_REDACTED_",
            "{{auth}}",
            "***",
            "<redacted>",
            "REDACTED",
            "",
        ),
        *(
            "Bearer xxxxx",
            "${TOKEN}",
            "[sanitized]",
            "Bearer [Filtered]",
            "Bearer {{auth}}",
            "Bearer YOUR_API_KEY",
        ),
    ],
)
def test_a_placeholder_is_no_evidence_about_keys_and_is_nobody_in_particular(value: str) -> None:
    trace = from_har([("a.har", archive(foreign(request=key(value)), foreign(request=key(value))))])
    assert {entry.who for entry in trace.entries} == {UNKNOWN}
    verdicts = verdicts_on(TraceView(trace, SPEC), load_clauses(), "both")
    about_keys = {verdict.clause.id: verdict.status for verdict in verdicts if "auth." in verdict.clause.id}
    assert len(about_keys) == 5
    assert set(about_keys.values()) == {"not observed"}


def elsewhere(**changes: Any) -> dict[str, Any]:
    request = {"url": "https://elsewhere.test/", "method": "GET"} | changes.pop("request", {})
    return foreign(request=request, **changes)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (elsewhere(response={"content": {"encoding": "base64", "text": "!"}}), "invalid base64"),
        (elsewhere(startedDateTime=None), "startedDateTime"),
        (elsewhere(startedDateTime=""), "invalid time: ''"),
        (elsewhere(response={"status": "soon"}), "invalid status"),
        (elsewhere(request={"url": None}), "request.url"),
        (elsewhere(request={"url": "https://[redacted]/"}), "invalid URL"),
        (elsewhere(request={"headers": "none"}), "headers"),
        ({}, "request"),
        (5, "Expected `object`"),
    ],
)
def test_an_invalid_entry_of_another_host_is_left_out_with_a_note(entry: Any, reason: str) -> None:
    trace = from_har([("a.har", archive(foreign(), entry))])
    assert [remaining.exchange.url for remaining in trace.entries] == [f"{API}/v1/videos/generations"]
    (note,) = trace.notes
    assert note.startswith("a.har: 1 left out, invalid and not sent to the API (entry 1: ")
    assert reason in note


@pytest.mark.parametrize(
    "entry",
    [
        elsewhere() | {"response": None},
        elsewhere(response={"status": "200"}),
        elsewhere(time=None, timings=None),
        elsewhere(time="12.5", timings={"wait": None, "send": "x"}),
        elsewhere(request={"headers": None}, response={"headers": None}),
        elsewhere(response={"headers": [{"name": "age", "value": 7}, {"name": "x", "value": None}]}),
    ],
)
def test_what_a_tool_writes_in_its_own_way_is_read(entry: Any) -> None:
    trace = from_har([("a.har", archive(entry))])
    assert (len(trace.entries), trace.notes) == (1, ())


@pytest.mark.parametrize("began", [1757169743.5, 1757169743500, "1757169743500", "2025-09-06 14:42:23.500Z"])
def test_a_time_may_be_a_number(began: Any) -> None:
    assert only(archive(foreign(startedDateTime=began))).began == 1757169743.5


@pytest.mark.parametrize("creator", ["Some Tool 2", {"name": None}, None, ["x"], 7, {}])
def test_the_tool_may_be_named_by_a_text_alone(creator: Any) -> None:
    document = archive(foreign())
    document["log"]["creator"] = creator
    assert only(document).exchange.status == 200
    document["log"]["creator"] = "mitmproxy 11.0"
    streamed = foreign(response={"content": {"size": 0, "text": ""}})
    document["log"]["entries"] = [streamed]
    assert only(document).size == 0


def test_headers_and_bodies_are_read_from_an_object_and_from_a_text() -> None:
    headers = {"Authorization": f"Bearer {SENT_KEY}", "Accept": ["a", "b"], ":path": "/"}
    entry = only(archive(foreign(request={"headers": headers, "postData": '{"prompt":"y"}'})))
    assert (entry.who, entry.exchange.request_body) == ("key-1", b'{"prompt":"y"}')
    assert [value for name, value in entry.exchange.request_headers if name == "Accept"] == ["a", "b"]


def test_a_status_as_text_is_a_status_and_no_response_is_none() -> None:
    for text in ("200", "200 OK"):
        assert only(archive(foreign(response={"status": text}))).exchange.status == 200
    without = foreign()
    without["response"] = None
    assert (only(archive(without)).exchange.status, only(archive(without)).problem) == (0, "no answer")


@pytest.mark.parametrize(
    "changes",
    [
        {"startedDateTime": "soon"},
        {"response": {"content": {"encoding": "base64", "text": "!"}}},
        {"response": {"status": "soon"}},
        {"request": {"url": "https://[redacted]/v1/videos/generations"}},
        {"request": {"url": f"{API}:99999/v1/tasks/x"}},
    ],
)
def test_an_invalid_entry_of_the_api_is_named_with_its_file(changes: Any) -> None:
    with pytest.raises(ValueError, match=r"a\.har: entry 1: invalid "):
        from_har([("a.har", archive(elsewhere(), foreign(**changes)))])


def test_with_an_origin_only_what_is_below_it_is_of_the_api() -> None:
    bad = foreign(startedDateTime="soon")
    assert from_har([("a.har", archive(bad))], "https://other.test").notes
    with pytest.raises(ValueError, match="entry 0"):
        from_har([("a.har", archive(bad))], API)


def test_what_was_left_out_is_counted_by_its_reason() -> None:
    cached, cut = foreign(_fromCache="disk"), foreign(request={"postData": None, "bodySize": 40})
    trace = from_har([("a.har", archive(cached, *[cut] * 5, elsewhere(_fetchType="Memory Cache")))])
    assert trace.notes == (
        "a.har: 2 left out, answered from a browser's cache (entry 0; entry 6)",
        "a.har: 5 left out, without the body of the request (entry 1; entry 2; entry 3; ...)",
    )


def test_why_a_request_failed_is_read_from_playwright() -> None:
    response = {"status": -1, "_failureText": "net::ERR_EMPTY_RESPONSE", "content": {"size": -1}}
    entry = only(archive(foreign(response=response)))
    assert (entry.exchange.status, entry.problem) == (0, "net::ERR_EMPTY_RESPONSE")


def test_what_mitmproxy_has_streamed_is_unknown() -> None:
    """As mitmproxy 11 writes with `stream_large_bodies`: the request has no text, the response an empty one."""
    answer = {
        "content": {"size": 0, "text": ""},
        "headers": [{"name": "Transfer-Encoding", "value": "chunked"}],
    }
    query = foreign(request={"method": "GET", "url": f"{API}/v1/tasks/x", "postData": None}, response=answer)
    create = foreign(
        request={
            "bodySize": 0,
            "headers": [{"name": "Content-Length", "value": "313"}],
            "postData": {"mimeType": "application/json", "text": None, "params": []},
        },
        response=answer,
    )
    trace = from_har([("a.har", archive(query, create, creator="mitmproxy"))])
    assert [(entry.exchange.method, entry.size) for entry in trace.entries] == [("GET", 0)]
    assert "1 left out, without the body of the request (entry 1)" in trace.notes[0]


HUGE: list[Any] = [1e400, -1e400, float("nan"), 10**400, 10**5000, 1e300, "9" * 400, True, [1]]


@pytest.mark.parametrize("place", range(len(HUGE)))
@pytest.mark.parametrize("name", ["time", "bodySize", "size", "wait", "status"])
def test_a_huge_number_breaks_no_reader(name: str, place: int) -> None:
    value = HUGE[place]
    changes: dict[str, Any] = {
        "time": {"time": value},
        "wait": {"time": None, "timings": {"wait": value}},
        "bodySize": {"request": {"bodySize": value}},
        "size": {"response": {"content": {"size": value, "text": "{}"}}},
        "status": {"response": {"status": value}},
    }[name]
    try:
        trace = from_har([("a.har", archive(foreign(**changes)))])
    except ValueError as error:
        assert (name, "a.har: entry 0: invalid status" in str(error)) == ("status", True)  # noqa: PT017
        return
    assert 0 <= trace.entries[0].ended - trace.entries[0].began <= 10**6
    assert json.dumps(to_har(trace, "1"))


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("entry", "began", 1e400),
        ("entry", "ended", 1e300),
        ("entry", "ended", float("nan")),
        ("log", "scale", 0.0),
        ("log", "scale", float("inf")),
        ("log", "watched_until", 1e300),
    ],
)
def test_a_huge_number_in_a_file_of_ours_is_named(place: str, name: str, value: Any) -> None:
    document = to_har(whole_trace(), "1")
    where = document["log"]["entries"][1] if place == "entry" else document["log"]
    where["_evolink"][name] = value
    with pytest.raises(ValueError, match=r"own\.har: (entry 1: )?(invalid|not a HAR)"):
        from_har([("own.har", document)])


def test_what_was_sent_as_a_credential_is_removed_wherever_it_appears_again() -> None:
    session = "s3ss10n-0123456789"
    asks = foreign(request={"headers": [{"name": "X-Session-Id", "value": session}]})
    echoes = foreign(
        request={"url": f"{API}/v1/tasks/{session}", "method": "GET", "postData": None},
        response={"content": {"text": json.dumps({"message": f"who is {session}?"})}},
    )
    assert session not in str(from_har([("a.har", archive(echoes)), ("b.har", archive(asks))]))


def test_many_keys_are_removed_in_time_in_proportion_to_their_number() -> None:
    def reading(count: int) -> int:
        entries = [foreign(request=key(f"Bearer sk-proj-{number:08}")) for number in range(count)]
        return steps_of(from_har, [("a.har", archive(*entries))])

    reading(1)
    few, many = reading(50), reading(100)
    assert many <= 2.2 * few


@pytest.mark.parametrize(
    "entry",
    [
        elsewhere(),  # a file of evolink-check into which an entry of another tool was merged
        elsewhere(request={"url": None}),
        elsewhere(response={"content": {"text": 5}}),
        {},
        None,
    ],
)
def test_an_entry_of_another_host_is_left_out_of_a_file_of_evolink_check_too(entry: Any) -> None:
    document = json.loads(json.dumps(to_har(whole_trace(), "1.0")))
    count = len(document["log"]["entries"])
    document["log"]["entries"].insert(0, entry)
    trace = from_har([("own.har", document)])
    assert len(trace.entries) == count
    (note,) = trace.notes
    assert note.startswith("own.har: 1 left out, invalid and not sent to the API (entry 0: ")


def test_the_content_type_of_a_response_is_that_of_its_body_if_no_headers_were_recorded() -> None:
    trace = from_har([("a.har", archive(foreign(response={"headers": None})))])
    assert trace.entries[0].exchange.response_headers == (("content-type", "application/json"),)
