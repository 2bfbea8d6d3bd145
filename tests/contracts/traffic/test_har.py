from __future__ import annotations

import json
import string
import time
from dataclasses import replace
from typing import Any

import pytest
from evolink_check import Exchange
from evolink_check.analysis.trace_view import TraceView
from evolink_check.rules.exchanges.attribution import charged_clause, is_judgeable
from evolink_check.traffic.har import from_har, to_har
from evolink_check.traffic.redaction import KEY, redact_trace, redact_url
from evolink_check.traffic.trace import NOBODY, UNKNOWN, Account, Entry, Media, Trace
from hypothesis import given, settings
from hypothesis import strategies as st
from support.trace_builders import ACCOUNTS, ID, ORIGIN, RESULT, SPEC, START, Tracing, completed, error, task

SECRET = "s3cr3tAbcdef0123456789"
HOOK = f"https://hooks.example.test/c/1?s={SECRET}"
API = "https://api.evolink.ai"


def again(trace: Trace) -> Trace:
    """Written to a file, and read."""
    return from_har([("own.har", json.loads(json.dumps(to_har(trace, "1.0"))))])


def lived() -> Trace:
    trace = Tracing(receiver="https://hooks.example.test/", scale=10.0)
    trace.create(body={"prompt": "x", "callback_url": HOOK}, sent=(("Authorization", f"Bearer {SECRET}"),))
    trace.query(error("unauthorized", "authentication_error"), 401, who="wrong")
    trace.query(completed(results=[f"{RESULT}?sig={SECRET}"]))
    trace.link(url=f"{RESULT}?sig={SECRET}", answer=b"\x00\xff\xfe")
    trace.delivery(completed(), status=0, url=HOOK, problem="the receiver was told not to answer")
    return trace.trace()


