"""What the end of a client says: each bad end breaks one clause of those that bind a client, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evolink_check.client.harness.outcome import Outcome, SavedFile
from evolink_check.client.harness.scenario import Scenario
from evolink_check.client.harness.scenarios import scenarios
from evolink_check.client.verdicts.verdicts import ScenarioRun, combine, verdicts_of
from evolink_check.traffic.trace import NOBODY
from evolink_spec.clauses import load_clauses
from support.records.trace_builders import (
    BODY,
    RESULT,
    SPEC,
    START,
    Tracing,
    completed,
    error,
    failed,
    processing,
    task,
)

CLAUSES = tuple(one for one in load_clauses() if one.binds == "client")
KNOWN = {one.id: one for one in scenarios(SPEC)}
PLAIN = Scenario("plain", "All is as usual.")
TRACEBACK = "Traceback (most recent call last):\n  File 'c.py', line 1\nKeyError: 'id'\n"
WHOLE, PART = SavedFile(1000, whole=True), SavedFile(500, whole=False)
NO_CREDITS = error("insufficient_quota", "insufficient_quota")


def asked(*answers: Any, fetched: int | None = None) -> Tracing:
    """A create, a query for each answer (a body with 200, or a status), and a fetch."""
    found = Tracing()
    found.create()
    for answer in answers:
        if isinstance(answer, int):
            body = error("task_not_found", "x") if answer < 500 else b"<html></html>"
            found.query(b"" if answer == 0 else body, answer, after=2.0)
        else:
            found.query(answer, after=2.0)
    if fetched is not None:
        found.link(fetched, who=NOBODY)
    return found


def refused(status: int = 402, answer: Any = None) -> Tracing:
    found = Tracing()
    found.create(NO_CREDITS if answer is None else answer, status)
    return found


def ended(found: Tracing, end: str = "failure", errors: str = "", **more: Any) -> Outcome:
    status = {"success": 0, "failure": 1, "killed": None}[end]
    after = more.pop("after", 0.1)
    return Outcome(end, START, found.at + after, status, "", errors, **more)  # type: ignore[arg-type]


def words(found: Tracing, outcome: Outcome, scenario: Scenario = PLAIN) -> dict[str, str]:
    verdicts = verdicts_of(found.trace(), outcome, scenario, CLAUSES, SPEC)
    return {one.clause.id: one.status for one in verdicts if one.status != "not observed"}


def against(found: Tracing, outcome: Outcome, scenario: Scenario = PLAIN) -> set[str]:
    return {id_ for id_, word in words(found, outcome, scenario).items() if word != "passed"}


DONE = asked(processing(), completed(), fetched=200)


def test_a_good_end_breaks_nothing() -> None:
    found = words(DONE, ended(DONE, "success", saved=WHOLE))
    assert set(found.values()) == {"passed"}
    assert {
        "client.reports-success",
        "client.fetches-result",
        "client.checks-result",
        "client.no-crash",
    } <= found.keys()


@pytest.mark.parametrize(
    ("found", "text", "clauses"),
    [
        (refused(), "evolink: insufficient_quota: top up", {"client.reports-failure", "client.tells-code"}),
        (asked(failed("service_error")), "service_error", {"client.failed-is-failure", "client.tells-code"}),
        (asked(404), "task_not_found", {"client.tells-code"}),
        (asked(0, 0), "gave up", set()),
        (refused(500), "gave up", set()),
        (refused(), "Insufficient Quota", {"client.tells-code"}),
        (asked(failed("service_error")), "service-error: it broke", {"client.tells-code"}),
    ],
)
def test_an_honest_failure_breaks_nothing(found: Tracing, text: str, clauses: set[str]) -> None:
    judged = words(found, ended(found, errors=text))
    assert set(judged.values()) == {"passed"}
    assert clauses <= judged.keys()


@pytest.mark.parametrize(
    ("clause", "found", "outcome"),
    [
        ("client.reports-failure", refused(), {"end": "success"}),
        ("client.reports-failure", asked(processing()), {"end": "success"}),
        ("client.reports-failure", asked(task(status="archived", progress=10)), {"end": "success"}),
        ("client.failed-is-failure", asked(failed()), {"end": "success"}),
        ("client.checks-result", asked(completed(), fetched=410), {"end": "success"}),
        ("client.checks-result", asked(completed(), fetched=200), {"end": "success", "saved": PART}),
        ("client.fetches-result", asked(completed()), {"end": "success"}),
        ("client.reports-success", asked(completed(), fetched=200), {"saved": WHOLE}),
        ("client.reports-success", asked(completed()), {}),
        ("client.tells-code", refused(), {"errors": "it went wrong"}),
        ("client.tells-code", asked(failed("service_error")), {"errors": "it went wrong"}),
        ("client.tells-code", asked(404), {"errors": "HTTP 404"}),
        ("client.no-crash", asked(processing()), {"errors": TRACEBACK}),
        ("client.no-crash", refused(), {"errors": TRACEBACK}),
        ("client.no-crash", refused(200, {}), {"errors": TRACEBACK}),
        ("client.asks-again", asked(processing(), 503), {"errors": "gave up"}),
        ("client.asks-again", asked(processing(), 0), {"errors": "gave up"}),
        ("client.no-abandon", asked(processing()), {"errors": "gave up"}),
        ("client.no-abandon", asked(processing()), {"errors": "gave up", "patience": 30.0}),
        ("client.own-deadline", asked(processing()), {"end": "killed", "patience": 2.0}),
        ("client.own-deadline", asked(completed(), fetched=200), {"end": "killed", "after": 30.0}),
        ("client.poll-useful", asked(processing()), {"end": "killed", "after": 25.0}),
        ("client.poll-useful", asked(), {"end": "killed", "after": 25.0}),
    ],
)  # fmt: skip
def test_a_bad_end_breaks_one_clause(clause: str, found: Tracing, outcome: dict[str, Any]) -> None:
    assert against(found, ended(found, **outcome)) == {clause}


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (asked(processing()), {"errors": "gave up", "patience": 2.5}),
        (asked(processing()), {"end": "killed"}),
        (asked(task(status="archived", progress=10)), {"errors": "what is archived?"}),
        (asked(processing(), 503, 503), {"errors": "gave up"}),
        (asked(completed(results=[])), {"errors": "no result"}),
        (asked(404, 404, 404), {"errors": "out of time"}),
        (refused(429, error("rate_limit_exceeded", "x")), {"errors": "out of time"}),
    ],
)
def test_an_end_that_can_be_defended_is_not_accused(found: Tracing, outcome: dict[str, Any]) -> None:
    assert against(found, ended(found, **outcome)) == set()


@pytest.mark.parametrize(
    ("waits", "accused"), [((1, 2, 4, 8), False), ((2, 3, 4, 5), False), ((8, 4), False), ((1, 1, 1), True)]
)
def test_who_would_sleep_past_its_deadline_may_end_before(waits: tuple[float, ...], accused: bool) -> None:  # noqa: FBT001
    found = Tracing()
    found.create()
    for wait in waits:
        found.query(processing(), after=wait)
    assert ("client.no-abandon" in against(found, ended(found, errors="gave up", patience=20.0))) is accused


def test_a_callback_that_no_query_confirms_is_no_success() -> None:
    found = asked()
    found.receiver = "https://hooks.example.test/"
    found.delivery(completed())
    found.query(error("task_not_found", "x"), 404)
    assert against(found, ended(found, errors="task_not_found")) == set()


def test_one_of_several_tasks_may_be_what_failed() -> None:
    found = Tracing()
    found.create(b"", 0, body={**BODY, "prompt": "Another"})
    found.create()
    found.query(completed(), after=2.0)
    found.link(who=NOBODY)
    assert against(found, ended(found, errors="one answer was lost")) == set()


def test_who_never_asks_is_told_so_and_not_that_it_claims_success() -> None:
    found = asked()
    assert against(found, ended(found, "success")) == {"client.no-abandon"}
    assert against(found, ended(found, "success"), KNOWN["shape-extra"]) == set()


def test_a_link_that_is_shown_was_handed_over() -> None:
    found = asked(completed())
    assert against(found, replace(ended(found, "success"), output=f"here: {RESULT}\n")) == set()


def test_what_the_wire_explains_is_not_told_twice() -> None:
    found = asked(failed(), failed(), failed())
    assert against(found, ended(found, errors="gave up: out of time")) == {"client.stops-at-end"}
    assert against(found, ended(found, "killed", after=30.0)) == {"client.stops-at-end"}
    keyless = Tracing()
    keyless.create(error("unauthorized", "authentication_error"), 401, who=NOBODY)
    assert against(keyless, ended(keyless, errors="oh")) == {"auth.header"}


def test_what_harms_nobody_explains_nothing() -> None:
    hasty = asked(*[processing()] * 4)
    for place, entry in enumerate(hasty.entries[1:]):
        at = START + 0.2 * (place + 1)
        hasty.entries[place + 1] = replace(entry, began=at, ended=at + 0.1)
    hasty.at = START + 2.0
    assert against(hasty, ended(hasty, errors="gave up")) == {"client.poll-interval", "client.no-abandon"}


@pytest.mark.parametrize("errors", ["unknown field x", TRACEBACK])
@pytest.mark.parametrize("found", [asked(processing()), asked(completed())])
def test_unusual_answers_change_nothing(errors: str, found: Tracing) -> None:
    odd = KNOWN["shape-extra"]
    assert against(found, ended(found, errors=errors), odd) == {"client.tolerant"}
    assert words(DONE, ended(DONE, "success", saved=WHOLE), odd)["client.tolerant"] == "passed"


def test_a_client_that_could_not_get_so_far_is_not_called_intolerant() -> None:
    found = refused(401, error("unauthorized", "authentication_error"))
    assert "client.tolerant" not in words(found, ended(found, errors="unauthorized"), KNOWN["shape-extra"])


def test_a_result_that_is_none_may_be_called_so() -> None:
    found = asked(completed(), fetched=200)
    assert against(found, ended(found, errors="no whole video"), KNOWN["link-truncated"]) == set()


def test_a_task_that_never_ends_shows_who_has_a_deadline() -> None:
    found, stuck = asked(processing()), KNOWN["stuck-processing"]
    assert (
        words(found, ended(found, errors="gave up", patience=3.0), stuck)["client.own-deadline"] == "passed"
    )
    assert "client.own-deadline" not in words(found, ended(found, "killed"), stuck)


@pytest.mark.parametrize(
    ("delay", "verdict"), [(0.0, "failed"), (10.0, "failed"), (15.0, "not observed"), (40.0, "not observed")]
)
def test_a_client_that_other_programs_delayed_is_neither_accused_nor_passed(
    delay: float, verdict: str
) -> None:
    found, stuck = asked(processing()), KNOWN["stuck-processing"]
    outcome = replace(
        ended(found, "killed", patience=8.0), began=found.at - 20.0, ended=found.at, delay=delay
    )
    assert words(found, outcome, stuck).get("client.own-deadline", "not observed") == verdict
    assert outcome.is_undecided is (verdict == "not observed")


@pytest.mark.parametrize(
    ("clause", "found"),
    [
        ("client.own-deadline", asked(completed(), fetched=200)),
        ("client.poll-useful", asked(processing())),
    ],
)
def test_silence_on_a_busy_machine_is_accused_only_if_it_is_longer_than_the_delay(
    clause: str, found: Tracing
) -> None:
    delayed = ended(found, "killed", after=30.0, delay=40.0)
    assert against(found, delayed) == set()
    assert against(found, replace(delayed, delay=5.0)) == {clause}


@pytest.mark.parametrize(
    ("attempts", "delays", "verdict"),
    [
        ((3, 30), (0.4, 0.01), "failed"),
        ((1,), (0.01,) * 6, "failed"),
        ((1,), (0.01,) * 5, "passed"),
        ((1,), (0.3, 0.4, *[0.01] * 6), "failed"),
        ((1,), (0.3, 0.4, 0.5, *[0.01] * 6), "passed"),
        ((0, 0), (), "not observed"),
    ],
)
def test_connections_without_a_wait_while_they_are_refused_are_a_flood(
    attempts: tuple[int, ...], delays: tuple[float, ...], verdict: str
) -> None:
    found = Tracing()
    outcome = ended(found, errors="gave up", attempts=attempts, delays=delays)
    assert words(found, outcome, KNOWN["refused"]).get("client.backs-off", "not observed") == verdict


def test_a_deadline_that_ends_soon_after_connections_were_refused_abandons_no_task() -> None:
    found = asked(processing())
    assert against(found, ended(found, errors="gave up"), KNOWN["refused"]) == set()


def test_a_client_that_is_out_of_time_may_not_have_read_the_result() -> None:
    late = asked(completed(), fetched=200)
    outcome = ended(late, errors="out of time", patience=2.0)
    assert against(late, outcome) == set()
    assert against(late, replace(outcome, ended=outcome.ended + 5)) == {"client.reports-success"}


def test_a_query_that_is_sent_again_is_kept() -> None:
    found = asked(processing(), 503, completed(), fetched=200)
    assert words(found, ended(found, "success"))["client.asks-again"] == "passed"


def test_anything_that_the_schema_allows_is_held_against_nobody() -> None:
    found = asked(completed(results=["https://example.com/"]), completed(), completed())
    judged = against(found, ended(found, "success"), KNOWN["query-any"])
    assert judged == set()
    assert against(found, ended(found, errors=TRACEBACK), KNOWN["query-any"]) == {"client.no-crash"}


def test_the_worst_of_all_runs_counts_with_every_violation() -> None:
    runs = []
    for found, outcome in (
        (refused(), ended(refused(), "success")),
        (DONE, ended(DONE, "success", saved=WHOLE)),
    ):
        runs.append(
            ScenarioRun(
                PLAIN, found.trace(), outcome, verdicts_of(found.trace(), outcome, PLAIN, CLAUSES, SPEC)
            )
        )
    judged = {one.clause.id: one for one in combine([*runs, runs[0]], CLAUSES)}
    assert judged["client.reports-failure"].status == "failed"
    assert len(judged["client.reports-failure"].violations) == 2
    assert judged["client.reports-success"].status == "passed"
    assert judged["receiver.answers-2xx"].status == "not observed"


@pytest.mark.parametrize(
    ("found", "errors", "clauses"),
    [
        (asked(), "no progress", {"client.no-abandon"}),
        (asked(processing()), "no progress", {"client.no-abandon"}),
        (asked(completed()), "no progress", {"client.reports-success"}),
        (asked(), TRACEBACK, {"client.no-crash"}),
        (asked(processing()), TRACEBACK, {"client.no-crash"}),
    ],
)
def test_a_client_follows_its_task_without_an_optional_field(
    found: Tracing, errors: str, clauses: set[str]
) -> None:
    outcome = ended(found, errors=errors)
    verdicts = verdicts_of(found.trace(), outcome, KNOWN["missing-1"], CLAUSES, SPEC)
    assert {one.clause.id: "progress" in one.violations[0].seen for one in verdicts if one.violations} == (
        dict.fromkeys(clauses, True)
    )


@pytest.mark.parametrize(
    ("message", "clause"),
    [
        ("TypeError: unexpected keyword argument 'hint'", "client.tolerant"),
        ('UnrecognizedPropertyError: Unrecognized field "hint" (class Task)', "client.tolerant"),
        ("TaskError: {'code': 'service_error', 'hint': 'x'}", "client.no-crash"),
        ("KeyError: 'reason'", "client.no-crash"),
    ],
)
def test_a_crash_on_an_unknown_field_of_a_failure_is_told_apart(message: str, clause: str) -> None:
    for id_, found in (("failure-extra", asked(failed())), ("refusal-extra", refused())):
        crash = TRACEBACK.replace("KeyError: 'id'", message)
        assert against(found, ended(found, errors=crash), KNOWN[id_]) == {clause}
    found = refused()
    honest = words(found, ended(found, errors="insufficient_quota"), KNOWN["refusal-extra"])
    assert honest["client.tolerant"] == "passed"
