from __future__ import annotations

import io
import json
import shlex
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from evolink_check.analysis.verdicts import violation
from evolink_check.reports import curl, terminal
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from support.records.report_builders import SECRET, full, lived, planted, report, verdicts
from support.records.trace_builders import Tracing

if TYPE_CHECKING:
    from evolink_check.reports.evidence import Excerpt
    from evolink_check.reports.model import Report


def printed(one: Report, *, verbose: bool = False) -> str:
    file = io.StringIO()
    terminal.show(one, file, verbose=verbose)
    return file.getvalue()


def row(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(start))


def excerpt(one: Report, place: int = 0) -> Excerpt:
    found = one.evidence.excerpt(place % len(one.evidence))
    assert found is not None
    return found


def curl_of(trace: Tracing, place: int = -1) -> list[str]:
    """The words of the command, as a shell has them."""
    one = report(trace)
    return shlex.split(curl.curl(one, excerpt(one, place)), comments=True)


def test_failures_come_first_then_notes_and_the_counts_last() -> None:
    text = printed(report())
    places = [
        text.index(word)
        for word in ("failed          create.answers-200", "failed          task.progress", "warning ")
    ]
    assert places == sorted(places)
    assert text.rstrip().endswith("4 passed, 4 failed (1 known), 1 warning, 112 not observed")


def test_that_a_run_was_cut_short_stands_beside_the_counts() -> None:
    text = printed(report(cut_short="cut short: stopped"))
    assert text.rstrip().endswith("112 not observed (cut short: stopped)")


def test_a_failure_says_where_it_stands_what_was_expected_and_seen_and_what_repeats_it() -> None:
    text = printed(
        report(judged=verdicts(create__answers_200=(violation(0, expected="200 it is", seen="201 it was"),)))
    )
    clause = next(one.clause for one in full() if one.clause.id == "create.answers-200")
    assert clause.rule in text
    assert row(text, "source").endswith(f"{clause.document}#{clause.pointer}")
    assert row(text, "expected").endswith("200 it is")
    assert "201 it was  (entry 0)" in row(text, "seen")
    assert row(text, "request").split()[1] == "curl"
    assert row(text, "repeat").endswith("--seed 7 --clause create.answers-200")


def test_violations_that_read_alike_are_one() -> None:
    text = printed(report())
    assert "progress 0  (2 times, first in entries 2, 4)" in text
    many = tuple(violation(0, expected="x", seen=f"kind {number}") for number in range(9))
    assert "6 of other kinds (--verbose)" in printed(report(judged=verdicts(wire__json=many)))
    every = printed(report(judged=verdicts(wire__json=many)), verbose=True)
    assert all(f"kind {number}" in every for number in range(9))


def test_a_known_deviation_is_a_line_and_no_more() -> None:
    text = printed(report())
    assert row(text, "failed (known)")
    assert "--clause error.shape" not in text


def test_verbose_shows_every_clause() -> None:
    assert "task.final" not in printed(report())
    text = printed(report(), verbose=True)
    assert all(f"{one.clause.id}: " in text for one in full())


def test_verbose_says_what_would_have_been_needed() -> None:
    lines = printed(report(), verbose=True).splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith("not observed    link.expired"))
    clause = next(one.clause for one in full() if one.clause.id == "link.expired")
    assert lines[at + 1 : at + 3] == [
        f"  needs     {report().conditions.needs(clause)}",
        f"  shown by  {clause.observed.by}",
    ]


def test_what_was_documented_and_never_seen_is_listed() -> None:
    text = printed(report())
    create = row(text, "documented, never seen: POST")
    assert "402" in create
    assert "400" not in create.partition("generations")[2], "which was seen"


def test_tasks_credits_and_notes_are_told() -> None:
    text = printed(report())
    assert "17 exchanges, 2 tasks created, 10 of 20 credits spent, 12.3 s" in text
    assert "note: no other key was given" in text


def test_of_a_recording_nobody_counted_the_credits() -> None:
    text = printed(report(kind="recording", budget=None, spent=0.0))
    assert "17 exchanges, 2 tasks created, 12.3 s" in text


def test_a_pipe_gets_plain_lines() -> None:
    text = printed(report(), verbose=True)
    assert "\x1b" not in text
    assert text.isascii() or not set(text) & set("│┃━─╭")
    assert max(map(len, text.splitlines())) > 120, "nothing is wrapped"


def test_a_terminal_gets_colours() -> None:
    file = io.StringIO()
    terminal.render(report(), Console(file=file, force_terminal=True, color_system="standard", width=60))
    assert "\x1b[1;31mfailed" in file.getvalue()


def test_nothing_from_a_server_moves_the_cursor() -> None:
    text = printed(planted(), verbose=True)
    assert not {char for char in text if not char.isprintable()} - {"\n"}
    assert "\\x1b[31m" in text


@settings(max_examples=20, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9]{12,40}[0-9]", fullmatch=True))
def test_no_secret_is_shown(secret: str) -> None:
    assert secret not in printed(planted(secret, "oh"), verbose=True)


