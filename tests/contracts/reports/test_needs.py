"""What a run needs to observe a clause: the option, the key, the budget."""

from __future__ import annotations

import pytest
from evolink_check.analysis.verdicts import passed
from evolink_check.cli.advice import conditions_of
from evolink_check.reports.needs import Conditions, Kind, Means, needs_by_text
from evolink_check.settings import Effort, Subject
from support.records.report_builders import CLAUSES, report, verdicts

BY_ID = {clause.id: clause for clause in CLAUSES}
PAID: frozenset[Means] = frozenset({"credits", "more-credits", "real-speed"})


@pytest.mark.parametrize(
    ("kind", "means", "clause", "needed"),
    [
        ("api", set(), "task.final", "--max-credits N"),
        ("api", {"credits"}, "task.final", "a larger --max-credits"),
        ("api", PAID, "task.final", "--profile deep"),
        ("api", PAID | {"deep"}, "task.final", "traffic that shows it: all bodies after"),
        ("api", set(), "callback.retries", "--callback-url and --callback-listen, and --max-credits N"),
        ("api", PAID, "callback.retries", "--callback-url and --callback-listen"),
        (
            "api",
            PAID,
            "query.own-tasks",
            "the key of another account: --other-token or EVOLINK_OTHER_API_KEY",
        ),
        ("api", PAID, "rate.retry-after", "`[[keys]]` with `limited = true` in the file of --config"),
        ("api", PAID, "link.expired", "`[clock] advance_url` in the file of --config"),
        ("api", PAID, "create.error-500", "traffic that shows it: `error.code`"),
        ("recording", set(), "client.no-abandon", "--complete, if"),
        ("recording", set(), "task.final", "traffic that shows it: "),
        ("client", set(), "client.retry-after", "all scenarios: run it without --scenario"),
        (
            "client",
            {"all-scenarios"},
            "receiver.idempotent",
            "a command with {callback_url} and {callback_listen}",
        ),
        ("client", {"all-scenarios"}, "client.image-size", "evidence that is not in the traffic: "),
        ("receiver", {"all-scenarios"}, "receiver.takes-effect", "--ledger"),
    ],
)
def test_what_would_have_shown_a_clause(kind: Kind, means: set[Means], clause: str, needed: str) -> None:
    assert Conditions(kind, frozenset(means)).needs(BY_ID[clause]).startswith(needed)


def test_a_clause_that_the_configuration_excludes_says_so() -> None:
    conditions = Conditions("api", PAID, frozenset({"task.final"}))
    assert "`cannot` does not list task.final" in conditions.needs(BY_ID["task.final"])


def test_clauses_with_the_same_need_are_counted_together() -> None:
    judged = verdicts(task__final=(passed(0),))
    needs = needs_by_text(Conditions("api"), judged)
    assert needs[0][0] == "--max-credits N"
    assert "task.final" not in needs[0][1]
    assert sum(len(ids) for _, ids in needs) == len(judged) - 1


def test_the_conditions_of_a_server_check_follow_from_its_configuration() -> None:
    subject = Subject.at("http://127.0.0.1:9", "key", "other", scale=4.0, advance_url="http://127.0.0.1:9/x")
    spent = report(spent=10.0, created=2)
    assert conditions_of(subject, Effort(max_credits=12.0), spent).means == {"credits", "other-key", "clock"}
    assert "more-credits" in conditions_of(subject, Effort(max_credits=15.0), spent).means
