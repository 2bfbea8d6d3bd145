"""The example clients keep the contract: what they ask for, what they say, and how they end."""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import httpx2
import pytest
from evolink_mock import MockServer
from hypothesis import given
from hypothesis import strategies as st
from support.example_clients import COMMANDS, POLLING, command, drive, ended, started, surroundings
from support.mocks.mock_process import free_port
from support.paths import EXAMPLE_CLIENTS
from support.real_time import NEEDS_A_QUIET_MACHINE

sys.path.append(str(EXAMPLE_CLIENTS))

import evolink  # what the clients find beside them
import with_callback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from evolink_mock.testing.account import Operation
    from evolink_mock.testing.models import JournalEntry
    from support.example_clients import Run

AGAIN = "out of time: task-unified-.* ask for it later"
SAVED, REFUSED, USAGE, GAVE_UP = range(4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from(["id", "status", "results", "error", "progress", "else"]), JSON)
BODIES = FIELDS | st.builds(lambda body: {**body, "status": "completed"}, FIELDS)
STATUSES = st.sampled_from([-1, 0, 200, 202, 302, 400, 402, 404, 429, 500, 502, 503])


@dataclass(frozen=True, slots=True)
class Case:
    """Recipes that stand, options of the client; what it then asks for and says, as regular expressions."""

    recipes: Mapping[Operation, str]
    asked: str
    said: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with MockServer(duration="100ms", seed=1) as mock:
        yield mock


def keyed(request: JournalEntry) -> bool:
    """Whether it had a key in its header."""
    return "authorization" in {name for name, _ in request.request.headers}


def judged(run: Run, status: int, asked: str, said: str = "") -> None:
    """A run ended so, having asked for nothing but this, and kept the contract; files are there when it was saved."""
    assert (run.name, run.status) == (run.name, status), run.said
    assert re.fullmatch(asked, run.asked), (run.name, run.asked, run.said)
    assert re.search(said, run.said), (run.name, run.said)
    run.account.check()
    assert [text for one in run.account.requests for text in one.violations] == []  # no warning either
    assert all(keyed(one) != one.path.startswith("/media/") for one in run.account.requests)
    assert run.account.token not in run.said
    assert all(gap >= 1 for gap in run.gaps()), (run.name, run.gaps())
    assert not any(run.video.parent.glob(f"{run.name}*.part"))
    assert run.video.exists() == (status == SAVED)
    if status == SAVED:
        with av.open(str(run.video)) as video:
            assert next(video.decode(video=0)).height == 480


@pytest.mark.parametrize(
    "case",
    [
        Case(
            {"create": "429, 500, shape=full", "query": "shape=extra", "media": "drop, ok"},
            "P429 P500 P200( G200)+ M0 M200",
        ),
        Case(
            {"create": "shape=extra", "query": "429, cut, 502, status=archived, ok"},
            "P200 G429 G200 G502 G200( G200)+ M200",
        ),
    ],
    ids=lambda case: str(case.recipes),
)
@NEEDS_A_QUIET_MACHINE
def test_a_client_saves_its_video_in_spite_of(case: Case, mock: MockServer, tmp_path: Path) -> None:
    for run in drive(mock, tmp_path, case.recipes, deadline="14"):
        judged(run, SAVED, case.asked)
        assert max(run.gaps()[-1:], default=0) < 3, run.name  # what is over does not slow it down


@pytest.mark.parametrize(
    "case",
    [
        Case({"create": "402"}, "P402", "insufficient_quota"),
        Case({"create": "500"}, "P500 P500 P500", "internal_error"),
        Case({"query": "404"}, "P200 G404", "task_not_found"),
        Case({"create": "fail=content_policy_violation@40"}, "P200( G200)+", "content_policy_violation"),
    ],
    ids=lambda case: str(case.recipes),
)
@NEEDS_A_QUIET_MACHINE
def test_a_client_names_the_documented_code_of(case: Case, mock: MockServer, tmp_path: Path) -> None:
    for run in drive(mock, tmp_path, case.recipes):
        judged(run, REFUSED, case.asked, rf"evolink: {case.said}: \w+")


@pytest.mark.parametrize("recipe", ["drop", "cut", "502", "type=text/html"])
@NEEDS_A_QUIET_MACHINE
def test_a_create_without_a_readable_answer_is_not_repeated(
    recipe: str, mock: MockServer, tmp_path: Path
) -> None:
    for run in drive(mock, tmp_path, {"create": recipe}, COMMANDS):
        judged(run, GAVE_UP, r"P\d+", "there may be a task")


@pytest.mark.parametrize(
    "case",
    [
        Case(
            {"query": "status=archived, shape=minimal, 503*9"},
            "P200 G200 G200( G503){0,2}",
            AGAIN,
            {"deadline": "4"},
        ),
        Case({"create": "rate=1/day"}, "P200 G429", AGAIN),
        Case({"create": "link=expired"}, "P200( G200)+ M410", r"no longer works \(status 410\)"),
        Case({"create": "link=truncated"}, "P200( G200)+ M200 M200 M200", "24 hours it is at http://127"),
    ],
    ids=lambda case: str(case.recipes),
)
@NEEDS_A_QUIET_MACHINE
def test_a_client_gives_up_and_says_what_is_left_to_do(case: Case, mock: MockServer, tmp_path: Path) -> None:
    for run in drive(mock, tmp_path, case.recipes, **case.more):
        judged(run, GAVE_UP, case.asked, case.said)


