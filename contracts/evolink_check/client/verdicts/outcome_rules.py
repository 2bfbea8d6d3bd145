"""What the end of a client says, beside what it was told: the rules that a trace alone cannot judge. Pure.

One run ends for one reason. What a violation on the wire explains is not told a second time, and of what is left the
first violation counts: a client that crashed has not also kept a code from its user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import Finding, passed, violation
from evolink_check.client.verdicts.run_end import RunEnd
from evolink_check.rules.clients.activity import ended, failure_of, legible
from evolink_check.rules.clients.retries import FAULTY, TOO_MANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.client.harness.outcome import Outcome
    from evolink_check.client.harness.scenarios import Scenario

# Clauses of the wire, a violation of which is reason enough for any end.
EXPLAINS = frozenset(
    {
        *("auth.header", "client.content-type", "client.valid-request", "client.callback-url"),
        *("client.given-ids", "client.same-account", "client.no-guarantees", "client.no-retry-refused"),
        *(
            "client.no-blind-repeat",
            "client.stops-at-end",
            "client.no-abandon",
            "client.fix-first",
            "client.failed-is-failure",
        ),
        *("client.retry-later", "client.give-up", "receiver.fallback", "receiver.asks-back"),
    }
)
SILENT = 20.0  # seconds without a request while a task runs
_ENOUGH = 2  # queries that failed in a row: then a client may give up
_DEFINITE = frozenset({400, 401, 402, 403, 404})
Told = tuple[str, Finding]  # a clause and what speaks for it or against it


def told(reading: TraceView, outcome: Outcome, scenario: Scenario, *, explained: bool) -> Iterator[Told]:
    """What the end of a run says of the clauses. `explained`: a violation on the wire is reason enough for it."""
    ending, clear = RunEnd(reading, outcome, scenario), not explained
    for question in _QUESTIONS:
        for clause, finding in question(ending):
            if not scenario.speaks_of(clause):
                continue
            if finding.passed:
                yield clause, finding
            elif clear:
                clear = False
                yield clause, finding


def _odd(one: RunEnd) -> Iterator[Told]:
    """Unusual answers, as documented, change nothing."""
    if not one.scenario.odd or one.outcome.end == "killed":
        return
    if one.outcome.end == "success":
        yield "client.tolerant", passed(*one.evidence)
    elif one.last is not None and one.last.succeeded:
        seen = one.crash or "the client ended as if something had failed"
        yield "client.tolerant", violation(*one.evidence, expected="as usual", seen=seen)


def _crashed(one: RunEnd) -> Iterator[Told]:
    if one.outcome.end == "killed":
        return
    if one.crash:
        yield "client.no-crash", violation(*one.evidence, expected="words of its own", seen=one.crash)
    else:
        yield "client.no-crash", passed(*one.evidence)


def _deadline(one: RunEnd) -> Iterator[Told]:
    """It ends by itself; one that says nothing any more was not asking at all."""
    over = one.completed or one.failed
    if one.outcome.end != "killed":
        if one.scenario.endless:
            yield "client.own-deadline", passed(*one.evidence)
        return
    ran = one.outcome.ended - one.outcome.began
    silence = one.outcome.ended - (one.last.entry.ended if one.last else one.outcome.began)
    if silence >= SILENT and not over and one.last is not None and one.last.role in {"create", "query"}:
        seen = f"no query for the last {silence:.0f} s"
        yield "client.poll-useful", violation(*one.evidence, expected="a query a minute", seen=seen)
    elif over or one.outcome.patience is not None:
        seen = f"it still ran after {ran:.0f} s"
        limit = f", after {one.outcome.patience:g} s" if one.outcome.patience is not None else ""
        yield "client.own-deadline", violation(*one.evidence, expected=f"an end{limit}", seen=seen)


def _success(one: RunEnd) -> Iterator[Told]:
    """Success is claimed for a completed task only."""
    if one.outcome.end != "success":
        if one.outcome.end == "failure" and one.failed:
            yield "client.failed-is-failure", passed(*one.evidence)
        elif one.outcome.end == "failure" and not one.completed:
            yield "client.reports-failure", passed(*one.evidence)
        return
    if one.completed:
        yield "client.reports-success", passed(*one.evidence)
    elif one.never_asked:
        return  # which is another clause's, in the scenarios where it is anybody's
    elif one.failed:
        yield (
            "client.failed-is-failure",
            violation(one.failed.number, expected="a failure", seen="success claimed"),
        )
    else:
        last = f"the last answer was {one.last.status}" if one.last else "nothing was asked"
        seen = f"success claimed, and {last}"
        yield "client.reports-failure", violation(*one.evidence, expected="a failure", seen=seen)


def _result(one: RunEnd) -> Iterator[Told]:
    """A success has its result, whole."""
    if one.outcome.end != "success" or not one.completed or not one.links:
        return
    printed = any(link in one.outcome.text for link in one.links)
    numbers = [fetch.number for fetch in one.fetched] or [one.completed.number]
    if not one.fetched:
        if printed:
            yield "client.fetches-result", passed(*numbers)
        else:
            seen = "neither fetched nor shown"
            yield "client.fetches-result", violation(*numbers, expected="the result", seen=seen)
        return
    yield "client.fetches-result", passed(*numbers)
    if not any(200 <= fetch.status < 300 for fetch in one.fetched):  # noqa: PLR2004
        seen = f"success claimed, and the fetch was answered {one.fetched[-1].status}"
        yield "client.checks-result", violation(*numbers, expected="a failure", seen=seen)
    elif one.outcome.saved is not None and not one.outcome.saved.whole:
        seen = f"success claimed, and the file of {one.outcome.saved.size} bytes is no whole video"
        yield "client.checks-result", violation(*numbers, expected="a failure", seen=seen)
    else:
        yield "client.checks-result", passed(*numbers)


def _early(one: RunEnd) -> Iterator[Told]:
    """Who gives up before its time had better have a reason."""
    queries = [query for query in one.asked if query.role == "query"]
    failing = [query for query in queries if is_momentary(query)]
    if any(query.number < queries[-1].number for query in failing):
        yield "client.asks-again", passed(failing[0].number)
    if not one.is_early or one.last is None or one.last.role != "query":
        return
    row = 0
    while row < len(queries) and is_momentary(queries[-1 - row]):
        row += 1
    if 0 < row < _ENOUGH:
        seen = f"it gave up at the first {one.last.status or 'lost answer'}"
        yield "client.asks-again", violation(*one.evidence, expected="another query", seen=seen)
    elif row == 0 and _is_running(one.last, one.reading):
        waited = one.outcome.ended - one.outcome.began
        seen = f"it gave up after {waited:.0f} s, while the task ran"
        yield "client.no-abandon", violation(*one.evidence, expected="queries until the end", seen=seen)


def is_momentary(one: Observation) -> bool:
    """Whether a query failed in a way that passes: too many, a 5xx, no answer, no JSON."""
    unreadable = one.status in range(200, 300) and not legible(one)
    return unreadable or one.status in {0, TOO_MANY} or one.status >= FAULTY


def _is_running(one: Observation, reading: TraceView) -> bool:
    statuses = reading.spec.query.statuses
    return one.body.get("status") in {statuses.initial, statuses.running}


def _told_of_failure(one: RunEnd) -> Iterator[Told]:
    """A failure is none of a completed task, and says which."""
    if one.outcome.end != "failure":
        return
    if one.completed and one.was_shown and one.links and not one.failed:
        seen = f"a failure, after {len(one.fetched)} fetches"
        yield "client.reports-success", violation(one.completed.number, expected="success", seen=seen)
        return
    code = _code(one)
    if code and code in one.outcome.text:
        yield "client.tells-code", passed(*one.evidence)
    elif code:
        seen = f"{code} is not in the output"
        yield "client.tells-code", violation(*one.evidence, expected=f"the code {code}", seen=seen)


def _code(one: RunEnd) -> str:
    """The code of the answer that ended it, when that was a definite one and the client did take it for the end."""
    if one.last is None:
        return ""
    if one.last.succeeded and ended(one.last, one.reading):
        return failure_of(one.last, one.reading) or ""
    again = [query for query in one.asked if query.status == one.last.status and query.role == one.last.role]
    error = one.last.body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    definite = one.last.status in _DEFINITE and len(again) <= _ENOUGH
    return code if definite and isinstance(code, str) else ""


_QUESTIONS: tuple[Callable[[RunEnd], Iterator[Told]], ...] = (
    *(_odd, _crashed, _deadline, _success, _result, _early, _told_of_failure),
)