def archive(*entries: dict[str, Any], creator: str = "browser", **log: Any) -> dict[str, Any]:
    return {
        "log": {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": entries, **log}
    }


def foreign(**changes: Any) -> dict[str, Any]:
    """A create as another tool records it; `request` and `response` add to what is there."""
    text = json.dumps(task())
    request: dict[str, Any] = {"method": "POST", "url": f"{API}/v1/videos/generations", "headers": []}
    request |= {"postData": {"mimeType": "application/json", "text": '{"prompt":"x"}'}}
    content = {"size": len(text), "text": text, "mimeType": "application/json"}
    kind = {"name": "content-type", "value": "application/json"}
    response = {"status": 200, "headers": [kind], "content": content}
    usual = {
        "startedDateTime": "2025-09-06T14:42:23.500Z",
        "time": 250,
        "request": request,
        "response": response,
    }
    parts = {name: usual[name] | changes.pop(name, {}) for name in ("request", "response")}
    return usual | parts | changes


def key(value: str) -> dict[str, Any]:
    return {"headers": [{"name": "Authorization", "value": value}]}


def only(document: dict[str, Any]) -> Entry:
    (entry,) = from_har([("a.har", document)]).entries
    return entry


# Ours

PRINTED = st.text(string.ascii_letters + string.digits + " .:/?é", max_size=20)
HEADERS = st.lists(st.tuples(st.sampled_from(["Content-Type", "X-A", "Location"]), PRINTED), max_size=3)
TIMES = st.floats(0, 2**32, allow_nan=False)
ENTRIES = st.builds(
    Entry,
    number=st.just(0),
    exchange=st.builds(
        Exchange,
        st.sampled_from(["GET", "POST"]),
        st.sampled_from([f"{ORIGIN}/v1/tasks/{ID}", HOOK, "/v1/credits?a=1"]),
        HEADERS.map(tuple),
        st.binary(max_size=30)
        | PRINTED.map(str.encode)
        | st.builds(lambda url: json.dumps({"u": url}).encode(), PRINTED),
        st.sampled_from([0, 200, 299, 404, 599]),
        HEADERS.map(tuple),
        st.binary(max_size=30) | PRINTED.map(str.encode),
    ),
    began=TIMES,
    ended=TIMES,
    kind=st.sampled_from(["exchange", "delivery"]),
    who=st.sampled_from(["main", NOBODY, UNKNOWN, "server"]),
    exact=st.booleans(),
    problem=PRINTED,
    case=PRINTED,
    media=st.none() | st.builds(Media, TIMES, st.integers(0, 9999), st.integers(0, 9999), PRINTED, PRINTED),
)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    entries = sorted(draw(st.lists(ENTRIES, max_size=4)), key=lambda entry: entry.began)
    return Trace(
        tuple(replace(entry, number=number) for number, entry in enumerate(entries)),
        draw(st.just({}) | st.just(ACCOUNTS)),
        draw(st.just(ORIGIN)),
        draw(st.sampled_from(["", "https://hooks.example.test/"])),
        draw(TIMES),
        draw(st.sampled_from([1.0, 60.0])),
        draw(st.booleans()),
    )


@settings(deadline=None)
@given(traces())
def test_our_own_file_comes_back_as_it_was_without_its_secrets(trace: Trace) -> None:
    assert again(trace) == redact_trace(trace)


def test_a_whole_life_comes_back() -> None:
    assert again(lived()) == redact_trace(lived()) != lived()


def test_no_secret_is_written() -> None:
    text = json.dumps(to_har(lived(), "1.0"))
    assert SECRET not in text
    assert "Bearer [main]" in text


def test_tasks_links_and_callbacks_are_still_found_in_what_was_written() -> None:
    (story,) = TraceView(again(lived()), SPEC).tasks.values()
    assert story.callback_url == redact_url(HOOK) == story.deliveries[0].entry.exchange.url
    assert len(story.links) == 1


def test_an_entry_of_the_trace_is_the_entry_of_the_file() -> None:
    entries = to_har(lived(), "1.0")["log"]["entries"]
    assert [one["request"]["url"] for one in entries] == [
        one.exchange.url for one in redact_trace(lived()).entries
    ]


def test_what_is_written_is_what_viewers_read() -> None:
    log = to_har(lived(), "2.5")["log"]
    first = log["entries"][0]
    assert (log["version"], log["creator"]) == ("1.2", {"name": "evolink-check", "version": "2.5"})
    assert first["startedDateTime"] == "2025-09-06T14:42:23.000+00:00"
    assert first["time"] == pytest.approx(100)
    assert first["response"]["statusText"] == "OK"
    assert json.loads(first["response"]["content"]["text"])["id"] == ID
    assert log["entries"][3]["response"]["content"]["encoding"] == "base64"
    assert log["entries"][4]["response"]["status"] == 0


def test_a_body_that_was_too_large_is_known_by_its_length() -> None:
    trace = Tracing()
    entry = replace(trace.link(answer=b""), size=7_000_000)
    found = again(replace(trace.trace(), entries=(entry,)))
    assert found.entries == (entry,)
    content = to_har(replace(trace.trace(), entries=(entry,)), "1")["log"]["entries"][0]["response"][
        "content"
    ]
    assert (content["size"], "text" in content) == (7_000_000, False)


def test_several_files_are_one_trace_in_order_of_time() -> None:
    early, late = (
        Tracing(),
        Tracing(at=START + 1000, accounts={"main": Account("main", valid=True, credits=False)}),
    )
    for trace in (early, late):
        trace.create()
        trace.query(task())
    both = [(name, to_har(one.trace(), "1")) for name, one in (("late.har", late), ("early.har", early))]
    found = from_har(both)
    assert [entry.number for entry in found.entries] == [0, 1, 2, 3]
    assert [entry.began for entry in found.entries] == sorted(entry.began for entry in found.entries)
    assert found.accounts["main"] == Account("main"), "they say different things of it"
    assert found.accounts["wrong"] == ACCOUNTS["wrong"]


def test_files_of_different_scales_are_not_one_trace() -> None:
    files = [(f"{scale}.har", to_har(Tracing(scale=scale).trace(), "1")) for scale in (1.0, 60.0)]
    with pytest.raises(ValueError, match=r"1\.0\.har, 60\.0\.har: .*scales"):
        from_har(files)


# Others


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
        (key(""), NOBODY),
    ],
)
def test_who_asked_without_a_key_that_is_told_is_hardly_ever_known(headers: Any, who: str) -> None:
    assert only(archive(foreign(request=headers))).who == who