def test_a_run_that_is_kept_says_so() -> None:
    text = printed(
        report(judged=tuple(replace(one, status="passed", violations=(), known=False) for one in full()))
    )
    assert text.rstrip().endswith("0 failed, 0 warnings, 0 not observed")
    assert "repeat" not in text


# The command of an exchange


def test_the_command_carries_the_request_and_a_variable_for_the_key() -> None:
    trace = Tracing()
    trace.create(
        body={"prompt": "it's"}, sent=(("X-Odd", "a b"), ("Content-Type", "application/json"), ("Host", "h"))
    )
    words = curl_of(trace)
    assert words[:5] == ["curl", "-sS", "-i", "https://api.example.test/v1/videos/generations", "-H"]
    assert words[5] == "Authorization: Bearer $EVOLINK_API_KEY"
    assert words[6:] == [
        *("-H", "X-Odd: a b", "-H", "Content-Type: application/json"),
        *("--data-raw", '{"prompt":"it\'s"}'),
    ]
    one = report(trace)
    assert '"Authorization: Bearer $EVOLINK_API_KEY"' in curl.curl(one, excerpt(one))


@pytest.mark.parametrize(
    ("who", "header"),
    [
        ("main", "Bearer $EVOLINK_API_KEY"),
        ("other", "Bearer $EVOLINK_OTHER_API_KEY"),
        ("wrong", "Bearer a-key-that-nobody-has"),
        ("nobody", None),
    ],
)
def test_the_command_asks_as_who_asked(who: str, header: str | None) -> None:
    trace = Tracing()
    trace.query({}, who=who)
    found = [word for word in curl_of(trace) if word.startswith("Authorization")]
    assert found == ([f"Authorization: {header}"] if header else [])


def test_methods_are_said_where_they_are_not_implied() -> None:
    trace = Tracing()
    trace.exchange("DELETE", "/v1/x", 405)
    trace.exchange("GET", "/v1/x", 400, asked=b"{}")
    trace.exchange("HEAD", "/v1/x", 200)
    trace.exchange("POST", "/v1/x", 400)
    assert ["-X" in curl_of(trace, place) for place in range(4)] == [True, True, False, True]
    assert "--head" in curl_of(trace, 2)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/tasks/{x}", ["--globoff"]),
        ("/v1/tasks/[1-9]", ["--globoff"]),
        ("/v1/../v1/tasks", ["--path-as-is"]),
        ("/v1/tasks/%2E%2e", ["--path-as-is"]),
        ("/v1/tasks/a..b", []),
    ],
)
def test_a_path_is_sent_as_it_was(path: str, words: list[str]) -> None:
    trace = Tracing()
    trace.exchange("GET", path, 404)
    assert [word for word in curl_of(trace) if word.startswith("--")] == words


def test_a_header_without_a_value_is_sent_too_and_none_that_was_not() -> None:
    trace = Tracing()
    trace.create(sent=(("X-Empty", ""), ("X-Twice", "a"), ("X-Twice", "b")))
    words = curl_of(trace)
    assert [word for word in words if word.startswith(("X-", "Content"))] == [
        *("X-Empty;", "X-Twice: a", "X-Twice: b", "Content-Type:")
    ]


def test_a_long_body_is_cut_and_says_where_it_is_whole() -> None:
    trace = Tracing()
    trace.create(body={"prompt": "x" * 5000})
    one = report(trace, har="all.har")
    found = curl.curl(one, excerpt(one))
    assert len(found) < 1200
    assert found.endswith("# the body was cut: log.entries[0] of all.har")


def test_a_delivery_is_told_in_words() -> None:
    trace = lived()
    one = report(trace)
    assert curl.curl(one, excerpt(one, 6)).startswith("# the server called POST https://")
    assert curl.curl(one, excerpt(one, 6)).endswith("answered 500")
    assert curl.curl(one, excerpt(one, 7)).endswith("without an answer")
    assert SECRET not in curl.curl(one, excerpt(one, 6))


@pytest.mark.parametrize("text", ["it's", "a\x1b[31mb\n'\\é\t", "$HOME `id`", "", "ünï", "\u202e", "!x"])
def test_a_shell_reads_what_was_sent(text: str) -> None:
    done = subprocess.run(["bash", "-c", f"printf %s {curl.quoted(text)}"], capture_output=True, check=True)
    assert done.stdout.decode() == text
    assert curl.quoted(text).isprintable()


def test_a_request_of_a_browser_is_found_by_its_path() -> None:
    trace = Tracing()
    trace.query({}, who="unknown")
    relative = replace(trace.entries[0].exchange, url="/v1/tasks/x")
    trace.entries[0] = replace(trace.entries[0], exchange=relative)
    assert "https://api.example.test/v1/tasks/x" in curl_of(trace)


def test_json_in_a_command_stays_json() -> None:
    trace = Tracing()
    trace.create()
    assert json.loads(curl_of(trace)[-1])["prompt"] == "A dance"
