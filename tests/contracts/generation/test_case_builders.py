"""Cases are labelled by what is wrong with them, and whether a task may come of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evolink_check.generation.case_builders import (
    bodyless_case,
    can_send_wrong_keys,
    create_case,
    is_plain_segment,
    query_case,
)
from evolink_check.traffic.trace import MAIN, NOBODY, WRONG
from support.mocks.in_process import BODY, CREATE, MODEL, SPEC
from support.mocks.sending import SUBJECT

OPERATION = SPEC.creates["POST", CREATE][MODEL]


def made(body: Any, **more: Any) -> Any:
    return create_case("x", OPERATION, SPEC, body, **more)


@pytest.mark.parametrize(
    ("body", "more", "creates"),
    [
        (BODY, {}, True),
        (BODY | {"model": "grok-imagine-image-to-video"}, {}, True),
        (BODY | {"image_urls": []}, {}, True),
        (BODY | {"duration": 7}, {}, False),
        (b"{", {}, False),
        (BODY, {"key": NOBODY}, False),
        (BODY, {"authorization": "Basic eA=="}, False),
        (BODY, {"key": WRONG}, True),
        (BODY | {"duration": 7}, {"key": WRONG}, False),
        (BODY, {"headers": (("Content-Type", "text/plain"),)}, False),
    ],
)
def test_a_task_may_come_of_what_is_not_surely_wrong_and_has_a_key(
    body: Any, more: dict[str, Any], *, creates: bool
) -> None:
    assert made(body, **more).creates is creates


def test_a_sure_fault_stands_before_an_open_question() -> None:
    case = made(BODY | {"image_urls": [], "duration": 7})
    assert case.clauses[:2] == ("duration.enum", "create.image-urls-empty")


def test_what_a_case_is_about_stands_first() -> None:
    assert made({}, about=("body.limit",)).clauses[:2] == ("body.limit", "create.required")


def test_refused_and_accepted_creates_speak_of_different_clauses() -> None:
    valid, faulty = set(made(BODY).clauses), set(made({}).clauses)
    assert {"create.accepts", "id.format", "usage.shape"} <= valid - faulty
    assert {"error.shape", "create.error-400"} <= faulty - valid
    assert {"wire.json", "error.no-500", "create.error-500"} <= valid & faulty


def test_only_strange_keys_speak_of_401() -> None:
    assert "create.error-401" not in made(BODY).clauses
    assert "create.error-401" in made(BODY, key=NOBODY).clauses
    assert "create.error-401" in made(BODY, key=WRONG).clauses


def test_a_whole_header_is_sent_in_nobody_s_name() -> None:
    for case in (made(BODY, authorization="Key x"), query_case("x", SPEC, "1", authorization="Key x")):
        assert (case.key, case.authorization) == (NOBODY, "Key x")
    assert made(BODY).key == query_case("x", SPEC, "1").key == MAIN


def test_a_query_asks_for_an_id_as_it_is_written() -> None:
    case = query_case("x", SPEC, "%C3%A9", "query.id-prefix")
    assert (case.method, case.path, case.body) == ("GET", "/v1/tasks/%C3%A9", b"")
    assert case.clauses[0] == "query.id-prefix"
    assert not case.creates


def test_a_plain_case_has_no_body() -> None:
    case = bodyless_case("x", "DELETE", "/x", "error.other-paths", key=NOBODY)
    assert (case.method, case.path, case.body, case.key) == ("DELETE", "/x", b"", NOBODY)


@pytest.mark.parametrize(
    ("change", "tells"),
    [({}, True), ({"any_key": True}, False), ({"cannot": frozenset({"auth.bearer"})}, False)],
)
def test_a_wrong_key_tells_only_where_keys_are_known(change: dict[str, Any], *, tells: bool) -> None:
    assert can_send_wrong_keys(replace(SUBJECT, **change)) is tells


@pytest.mark.parametrize("text", ["..", ".", "", "a/b", "a%2fb", "a%2Fb", "a%00", "a?b", "a#b", "%25", "%0a"])
def test_what_paths_are_made_of_is_no_plain_segment(text: str) -> None:
    assert not is_plain_segment(text)


@pytest.mark.parametrize("text", ["a", "task-1", "%C3%A9", "a.b", "%20"])
def test_an_id_is_a_plain_segment(text: str) -> None:
    assert is_plain_segment(text)
