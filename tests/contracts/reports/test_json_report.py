from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import evolink_check.reports
import jsonschema_rs
from evolink_check.analysis.verdicts import violation
from evolink_check.reports import json_report
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records.report_builders import full, planted, report, undescribed, verdicts
from support.records.trace_builders import SPEC, Tracing

SCHEMA = json.loads(
    (Path(evolink_check.reports.__file__).parent / "report.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)


def read(**more: Any) -> dict[str, Any]:
    found = json.loads(json_report.to_json(report(**more)))
    assert isinstance(found, dict)
    return found


def of(found: dict[str, Any], clause: str) -> dict[str, Any]:
    return next(one for one in found["verdicts"] if one["clause"] == clause)


def test_a_report_is_as_its_schema_says() -> None:
    for one in (
        report(),
        planted(),
        report(Tracing(), verdicts(), cut_short="cut short: stopped", budget=None, seed=None, command=""),
    ):
        assert [str(error) for error in VALIDATOR.iter_errors(json_report.as_record(one))] == []


def test_the_schema_describes_every_member() -> None:
    assert undescribed(read(), SCHEMA, SCHEMA) == []


def test_clauses_stand_in_the_order_of_the_contract() -> None:
    assert [one["clause"] for one in read()["verdicts"]] == [one.clause.id for one in full()]


def test_the_facts_of_the_run_are_there() -> None:
    found = read(har="all.har")
    assert (found["version"], found["kind"], found["exit_status"]) == (1, "api", 1)
    assert found["counts"] == {"passed": 4, "failed": 4, "warning": 1, "not observed": len(full()) - 9}
    assert (found["budget"], found["spent"], found["created"], found["seed"]) == (20.0, 10.0, 2, 7)
    assert (found["exchanges"], found["har"]) == (17, "all.har")
    assert {(one["status"], one["seen"]) for one in found["answers"] if one["method"] == "POST"} >= {
        (200, 2),
        (402, 0),
    }
    assert len(found["answers"]) > len(SPEC.query.errors)


def test_a_violation_comes_with_what_shows_it_and_repeats_it() -> None:
    one = of(read(), "task.progress-monotone")
    assert (one["status"], one["violation_count"], len(one["violations"])) == ("failed", 3, 2)
    first = one["violations"][0]
    assert (first["expected"], first["seen"], first["times"]) == ("progress 20 or more", "progress 0", 2)
    assert (first["entries"], first["status"]) == ([2, 4], 200)
    assert first["request"].startswith("curl ")
    assert one["repeat"].endswith("--clause task.progress-monotone")
    assert of(read(command=""), "task.progress-monotone")["repeat"] is None


def test_what_is_known_is_marked() -> None:
    assert of(read(), "error.shape")["known"]
    assert not of(read(), "create.answers-200")["known"]


def test_violations_without_end_are_counted_and_not_all_shown() -> None:
    many = tuple(violation(expected="x", seen=f"kind {number}") for number in range(200))
    one = of(read(judged=verdicts(wire__json=many)), "wire.json")
    assert (one["violation_count"], len(one["violations"])) == (200, 50)
    assert one["violations"][0]["request"] is None


def test_the_same_run_gives_the_same_text() -> None:
    assert json_report.to_json(report()) == json_report.to_json(report())
    assert json_report.to_json(report()).endswith("}\n")


@settings(max_examples=20, deadline=None)
@given(st.from_regex(r"[A-Za-z0-9]{12,40}[0-9]", fullmatch=True))
def test_no_secret_is_written(secret: str) -> None:
    assert secret not in json_report.to_json(planted(secret, "oh"))
