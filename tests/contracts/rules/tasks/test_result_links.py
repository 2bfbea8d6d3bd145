"""Result links: how long they work, for whom, and whether what is behind them is what was asked for."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from evolink_check.rules import rules_of
from evolink_check.rules.tasks import result_files, result_links
from evolink_check.traffic.trace import NOBODY, Media
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.trace_builders import BODY, RESULT, Tracing, completed, error, failed, processing, task

DAY = 24 * 3600.0
GONE = error("gone", "invalid_request_error")
PAGE = (("Content-Type", "text/html; charset=utf-8"),)
MEDIA = Media(6.0, 854, 480, "h264")


def ended(asked: dict[str, Any] | None = None, *, result: str = RESULT, **more: Any) -> Tracing:
    """A task that was followed to its end."""
    trace = Tracing(**more)
    trace.create(body=BODY | (asked or {}))
    trace.query(processing())
    trace.query(completed(results=[result]))
    return trace


def fetched(asked: dict[str, Any] | None = None, status: int = 200, **more: Any) -> Tracing:
    trace = ended(asked)
    trace.link(status, **{"who": NOBODY} | more)
    return trace


def media(seconds: float = 6.0, width: int = 854, height: int = 480, problem: str = "") -> Media:
    return Media(seconds, width, height, "h264", problem)


ASKED = {"duration": 10, "quality": "720p"}
VIOLATIONS: list[tuple[str, Tracing]] = [
    ("link.24h", fetched(status=404)),
    ("link.24h", fetched(status=410, media=None)),
    ("link.24h", fetched(status=403)),
    ("link.24h", fetched(status=502)),
    ("link.no-key", fetched(status=401)),
    ("link.expired", fetched(after=DAY + 120)),
    ("link.content-type", fetched(headers=PAGE)),
    ("link.content-type", fetched(headers=(("Content-Type", "application/octet-stream"),))),
    ("link.content-type", fetched(headers=(("Content-Length", "5"),))),
    ("link.content-type", fetched(media=media(problem="Invalid data found"))),
    ("link.content-type", fetched(headers=PAGE, media=media(problem="Invalid data found"))),
    ("result.duration", fetched(ASKED, media=media(6.0, 1280, 720))),
    ("result.quality", fetched(ASKED, media=media(10.0))),
    ("create.defaults", fetched(media=media(10.0))),
    ("create.defaults", fetched(media=media(6.0, 1280, 720))),
    ("result.quality", fetched({"quality": "480p"}, media=media(6.0, 720, 1280))),
    ("create.defaults", fetched({"quality": "720p"}, media=media(10.0, 1280, 720))),
    ("result.quality", fetched({"quality": "480p"}, media=media(6.0, 480, 270))),
]


@pytest.mark.parametrize(("clause", "trace"), VIOLATIONS)
def test_what_is_wrong_with_a_link_is_told_by_one_clause(clause: str, trace: Tracing) -> None:
    assert trace.accused().keys() == {clause}


@pytest.mark.parametrize(
    "trace",
    [
        fetched(),
        fetched(status=206, media=media(problem="moov atom not found")),
        fetched(media=None),
        fetched(status=416),
        fetched(status=429),
        fetched(status=302, media=None),
        fetched(status=400, who="main"),
        fetched(status=403, who="main"),
        fetched(status=404, who="unknown"),
        fetched(status=410, after=DAY + 120),
        fetched(status=410, after=DAY),
        fetched(headers=(("content-type", "Video/MP4; codecs=avc1"),)),
        fetched(headers=()),
        fetched(media=media(6.4, 848, 464)),
        fetched({"quality": "720p"}, media=media(5.6, 720, 1280)),
        fetched({"duration": 10.0}, media=media(10.04)),
    ],
)
def test_a_link_that_is_in_order_or_tells_nothing_accuses_nobody(trace: Tracing) -> None:
    assert trace.accused() == {}


def test_a_link_in_order_keeps_every_clause_of_links() -> None:
    trace = fetched(ASKED, media=media(10.0, 1280, 720))
    trace.link(404, after=DAY + 120, who=NOBODY)
    assert trace.accused() == {}
    assert set(rules_of(result_files, result_links)) - {"create.defaults"} <= trace.passed().keys()
    assert "create.defaults" in fetched().passed()
    assert "result.duration" not in fetched().passed()


def test_nothing_is_said_of_links_that_nobody_fetched() -> None:
    assert passed_by(ended()) == {"link.extension"}
    failing = Tracing()
    failing.create()
    failing.query(failed())
    failing.link(404, who=NOBODY)
    assert passed_by(failing) == set()


def passed_by(trace: Tracing) -> set[str]:
    assert trace.accused() == {}
    return {clause for clause in trace.passed() if clause in rules_of(result_files, result_links)}


@pytest.mark.parametrize("status", [302, 304, 401, 405, 416, 429, 503])
def test_what_is_no_refusal_of_the_link_does_not_show_that_it_is_dead(status: int) -> None:
    assert "link.expired" not in passed_by(fetched(status=status, after=DAY + 120))


def test_a_403_speaks_of_a_key_where_the_link_works_with_one() -> None:
    trace = fetched(status=403)
    trace.link(200, who="main")
    assert trace.accused().keys() == {"link.no-key"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_link_that_has_expired_may_be_refused_in_any_way(status: int) -> None:
    trace = fetched(who="main")
    trace.link(status, who=NOBODY, after=DAY + 120)
    assert trace.accused() == {}


def test_a_500_that_passes_is_not_told() -> None:
    trace = fetched(status=503)
    trace.link(200, who=NOBODY)
    assert trace.accused() == {}


def test_a_500_that_does_not_pass_is_told() -> None:
    trace = fetched()
    trace.link(503, who=NOBODY)
    assert trace.accused().keys() == {"link.24h"}


def test_a_store_may_refuse_head() -> None:
    trace = ended()
    trace.exchange("HEAD", RESULT, 403, who=NOBODY)
    assert trace.accused() == {}


def test_the_day_begins_when_the_task_may_have_ended() -> None:
    trace = Tracing()
    trace.create()
    trace.query(completed(), after=20 * 3600)
    trace.link(410, who=NOBODY, after=5 * 3600)
    assert trace.accused() == {}, "it may have ended just after the create"
    trace.link(200, who=NOBODY, after=18 * 3600)
    assert trace.accused() == {}, "it may have ended just before the query"
    trace.link(200, who=NOBODY, after=3600 * 2)
    assert trace.accused().keys() == {"link.expired"}


def test_a_day_is_one_of_the_server() -> None:
    trace = ended(scale=3600.0)
    trace.link(200, who=NOBODY, after=20.0)
    assert trace.accused() == {}
    trace.link(200, who=NOBODY, after=6.0)
    assert trace.accused().keys() == {"link.expired"}


@pytest.mark.parametrize(
    "end", ["", "/", ".", "/view?file=a.mp4", ".mp4/", ".html", ".mp4.part-7", ".0", "?.mp4"]
)
def test_a_link_without_an_extension_is_told(end: str) -> None:
    trace = ended(result=f"https://media.example.test/a{end}")
    assert trace.accused().keys() == {"link.extension"}


@pytest.mark.parametrize("end", [".mp4", ".MP4", ".mp4?signature=a.b&c", ".webm", ".mov#t=1"])
def test_any_extension_of_a_video_will_do(end: str) -> None:
    assert ended(result=f"https://media.example.test/a{end}").accused() == {}


def test_links_that_appear_after_the_end_are_not_told_again() -> None:
    trace, moved = ended(), RESULT.replace(".mp4", "-1.mp4")
    trace.query(completed(results=[moved]))
    trace.link(404, url=moved, who=NOBODY)
    assert trace.accused().keys() == {"task.final"}


def test_two_tasks_with_one_link_are_each_held_against_what_was_asked() -> None:
    trace, other = ended(), "task-unified-1757169743-00000000"
    trace.create(task(id=other), body=BODY | {"duration": 10})
    trace.query(completed(id=other), id_=other)
    trace.link(200, who=NOBODY)
    assert trace.accused().keys() == {"result.duration"}


@settings(deadline=None, max_examples=50)
@given(age=st.floats(0, 4 * DAY), status=st.sampled_from([200, 404, 410]))
def test_a_correct_link_is_accused_at_no_age(age: float, status: int) -> None:
    right = 200 if age < DAY else status
    trace = ended()
    trace.link(right, who=NOBODY, after=age)
    found = [*trace.findings(result_links.works_24h), *trace.findings(result_links.expired)]
    assert all(one.passed for one in found) or (right == 200 and age >= DAY)


def test_nothing_secret_of_a_link_is_shown() -> None:
    trace = ended(result="https://media.example.test/a?signature=secret")
    assert not any("secret" in seen for seen in trace.accused().values())


def test_ten_thousand_fetches_of_a_task_that_was_queried_as_often_are_judged_in_a_moment() -> None:
    trace = Tracing()
    trace.create()
    for _ in range(10_000):
        trace.query(completed())
    for _ in range(10_000):
        trace.link(404, who=NOBODY)
    reading = trace.reading()
    assert len(list(result_links.fetches(reading))) == 10_000
    began = process_time()
    found = [len(list(rule(reading))) for rule in rules_of(result_files, result_links).values()]
    assert process_time() - began < 5.0
    assert max(found) == 10_000


def test_a_link_that_only_a_grammar_takes_for_one_stops_no_rule() -> None:
    assert ended(result="https://[V1.x]/a.mp4").accused().keys() <= {"link.extension"}
