"""The estimate of how long a run takes, which is shown while it runs."""

from __future__ import annotations

from evolink_check.engine.run_duration import TASKS, RunDuration, Workload, workload_of
from evolink_check.engine.run_plan import plan_run
from evolink_check.engine.runner import PROFILES
from evolink_check.generation import boundary_cases
from evolink_check.settings import Effort, Failing, Subject
from evolink_spec.clauses import load_clauses
from support.records.trace_builders import SPEC

SUBJECT = Subject.at("http://127.0.0.1:1", "a-key-of-mine")
CLAUSES = load_clauses()


def test_what_is_left_is_estimated_from_the_pace_so_far_and_from_the_time_of_a_task() -> None:
    duration = RunDuration(Workload(100, 1, 0.0))
    assert duration.expected("reads", 3.0, 0, 0.0) == 3.0 + 2.0 + 60.0  # nothing is known yet
    assert duration.expected("reads", 8.0, 50, 20.0) == 8.0 + 5.0 + 20.0
    assert duration.expected(TASKS, 13.0, 100, 20.0) == 13.0 + 20.0
    assert duration.expected(TASKS, 25.0, 100, 20.0) == 25.0 + 8.0


def test_a_run_is_never_expected_to_take_less_than_it_has_or_more_than_it_may() -> None:
    duration = RunDuration(Workload(100, 2, 50.0, limit=30.0))
    assert duration.expected("reads", 1.0, 1, 0.0) == 30.0
    assert duration.expected(TASKS, 31.0, 100, 1.0) == 31.0


def test_the_work_of_a_run_follows_from_its_plan() -> None:
    invalid = boundary_cases.invalid_creates(SPEC, SUBJECT)
    free = workload_of(plan_run(SUBJECT, Effort(examples=0), SPEC, CLAUSES), invalid, 0)
    assert (free.tasks_in_a_row, free.callback_seconds) == (0, 0.0)
    one = Effort(examples=0, clauses=frozenset({"mode.enum"}))
    assert workload_of(plan_run(SUBJECT, one, SPEC, CLAUSES), invalid, 0).requests < free.requests / 5
    failing = Subject.at(SUBJECT.url, "a-key-of-mine", failing=(Failing("service_error", {}),))
    paid = workload_of(plan_run(failing, Effort(examples=0, max_credits=100.0), SPEC, CLAUSES), invalid, 0)
    assert paid.tasks_in_a_row == 2
    assert paid.requests > free.requests


def test_every_profile_creates_as_many_tasks_as_the_documentation_says() -> None:
    for effort in PROFILES.values():
        assert effort.tasks == 30
