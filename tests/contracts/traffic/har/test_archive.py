from __future__ import annotations

import json
import string
from dataclasses import replace

import pytest
from evolink_check import Exchange
from evolink_check.analysis.trace_view import TraceView
from evolink_check.traffic.exchange_redaction import redact_trace
from evolink_check.traffic.har.archive import from_har, to_har
from evolink_check.traffic.text_redaction import redact_url
from evolink_check.traffic.trace import NOBODY, UNKNOWN, Account, Entry, Media, Trace
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.har_builders import HOOK, SECRET, SENT_KEY, whole_trace
from support.records.trace_builders import ACCOUNTS, ID, ORIGIN, SPEC, START, Tracing, task


def again(trace: Trace) -> Trace:
    """Written to a file, and read."""
    return from_har([("own.har", json.loads(json.dumps(to_har(trace, "1.0"))))])


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
    assert again(whole_trace()) == redact_trace(whole_trace()) != whole_trace()


def test_no_secret_is_written() -> None:
    text = json.dumps(to_har(whole_trace(), "1.0"))
    assert SECRET not in text
    assert SENT_KEY not in text
    assert "Bearer [main]" in text


def test_tasks_links_and_callbacks_are_still_found_in_what_was_written() -> None:
    (story,) = TraceView(again(whole_trace()), SPEC).tasks.values()
    assert story.callback_url == redact_url(HOOK) == story.deliveries[0].entry.exchange.url
    assert len(story.links) == 1


def test_an_entry_of_the_trace_is_the_entry_of_the_file() -> None:
    entries = to_har(whole_trace(), "1.0")["log"]["entries"]
    assert [entry["request"]["url"] for entry in entries] == [
        entry.exchange.url for entry in redact_trace(whole_trace()).entries
    ]


def test_what_is_written_is_what_viewers_read() -> None:
    log = to_har(whole_trace(), "2.5")["log"]
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
    written = again(replace(trace.trace(), entries=(entry,)))
    assert written.entries == (entry,)
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
    both = [(name, to_har(trace.trace(), "1")) for name, trace in (("late.har", late), ("early.har", early))]
    merged = from_har(both)
    assert [entry.number for entry in merged.entries] == [0, 1, 2, 3]
    assert [entry.began for entry in merged.entries] == sorted(entry.began for entry in merged.entries)
    assert merged.accounts["main"] == Account("main"), "they say different things of it"
    assert merged.accounts["wrong"] == ACCOUNTS["wrong"]


def test_files_of_different_scales_are_not_one_trace() -> None:
    files = [(f"{scale}.har", to_har(Tracing(scale=scale).trace(), "1")) for scale in (1.0, 60.0)]
    with pytest.raises(ValueError, match=r"1\.0\.har, 60\.0\.har: .*scales"):
        from_har(files)
