"""A verdict for every clause: by word, by level, and by what was seen."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from evolink_check import Exchange
from evolink_check.analysis.trace_view import TraceView
from evolink_check.analysis.verdicts import (
    ENTRIES,
    VIOLATIONS,
    Verdict,
    failures,
    judge,
    passed,
    shown,
    violation,
)
from evolink_check.rules import MODULES, RULES, rules_of
from evolink_check.rules.registry import rule
from evolink_check.traffic.trace import Entry, Trace
from evolink_spec.clauses import load_clauses
from support.mocks.in_process import playing
from support.records.trace_builders import ACCOUNTS, BODY, CREATE, MODEL, SPEC, START, Tracing, compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.analysis.verdicts import Finding
    from support.mocks.in_process import Mock

CLAUSES = {clause.id: clause for clause in load_clauses()}
MUST, ADVICE = CLAUSES["wire.json"], CLAUSES["error.order"]
VIOLATION = violation(1, expected="this", seen="that")


def verdict(findings: Iterable[Finding], clause: str = "wire.json") -> Verdict:
    (found,) = judge(Tracing().reading(), [CLAUSES[clause]], {clause: lambda _: findings})
    return found


@pytest.mark.parametrize(
    ("findings", "clause", "word", "observations", "fails"),
    [
        ([], "wire.json", "not observed", 0, False),
        ([passed(1), passed(2)], "wire.json", "passed", 2, False),
        ([passed(1), VIOLATION, VIOLATION], "wire.json", "failed", 3, True),
        ([passed(1), VIOLATION], "error.order", "warning", 2, False),
    ],
)
def test_a_verdict_is_the_worst_that_was_found(
    findings: list[Finding], clause: str, word: str, observations: int, *, fails: bool
) -> None:
    found = verdict(findings, clause)
    assert (found.status, found.observations, found.fails) == (word, observations, fails)
    assert found.violations == tuple(one for one in findings if not one.passed)


def test_a_clause_without_a_rule_is_not_observed() -> None:
    (found,) = judge(Tracing().reading(), [MUST], {})
    assert found == Verdict(MUST, "not observed")


def test_what_a_rule_raises_is_not_taken_for_a_pass() -> None:
    def bug(_: TraceView) -> Iterator[Finding]:
        yield passed(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        judge(Tracing().reading(), [MUST], {"wire.json": bug})


def test_a_known_violation_fails_nobody_any_more() -> None:
    new, known = Verdict(MUST, "failed"), Verdict(MUST, "failed", known=True)
    noted = Verdict(ADVICE, "warning")
    assert list(failures([known, new, noted])) == [new]


def test_every_rule_is_of_a_clause_and_binds_whom_it_says() -> None:
    assert RULES.keys() <= CLAUSES.keys()
    for module in MODULES:
        binds = {CLAUSES[clause].binds for clause in rules_of(module)}
        assert binds == {"client" if ".clients." in module.__name__ else "server"}


def test_violations_without_end_are_counted_and_not_all_kept() -> None:
    found = verdict(violation(number, expected="this", seen="that") for number in range(VIOLATIONS + 5))
    assert (len(found.violations), found.omitted, found.violation_count) == (VIOLATIONS, 5, VIOLATIONS + 5)
    assert found.observations == VIOLATIONS + 5


def test_of_many_entries_the_first_and_the_last_are_kept() -> None:
    few = passed(*range(ENTRIES))
    many = violation(*range(1000), expected="this", seen="that")
    assert few.entries == tuple(range(ENTRIES))
    assert len(many.entries) == ENTRIES
    assert (many.entries[0], many.entries[-1]) == (0, 999)


@pytest.mark.parametrize(
    "value", [["x" * 10_000_000], "y" * 10_000_000, {"a": ["z"] * 1_000_000}, [[[[[[["deep"]]]]]]], 10**300]
)
def test_a_value_is_shown_in_a_few_characters(value: Any) -> None:
    assert len(shown(value)) <= 61
    assert "\n" not in shown(value)


def test_every_clause_that_traffic_can_show_has_a_rule() -> None:
    shown = {
        clause.id
        for clause in CLAUSES.values()
        if clause.observed.where != "unseen" and clause.binds != "receiver"  # judged by more than traffic
    }
    by_the_end_of_a_run = {
        *("client.reports-failure", "client.tells-code", "client.no-crash", "client.asks-again"),
        *("client.own-deadline", "client.tolerant", "client.reports-success"),
        *("client.fetches-result", "client.checks-result", "client.explains-failure", "auth.not-printed"),
    }
    assert shown - RULES.keys() == by_the_end_of_a_run | {"failure.policy-kind"}


def test_a_clause_has_one_rule() -> None:
    with pytest.raises(ValueError, match=r"wire\.json has two rules"):
        rule("wire.json")(RULES["wire.compact"])


def entry(number: int, mock: Mock, method: str, url: str, who: str, **more: Any) -> Entry:
    """One exchange with the mock, as a recorder of ours would note it."""
    token = {"nobody": None}.get(who, who)
    answer = mock.ask(method, url, token=token, **more)
    request = answer.request
    exchange = Exchange(
        method,
        f"http://mock.test{url}",
        tuple((name, value) for name, value in request.headers.items() if name != "authorization"),
        request.content,
        answer.status_code,
        tuple(answer.headers.items()),
        answer.content,
    )
    return Entry(number, exchange, START, START + 0.01, who=who, case="a case")


OLD = MODEL.removesuffix("-beta")
BODIES: list[Any] = [
    *(BODY | {"duration": value} for value in (6, 10, 7, 6.0, 6.5, "6", None, True, 10**30)),
    *(BODY | {"mode": value} for value in ("fun", "Fun", None)),
    *(BODY | {"quality": value} for value in ("720p", "4k")),
    *(BODY | {"model": value} for value in (OLD, "another", None, 5, "")),
    *(BODY | {"prompt": value} for value in ("", " ", None, "\0", "🤸", "x" * 3000, "x" * 200_000, 5)),
    *(BODY | {"image_urls": value} for value in ([], ["words"], ["x:y"], ["http://a.b/ü"], [5], "x", None)),
    *(BODY | {"image_urls": BODY["image_urls"] * count} for count in (2, 9)),
    *({name: value for name, value in BODY.items() if name != missing} for missing in BODY),
    *(BODY | {"aspect_ratio": value} for value in (None, "16:9", json.loads("[" * 100 + "]" * 100))),
    *(
        BODY | {"callback_url": f"https://{host}/"}
        for host in ("127.1", "localhost", "[::1]", "0x7f.1", "x.local")
    ),
    *(
        BODY | {"callback_url": url}
        for url in ("", "words", "http://a.example/", "https://a.example/ x", 5, None)
    ),
    BODY | {"callback_url": "https://a.example/".ljust(2049, "x")},
    *(b"", b" ", b"{", b"[]", b"null", b'"x"', b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":NaN}'),
    b'{"duration":6,' + compact(BODY)[1:-1] + b',"duration":7}',
    b'{"duration":7,' + compact(BODY)[1:-1] + b',"duration":6}',
    *(compact(BODY)[:-1] + more for more in (b',"x":1e999}', b',"x":"\\ud800"}', b"}\0")),
]
IDS = (
    "abc",
    "TASK-UNIFIED-1",
    "task-unified-1",
    "task-unified-1757169743-00000000",
    "%00",
    "%2e%2e",
    "x" * 3000,
    "é",
)


def test_the_mock_is_accused_of_nothing_whatever_it_is_sent() -> None:
    with playing(credits=100_000) as mock:
        entries: list[Entry] = []

        def ask(method: str, url: str, who: str = "main", **more: Any) -> Entry:
            entries.append(entry(len(entries), mock, method, url, who, **more))
            return entries[-1]

        kind = {"content-type": "application/json"}
        for body in BODIES:
            for who in ("main", "nobody"):
                ask("POST", CREATE, who, content=compact(body), headers=kind)
        for media_type in (
            "text/plain",
            "application/json; charset=utf-8",
            "application/x-www-form-urlencoded",
        ):
            ask("POST", CREATE, content=compact(BODY), headers={"content-type": media_type})
        for header in ("idempotency-key", "x-trace"):
            made = ask("POST", CREATE, content=compact(BODY), headers=kind | {header: "1"})
        for id_ in (json.loads(made.exchange.response_body)["id"], *IDS):
            for who in ("main", "other", "nobody"):
                ask("GET", f"/v1/tasks/{id_}", who)
        for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"):
            for path in (CREATE, "/v1/credits", "/v1/tasks/abc", "/v1/tasks/", "/nothing", "/"):
                ask(method, path)
    trace = Trace(tuple(entries), ACCOUNTS, "http://mock.test")
    verdicts = judge(
        TraceView(trace, SPEC), [one for one in CLAUSES.values() if one.binds == "server"], RULES
    )
    assert [(one.clause.id, one.violations[0]) for one in verdicts if one.violations] == []
    assert Counter(one.status for one in verdicts)["passed"] > 50