def test_times_are_read_in_every_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ("2025-09-06T14:42:23.500Z", "2025-09-06T16:42:23.500+02:00", "2025-09-06T14:42:23.500")
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    found = [only(archive(foreign(startedDateTime=text))) for text in texts]
    monkeypatch.undo()
    time.tzset()
    assert [(entry.began, entry.ended) for entry in found] == [(START + 0.5, START + 0.75)] * 3


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
    def asked(**more: Any) -> Any:
        return only(archive(foreign(request=more))).exchange.request_headers

    assert asked() == (("Content-Type", "application/json"),)
    assert asked(headers=[{"name": "host", "value": "a"}]) == (("host", "a"),)
    assert asked(postData={"text": "{}"}) == ()


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
    one = foreign(request=headers, response={"status": status})
    assert only(archive(one, creator="evolink-mock")).who == who


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
    (one,) = TraceView(trace, SPEC).seen
    assert (one.role, is_judgeable(one), charged_clause(one)) == ("create", False, "")


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
    ],
)
def test_a_request_whose_body_was_not_recorded_is_left_out(request_: Any) -> None:
    assert from_har([("a.har", archive(foreign(request=request_)))]).entries == ()


def test_what_a_browser_had_in_its_cache_is_left_out() -> None:
    assert from_har([("a.har", archive(foreign(_fromCache="disk")))]).entries == ()


def test_a_form_is_put_together_again() -> None:
    form = {"postData": {"params": [{"name": "a", "value": "1"}, {"name": "b"}]}}
    entry = only(archive(foreign(request=form)))
    assert (entry.exchange.request_body, entry.exact) == (b"a=1&b=", False)


def test_pseudo_headers_are_none() -> None:
    headers = [{"name": ":method", "value": "POST"}, {"name": "x", "value": "1"}]
    assert only(archive(foreign(request={"headers": headers}))).exchange.request_headers == (("x", "1"),)


def test_the_journal_of_the_mock_is_all_of_one_account() -> None:
    mine = foreign(request=key("[removed]"))
    told = foreign(_callback=True, request={"url": "https://hooks.example.test/c?[removed]"})
    lost = foreign(_callback=True, response={"status": 0, "_error": "refused"})
    trace = from_har([(f"{name}.har", archive(mine, told, lost, creator="evolink-mock")) for name in "ab"])
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
    assert not from_har([("a.har", archive(foreign())), ("own.har", to_har(lived(), "1"))]).complete
    assert from_har([("own.har", to_har(lived(), "1"))]).complete
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
        ([], "bad.har: no HAR: Expected `object`, got `array`"),
        ({}, "bad.har: no HAR: .*`log`"),
        ({"log": {"entries": 1}}, r"bad.har: no HAR: .*\$.log.entries"),
        (archive(foreign(), {}), "bad.har: entry 1: no HAR: .*`request`"),
        (archive(foreign(startedDateTime="soon")), "bad.har: entry 0: 'soon' is no time"),
        (archive(foreign(startedDateTime="0001-01-01T00:00:00+23:00")), "bad.har: entry 0: .* is no time"),
        (archive(foreign(time="\ud800")), "bad.har: entry 0: no HAR"),
        (
            archive(foreign(response={"content": {"encoding": "base64", "text": "!"}})),
            "bad.har: entry 0: .*base64",
        ),
        (archive(foreign(), _evolink={}), "bad.har: entry 0: has no `_evolink`"),
    ],
)
def test_a_malformed_file_is_named_with_its_entry(document: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_har([("bad.har", document)])
