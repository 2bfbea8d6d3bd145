"""Each broken server is caught by its clause and by no other; the correct one by none.

Usually a broken server is sent what speaks of its clause. With EVOLINK_WHOLE_BATTERY in the environment it is sent
everything, which takes twenty minutes.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import judge
from evolink_check.engine.run_plan import plan_run
from evolink_check.engine.runner import execute
from evolink_check.rules import RULES
from evolink_check.settings import Effort, Failing, Key, Subject
from evolink_check.traffic.trace import Account
from evolink_spec.clauses import load_clauses
from support.faulty_servers.callbacks import CALLBACKS, Manner, calling
from support.faulty_servers.create import CREATE_DEFECTS
from support.faulty_servers.exchange import EXCHANGE
from support.faulty_servers.honest import HONEST
from support.faulty_servers.lifecycle import LIFE
from support.faulty_servers.wrapper import SCALE, Workshop, correct, key
from support.real_time import NEEDS_A_QUIET_MACHINE
from support.records.trace_builders import SPEC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.reports.model import Report
    from support.faulty_servers.wrapper import Defect, Handle

CLAUSES = [clause for clause in load_clauses() if clause.binds == "server"]
PARTS = 6
SILENT = ("create.image-urls-empty", "error.other-methods", "wire.all-properties", "query.unknown-id")
LIMIT = 3.0  # seconds; a task of these servers takes 1.2, or less than one
WHOLE = "EVOLINK_WHOLE_BATTERY" in os.environ
DEFECTS = [*EXCHANGE, *CREATE_DEFECTS, *LIFE, *CALLBACKS]
# Nothing on the wire shows a violation, or it takes what no server here can be made to do.
UNSEEN = {
    "body.duplicate-keys": "the last and the first are both right",
    "callback.cancelled": "there is no documented call that cancels",
    "callback.no-internal-at-delivery": "it takes a name that changes its address in between",
    "create.image-urls-empty": "both answers are right",
    "failure.cancelled": "there is no documented call that cancels",
    "failure.policy-kind": "the kind stands in free text",
    "query.reads-only": "advice; a trace by hand breaks it in test_rules_credits",
    "rate.recovers": "advice; a trace by hand breaks it in test_rules_exchange",
    "task.can-cancel": "both answers are right",
    "task.progress-processing": "advice; 0 and 100 are right as well",
}


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with pytest.MonkeyPatch.context() as patch, Workshop() as found:
        patch.setattr("evolink_mock.media.spec.HUES", 1)  # of eight: every film takes half a second to make
        yield found


def subject(url: str, place: int, port: int, *, scaled: bool) -> Subject:
    """Everything is known of this server: two keys, poor, barred and hasty ones, and a request that fails."""
    facts = {
        "main": Account("main", valid=True),
        "other": Account("other", valid=True),
        "poor": Account("poor", valid=True, credits=False, access=True),
        "barred": Account("barred", valid=True, access=False),
        "hasty": Account("hasty", valid=True),
    }
    keys = {role: Key(account, key(role, place), limited=role == "hasty") for role, account in facts.items()}
    return Subject(
        url,
        keys,
        scale=SCALE if scaled else 1.0,
        failing=(Failing("service_error", {"prompt": "[[fail=service_error@40]] A dance"}),),
        callback_url=f"http://127.0.0.1:{port}" if scaled else "",
        callback_listen=("127.0.0.1", port) if scaled else None,
        advance_url=f"{url}/__mock__/clock/advance",
        task_limit=LIMIT,
    )


EFFORT = Effort("test", examples=0, tasks=30, seconds=60, task_seconds=4, jobs=6, max_credits=150)


def checked(
    workshop: Workshop, handle: Handle, place: int, *, scaled: bool, effort: Effort = EFFORT
) -> Report:
    """One run: of the whole battery, or of what speaks of the clauses of `effort`; all clauses are judged."""
    port = workshop.ports.get()
    try:
        with workshop.serving(handle, scaled=scaled) as url:
            workshop.prepare(url, place)
            target = subject(url, place, port, scaled=scaled)
            plan = plan_run(target, effort, SPEC, CLAUSES)
            return execute(replace(plan, clauses=tuple(CLAUSES)))
    finally:
        workshop.ports.put(port)


def said_of(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """Every clause that did not pass, by the whole of what was seen, with the first violation."""
    return {
        one.clause.id: f"{one.violations[0].expected} | {one.violations[0].seen}"
        for one in verdicts
        if one.violations
    }


def said_without_secrets(report: Report) -> dict[str, str]:
    """The same by the trace as reports show it."""
    return said_of(judge(TraceView(report.trace, SPEC), CLAUSES, RULES))


def together(workshop: Workshop, defects: list[Defect], threads: int) -> list[tuple[Defect, dict[str, str]]]:
    """What was found of each broken server. A run is mostly waiting, so several are under way at a time."""

    def look(defect: Defect) -> dict[str, str]:
        effort = EFFORT if WHOLE else replace(EFFORT, clauses=frozenset({defect.clause}))
        report = checked(workshop, defect.make(), DEFECTS.index(defect), scaled=defect.scaled, effort=effort)
        return said_of(report.verdicts)

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(look, defects))
    # What was too short for a machine that does so much at once is looked for once more, with nothing beside it;
    # so is what came late there, where the times of callbacks are judged.
    return [
        (defect, look(defect) if not said or (defect.scaled and said.keys() != {defect.clause}) else said)
        for defect, said in zip(defects, found, strict=True)
    ]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_broken_server_is_caught_by_its_clause_and_by_no_other(
    part: int, workshop: Workshop, record_property: Callable[[str, object], None]
) -> None:
    results = together(workshop, [one for one in DEFECTS if not one.scaled][part::PARTS], 10)
    for defect, found in results:
        record_property("caught by", (defect.clause, defect.name, ", ".join(sorted(found))))
    assert {(one.clause, one.name): found for one, found in results if found.keys() != {one.clause}} == {}


@pytest.mark.parametrize("part", range(2))
@NEEDS_A_QUIET_MACHINE
def test_whoever_calls_back_wrongly_is_caught_too(
    part: int, workshop: Workshop, record_property: Callable[[str, object], None]
) -> None:
    results = together(workshop, [one for one in DEFECTS if one.scaled][part::2], 5)
    for defect, found in results:
        record_property("caught by", (defect.clause, defect.name, ", ".join(sorted(found))))
    assert {(one.clause, one.name): found for one, found in results if found.keys() != {one.clause}} == {}


def test_the_correct_server_is_accused_of_nothing(workshop: Workshop) -> None:
    report = checked(workshop, correct, 280, scaled=False)  # a scaled one is in test_check_end_to_end
    assert said_of(report.verdicts) == said_without_secrets(report) == {}
    assert report.exit_status == 0


def test_a_server_that_chooses_otherwise_where_the_documents_are_silent_is_accused_of_nothing(
    workshop: Workshop,
) -> None:
    def look(name: str) -> dict[str, str]:
        place = 270 + list(HONEST).index(name)
        effort = EFFORT if WHOLE else replace(EFFORT, clauses=frozenset(SILENT))
        return said_of(checked(workshop, HONEST[name](), place, scaled=False, effort=effort).verdicts)

    with ThreadPoolExecutor(len(HONEST)) as pool:
        assert dict(zip(HONEST, pool.map(look, HONEST), strict=True)) == {name: {} for name in HONEST}


def test_a_violation_of_a_documented_clause_fails_a_run_and_one_that_is_a_warning_fails_a_strict_one() -> (
    None
):
    severities = {clause.id: clause.severity for clause in CLAUSES}
    failures = ("prompt.length", "task.ends", "error.other-methods", "query.unknown-id")
    assert {severities[clause] for clause in failures} == {"failure"}
    assert {severities[clause] for clause in ("wire.all-properties", "error.order")} == {"warning"}


@NEEDS_A_QUIET_MACHINE
def test_whoever_calls_in_the_mocks_place_is_accused_of_nothing(workshop: Workshop) -> None:
    report = checked(workshop, calling(Manner())(), 290, scaled=True)
    assert said_of(report.verdicts) == said_without_secrets(report) == {}


def test_every_clause_that_can_be_seen_has_a_server_that_breaks_it() -> None:
    seen = {clause.id for clause in CLAUSES if clause.observed.where != "unseen"}
    assert seen - {defect.clause for defect in DEFECTS} == UNSEEN.keys()
    assert len(DEFECTS) >= 80
