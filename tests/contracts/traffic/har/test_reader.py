"""What other tools write: keys, times, bodies, and what they leave out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.rules.exchanges.attribution import clause_of_malformed_response, is_judgeable
from evolink_check.traffic.har.archive import from_har, to_har
from evolink_check.traffic.known_keys import KEY
from evolink_check.traffic.trace import NOBODY, UNKNOWN, Account
from support.records.har_builders import API, archive, foreign, key, only, whole_trace
from support.records.trace_builders import SPEC, START, Tracing

SECRET = "s3cr3tAbcdef0123456789"


def test_each_key_gets_a_label_and_goes() -> None:
    same, other = foreign(request=key(f"Bearer {SECRET}")), foreign(request=key(f"bearer {SECRET}2"))
    trace = from_har([("a.har", archive(same, other)), ("b.har", archive(same))])
    assert sorted(entry.who for entry in trace.entries) == ["key-1", "key-1", "key-2"]
    assert SECRET not in str(trace)


def test_a_key_of_one_file_is_found_in_another() -> None:
    leaking = foreign(request={"url": f"{API}/v1/credits?key={SECRET}"})
    with_key = foreign(request=key(f"Bearer {SECRET}"))
    trace = from_har([("a.har", archive(leaking)), ("b.har", archive(with_key))])
    assert trace.entries[0].exchange.url == f"{API}/v1/credits?{KEY}"


def test_a_label_of_ours_is_not_given_to_another_key() -> None:
    ours = to_har(replace(Tracing().trace(), accounts={"key-1": Account("key-1")}), "1")
    trace = from_har([("own.har", ours), ("a.har", archive(foreign(request=key(f"Bearer {SECRET}"))))])
    assert [entry.who for entry in trace.entries] == ["key-2"]


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ({}, UNKNOWN),
        (key("[removed]"), UNKNOWN),
        (key("Bearer REDACTED"), UNKNOWN),
        (key("Bearer ********"), UNKNOWN),
        (key("Basic dXNlcjpwdw=="), NOBODY),
        (key("Bearer"), UNKNOWN),
        (key(""), UNKNOWN),
    ],
)
def test_who_asked_without_a_key_that_is_told_is_hardly_ever_known(headers: Any, who: str) -> None:
    assert only(archive(foreign(request=headers))).who == who


def test_times_are_read_in_every_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ("2025-09-06T14:42:23.500Z", "2025-09-06T16:42:23.500+02:00", "2025-09-06T14:42:23.500")
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    entries = [only(archive(foreign(startedDateTime=text))) for text in texts]
    monkeypatch.undo()
    time.tzset()
    assert [(entry.began, entry.ended) for entry in entries] == [(START + 0.5, START + 0.75)] * 3


@pytest.mark.parametrize("time", [None, -1])
def test_what_has_no_time_took_as_long_as_its_parts(time: Any) -> None:
    timings = {
        "blocked": -1,
        "connect": 20,
        "ssl": 15,
        "send": 1,
        "wait": 200.5,
        "receive": 30,
        "comment": "",
    }
    entry = only(archive(foreign(time=time, timings=timings)))
    assert entry.ended - entry.began == pytest.approx(0.2515)
    assert only(archive(foreign(time=time))).ended == START + 0.5
    assert only(archive(foreign(time=0, timings=timings))).ended == START + 0.5


def test_of_a_request_without_headers_the_type_of_the_body_is_still_told() -> None:
    def headers(**more: Any) -> Any:
        return only(archive(foreign(request=more))).exchange.request_headers

    assert headers() == (("Content-Type", "application/json"),)
    assert headers(headers=[{"name": "host", "value": "a"}]) == (("host", "a"),)
    assert headers(postData={"text": "{}"}) == ()


def test_a_body_in_base64_is_decoded() -> None:
    content = {"size": 2, "encoding": "base64", "text": "AP8="}
    entry = only(archive(foreign(response={"content": content})))
    assert (entry.exchange.response_body, entry.exact) == (b"\x00\xff", True)


@pytest.mark.parametrize(
    ("headers", "status", "who"),
    [
        (key("Bearer [removed]"), 200, "key-1"),
        (key("Bearer [removed]"), 401, "key-1"),
        (key("[removed]"), 200, "key-1"),
        (key("[removed]"), 401, NOBODY),
        ({}, 200, NOBODY),
    ],
)
def test_the_mock_tells_who_had_no_key(headers: Any, status: int, who: str) -> None:
    entry = foreign(request=headers, response={"status": status})
    assert only(archive(entry, creator="evolink-mock")).who == who


@pytest.mark.parametrize("status", [0, -1, None])
def test_no_status_is_no_answer(status: int | None) -> None:
    entry = only(archive(foreign(response={"status": status, "_error": "net::ERR_FAILED"})))
    assert (entry.exchange.status, entry.problem) == (0, "net::ERR_FAILED")


def test_the_text_of_another_tool_is_exact_only_when_it_can_be() -> None:
    assert only(archive(foreign())).exact
    for content in ({"size": 3, "text": "a\ufffd"}, {"text": "a"}, {"size": 9, "text": "long enough"}):
        assert not only(archive(foreign(response={"content": content}))).exact


@pytest.mark.parametrize(
    ("response", "size"),
    [
        ({"content": {"size": 900}}, 900),
        ({"content": {"size": -1}}, 0),
        ({"content": {}, "headers": [{"name": "content-length", "value": "77"}]}, 77),
        ({"content": None}, 0),
        ({"content": {"size": 900, "text": '{"cut'}}, 900),
        ({"content": {"size": 0}}, None),
        ({"content": {"size": 0, "text": ""}, "bodySize": 700}, 700),  # Firefox
        ({"content": {"size": -1}, "status": 204}, None),
    ],
)
def test_an_answer_that_was_not_recorded_is_no_empty_one(response: Any, size: int | None) -> None:
    entry = only(archive(foreign(response=response)))
    assert (entry.size, entry.exchange.response_body) == (size, b"")


def test_an_answer_that_was_longer_when_it_was_compressed_is_whole() -> None:
    entry = only(archive(foreign(response={"content": {"size": 24, "text": '{"a":1}'}})))
    assert (entry.size, entry.exchange.response_body, entry.exact) == (None, b'{"a":1}', False)


def test_an_answer_without_any_header_was_not_recorded_whole() -> None:
    trace = from_har([("a.har", archive(foreign(response={"headers": []})))])
    assert not trace.entries[0].exact
    (observation,) = TraceView(trace, SPEC).seen
    assert (observation.role, is_judgeable(observation), clause_of_malformed_response(observation)) == (
        "create",
        False,
        "",
    )


@pytest.mark.parametrize("size", [float("nan"), float("inf"), 1e300, -1e300, None])
def test_a_size_that_is_none_stops_no_reader(size: Any) -> None:
    strange = foreign(request={"bodySize": size}, response={"content": {"size": size, "text": "{}"}})
    assert only(archive(strange)).exchange.response_body == b"{}"


def test_a_request_in_base64_is_decoded_by_either_name() -> None:
    for name in ("encoding", "_encoding"):
        entry = only(archive(foreign(request={"postData": {"text": "eyJhIjoxfQ==", name: "base64"}})))
        assert entry.exchange.request_body == b'{"a":1}'


def test_what_other_tools_mean_by_their_own_fields_is_left_to_them() -> None:
    strange = foreign(_fromCache=False, comment=5, response={"status": 0, "_error": {"code": -2}})
    assert only(archive(strange)).problem == "no answer"
    assert from_har([("a.har", archive(foreign(_fromCache=True)))]).entries == ()


@pytest.mark.parametrize(
    "request_",
    [
        {"postData": None, "bodySize": 40},
        {"postData": None, "bodySize": -1},
        {"postData": None, "headers": [{"name": "Content-Length", "value": "40"}]},
        {"postData": {"text": '{"prompt":"x'}, "bodySize": 400},
        {"postData": {"mimeType": "application/json", "params": [{"name": "prompt", "value": "x"}]}},
        {"postData": {"text": "\x00\ufffdH#*"}},
    ],
)
def test_a_request_whose_body_was_not_recorded_is_left_out(request_: Any) -> None:
    assert from_har([("a.har", archive(foreign(request=request_)))]).entries == ()


def test_what_a_browser_had_in_its_cache_is_left_out() -> None:
    assert from_har([("a.har", archive(foreign(_fromCache="disk")))]).entries == ()


def test_a_form_is_put_together_again() -> None:
    form = {"postData": {"params": [{"name": "a", "value": "1"}, {"name": "b"}]}}
    for text in ({}, {"text": ""}, {"text": None, "mimeType": "application/x-www-form-urlencoded"}):
        entry = only(archive(foreign(request={"postData": form["postData"] | text})))
        assert (entry.exchange.request_body, entry.exact) == (b"a=1&b=", False)


def test_pseudo_headers_are_none() -> None:
    headers = [{"name": ":method", "value": "POST"}, {"name": "x", "value": "1"}]
    assert only(archive(foreign(request={"headers": headers}))).exchange.request_headers == (("x", "1"),)


def test_the_journal_of_the_mock_is_all_of_one_account() -> None:
    mine = foreign(request=key("[removed]"))
    delivered = foreign(_callback=True, request={"url": "https://hooks.example.test/c?[removed]"})
    lost = foreign(_callback=True, response={"status": 0, "_error": "refused"})
    trace = from_har(
        [(f"{name}.har", archive(mine, delivered, lost, creator="evolink-mock")) for name in "ab"]
    )
    assert trace.complete
    assert not any(entry.exact for entry in trace.entries)
    assert [(entry.kind, entry.who) for entry in trace.entries[:3]] == [
        ("exchange", "key-1"),
        *[("delivery", "server")] * 2,
    ]
    assert trace.entries[3].who == "key-2", "another journal, another key"
    assert trace.entries[2].problem == "refused"
    assert trace.entries[1].exchange.url == "https://hooks.example.test/c?removed", "which is a URI"


def test_a_recording_of_another_tool_is_not_complete() -> None:
    assert not from_har([("a.har", archive(foreign()))]).complete
    assert not from_har([("a.har", archive(foreign())), ("own.har", to_har(whole_trace(), "1"))]).complete
    assert from_har([("own.har", to_har(whole_trace(), "1"))]).complete
    assert not from_har([]).complete


@pytest.mark.parametrize(
    ("urls", "origin"),
    [
        ([f"{API}/v1/credits", "http://127.0.0.1:1/v1/tasks/x"], API),
        (["http://127.0.0.1:1/v1/tasks/x", "https://cdn.test/a.mp4"], "http://127.0.0.1:1"),
        (["https://gate.test/evolink/v1/videos/generations"], "https://gate.test/evolink"),
        (["https://cdn.test/a.mp4"], ""),
    ],
)
def test_the_base_url_is_where_the_documented_paths_are(urls: list[str], origin: str) -> None:
    entries = [foreign(request={"url": url}) for url in urls]
    assert from_har([("a.har", archive(*entries))]).origin == origin
    assert from_har([("a.har", archive(*entries))], "http://given.test").origin == "http://given.test"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "bad.har: not a HAR file: Expected `object`, got `array`"),
        ({}, "bad.har: not a HAR file: .*`log`"),
        ({"log": {"entries": 1}}, r"bad.har: not a HAR file: .*\$.log.entries"),
        (
            archive(foreign(), foreign(request={"method": None})),
            "bad.har: entry 1: not a HAR entry: .*method",
        ),
        (archive(foreign(startedDateTime="soon")), "bad.har: entry 0: invalid time: 'soon'"),
        (
            archive(foreign(startedDateTime="0001-01-01T00:00:00+23:00")),
            "bad.har: entry 0: invalid time: '0001",
        ),
        (archive(foreign(startedDateTime="\ud800")), "bad.har: entry 0: invalid time"),
        (archive(foreign(response={"status": "soon"})), "bad.har: entry 0: invalid status: 'soon'"),
        (
            archive(foreign(response={"content": {"encoding": "base64", "text": "!"}})),
            "bad.har: entry 0: invalid base64",
        ),
        (archive(foreign(), _evolink={}), "bad.har: entry 0: `_evolink` is missing"),
    ],
)
def test_a_malformed_file_is_named_with_its_entry(document: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_har([("bad.har", document)])