def test_a_create_answered_with_anything_that_the_schema_allows_ends_clearly(
    mock: MockServer, tmp_path: Path
) -> None:
    for run in drive(mock, tmp_path, {"create": "shape=any"}, deadline="3"):
        assert run.status in {REFUSED, GAVE_UP}
        assert run.said.startswith("evolink: ")


@pytest.mark.parametrize(
    ("base_url", "key", "interval", "said"),
    [
        ("https://127.0.0.1:9", "", "1", "EVOLINK_API_KEY is not set"),
        ("http://api.example.com", "key", "1", "has to be https"),
        ("https://127.0.0.1:9", "key", "0", "--interval"),
    ],
)
def test_bad_usage_is_told_before_anything_is_sent(
    base_url: str, key: str, interval: str, said: str, tmp_path: Path
) -> None:
    env = surroundings(base_url, key)
    running = [started(command(name, tmp_path / name, interval=interval), env) for name in COMMANDS]
    for status, text in map(ended, running):
        assert (status, said in text) == (USAGE, True), text


def test_an_api_that_cannot_be_reached_has_created_nothing(tmp_path: Path) -> None:
    env = surroundings(f"http://127.0.0.1:{free_port()}", "key")
    running = [started(command(name, tmp_path / name, deadline="2"), env) for name in POLLING]
    for status, text in map(ended, running):
        assert (status, "no task was created" in text) == (GAVE_UP, True), text


@pytest.mark.parametrize(
    ("recipe", "asked"),
    [
        ("slow=600ms", "P200 G200 M200"),  # called, then asked once
        ("callback=twice", "P200 G200 M200"),
        ("callback=early+slow=700ms", "P200 G200 G200 M200"),  # what is called too early is not believed
        ("callback=never", "P200 G200 M200"),  # asked without a call
    ],
)
def test_a_called_client_makes_sure_with_a_query(
    recipe: str, asked: str, mock: MockServer, tmp_path: Path
) -> None:
    (run,) = drive(mock, tmp_path, {"create": recipe}, ["with_callback"], deadline="3")
    judged(run, SAVED, asked)
    *_, query, _ = (request.at for request in run.account.requests)
    calls = [call.attempts[0] for call in run.account.callbacks]
    if recipe == "callback=never":
        assert calls == []
    else:
        assert [(call.status, call.at < query) for call in calls] == [(204, True)]


def test_every_call_is_answered_at_once_and_only_the_id_of_a_task_is_a_reason_to_ask() -> None:
    port = free_port()
    with with_callback.listening(("127.0.0.1", port)) as calls:
        bodies = [b"[1]", b"{", b"", b'{"id":7}', b'{"id":"a"}', b'{"id":"a"}']
        assert [httpx2.post(f"http://127.0.0.1:{port}/x", content=raw).status_code for raw in bodies] == [
            204
        ] * 6
        calls.wait_for("a", 10)
        began = time.monotonic()
        calls.wait_for("b", 0.01)
        assert time.monotonic() - began >= 0.01


def meanings(answer: evolink.Answer) -> Iterator[str | None]:
    """What an answer to a create, and one to a query, is taken for; nothing of one that is a clear end."""
    with suppress(evolink.RefusedError, evolink.GaveUpError):
        yield evolink.task_id_of(answer, evolink.RETRIES)
    with suppress(evolink.RefusedError, evolink.GaveUpError):
        yield evolink.result_link(answer)


@given(STATUSES, BODIES)
def test_an_answer_is_an_id_or_a_link_or_nothing_yet_or_a_clear_end(
    status: int, body: dict[str, Any]
) -> None:
    for found in meanings(evolink.Answer(status, body)):
        assert found is None or (isinstance(found, str) and found and 200 <= status < 300)


@given(st.integers(1, 5), st.floats(1, 10))
def test_each_failure_is_followed_by_a_longer_wait(failures: int, interval: float) -> None:
    waits = [evolink.next_wait(evolink.LOST, count, interval) for count in range(failures + 1)]
    assert waits[0] == interval
    assert all(after > before for before, after in pairwise(waits))


def test_retry_after_is_seconds_or_a_date_and_never_less_than_a_second() -> None:
    assert [evolink.parse_retry_after(value) for value in ("7", "0", "", "soon", "²", "-3")] == [
        7,
        1,
        5,
        5,
        5,
        5,
    ]
    assert 58 <= evolink.parse_retry_after(formatdate(time.time() + 60, usegmt=True)) <= 60


@pytest.mark.parametrize(
    "url", ["http://cdn.example.com/a", "ftp://localhost/a", "https://", "https://[", "file:///a", None, 7]
)
def test_only_https_or_this_machine_is_safe(url: Any) -> None:
    assert not evolink.is_safe(url)
    assert evolink.is_safe("https://cdn.example.com/a")
    assert evolink.is_safe("http://[::1]:80/a")
