"""Ends of clients in which the output, the saved file or another task decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from contracts.client.verdicts.test_outcome_rules import (
    CLAUSES,
    DONE,
    KNOWN,
    PLAIN,
    TRACEBACK,
    WHOLE,
    against,
    asked,
    ended,
    refused,
    words,
)
from evolink_check.client.harness.outcome import SavedFile
from evolink_check.client.verdicts.verdicts import verdicts_of
from support.records.trace_builders import BODY, ID, SPEC, Tracing, completed, error, failed, processing, task

if TYPE_CHECKING:
    from evolink_check.client.harness.scenario import Scenario

SECOND = ID[:-1] + "x"


def fetched(size: int, *, saved: SavedFile | None, **outcome: Any) -> dict[str, str]:
    found = asked(completed(), fetched=200)
    entry = found.entries[-1]
    headers = (("Content-Type", "video/mp4"), ("Content-Length", str(size)))
    found.entries[-1] = replace(entry, exchange=replace(entry.exchange, response_headers=headers))
    return words(found, ended(found, "success", saved=saved, **outcome))


@pytest.mark.parametrize(
    ("saved", "status"),
    [
        (SavedFile(500, whole=False), "failed"),
        (SavedFile(0, whole=False, media=False), "failed"),
        (SavedFile(1000, whole=False, media=False), "failed"),
        (SavedFile(1000, whole=False), "warning"),
        (WHOLE, "passed"),
    ],
)
def test_a_short_file_or_a_page_is_a_failure_and_a_broken_video_a_warning(
    saved: SavedFile, status: str
) -> None:
    assert fetched(1000, saved=saved)["client.checks-result"] == status


def test_a_success_without_the_file_that_the_command_names_is_told() -> None:
    judged = fetched(1000, saved=None, asked_to_save=True)
    assert judged["client.checks-result"] == "failed"
    assert fetched(1000, saved=None, asked_to_save=True, wrote=True)["client.checks-result"] == "passed"
    assert fetched(1000, saved=None)["client.checks-result"] == "passed"


@pytest.mark.parametrize("results", [None, []])
def test_a_success_without_a_result_is_told(results: list[str] | None) -> None:
    found = asked(completed(results=results))
    assert against(found, ended(found, "success")) == {"client.checks-result"}
    assert against(found, ended(found, errors="the task has no result")) == set()


def test_a_secret_in_the_output_is_told_besides_any_other_end() -> None:
    leaks = ("the key in stderr",)
    assert against(DONE, ended(DONE, "success", saved=WHOLE, leaks=leaks)) == {"auth.not-printed"}
    liar = asked(failed())
    assert against(liar, ended(liar, "success", leaks=leaks)) == {
        "auth.not-printed",
        "client.failed-is-failure",
    }


def test_silence_on_a_failure_is_told_unless_a_code_is_missed_already() -> None:
    lost = asked(0, 0)
    assert against(lost, ended(lost)) == {"client.explains-failure"}
    assert against(lost, ended(lost, errors="gave up")) == set()
    assert against(refused(), ended(refused())) == {"client.tells-code"}


@pytest.mark.parametrize(
    "trace",
    [
        TRACEBACK,
        'Exception in thread "main" java.lang.NullPointerException\n\tat com.acme.Main.run(Main.java:12)\n',
        "client.rb:12:in `fetch': key not found: \"id\" (KeyError)\n\tfrom client.rb:20:in `<main>'\n",
        "PHP Fatal error:  Uncaught TypeError: x in /app/client.php:3\n",
    ],
)
def test_a_stack_trace_in_stdout_is_a_crash_unless_stderr_has_a_message(trace: str) -> None:
    found = asked(processing())
    crashed = replace(ended(found), output=trace)
    assert against(found, crashed) == {"client.no-crash"}
    assert "client.no-crash" not in against(found, replace(crashed, errors="gave up: lost\n"))


def test_a_crash_is_told_with_the_fields_that_the_response_lacked() -> None:
    scenario: Scenario = KNOWN["create-without-id"]
    found = refused(200, task(id=None))
    verdicts = verdicts_of(found.trace(), ended(found, errors=TRACEBACK), scenario, CLAUSES, SPEC)
    (crash,) = next(one for one in verdicts if one.clause.id == "client.no-crash").violations
    assert crash.seen == "a traceback: KeyError: 'id' (without id in the response to the create request)"


def test_many_connections_within_a_second_while_they_are_refused_are_a_flood() -> None:
    for attempts, clauses in (((0, 10, 5), set[str]()), ((0, 11), {"client.backs-off"})):
        found = Tracing()
        outcome = replace(ended(found, errors="gave up"), attempts=attempts)
        assert against(found, outcome, KNOWN["refused"]) == clauses


def test_a_query_of_another_task_is_no_repetition() -> None:
    found = Tracing()
    found.create()
    found.query(b"", 503, after=2.0)
    found.create(task(id=SECOND), body=BODY | {"prompt": "another"})
    found.query(processing(id=SECOND), id_=SECOND, after=2.0)
    found.query(b"", 503, id_=SECOND, after=2.0)
    assert "client.asks-again" in against(found, ended(found, errors="gave up"))


def test_a_run_that_was_killed_before_the_deadline_shows_nothing_about_it() -> None:
    found = asked(processing())
    assert against(found, ended(found, "killed", patience=600.0)) == set()
    assert against(found, ended(found, "killed", patience=2.0)) == {"client.own-deadline"}


@pytest.mark.parametrize(
    ("retry_after", "clauses"), [("2", {"client.asks-again"}), ("3600", set()), ("1.5", set())]
)
def test_a_wait_that_is_longer_than_the_deadline_excuses_who_gives_up(
    retry_after: str, clauses: set[str]
) -> None:
    found = asked(processing())
    headers = (("Content-Type", "application/json"), ("Retry-After", retry_after))
    found.query(error("rate_limit_exceeded", "x"), 429, after=2.0, headers=headers)
    assert against(found, ended(found, errors="gave up: rate_limit_exceeded", patience=30.0)) == clauses


def test_a_client_whose_time_is_up_before_the_fetch_may_fail() -> None:
    found = asked(completed())
    late = ended(found, errors="gave up: no time is left", patience=2.0)
    assert against(found, late) == set()
    assert against(found, replace(late, patience=30.0)) == {"client.reports-success"}


def test_a_status_and_a_file_that_disagree_are_told_as_such() -> None:
    outcome = replace(ended(DONE, errors="saved"), status=0)
    verdicts = verdicts_of(DONE.trace(), outcome, PLAIN, CLAUSES, SPEC)
    (finding,) = next(one for one in verdicts if one.clause.id == "client.reports-success").violations
    assert "the exit status is 0 and there is no file" in finding.seen
