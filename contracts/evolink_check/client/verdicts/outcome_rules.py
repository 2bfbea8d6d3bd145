"""Rules that compare the end of a client with its last responses.

These rules report the first violation. The first violation usually explains the rest. For example, a crash explains a
missing error code. If a violation in the traffic explains the end, no further violation is reported. A printed secret
is always reported.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import Finding, passed, violation
from evolink_check.client.verdicts.result_rules import has_result
from evolink_check.client.verdicts.run_end import RunEnd
from evolink_check.rules.clients.activity import failure_of, is_readable_json, reports_task_end
from evolink_check.rules.clients.retries import FAULTY, TOO_MANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.client.harness.outcome import Outcome
    from evolink_check.client.harness.scenario import Scenario

# Clauses about the traffic. A violation of one of them explains any end of the client.
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
# Always reported, because no other violation explains a printed secret.
_APART = frozenset({"auth.not-printed"})
SILENT = 20.0  # seconds without a request while a task runs
_ENOUGH = 2  # failed queries in a row, after which a client may give up
_DEFINITE = frozenset({400, 401, 402, 403, 404})
ClauseFinding = tuple[str, Finding]  # a clause id, and a finding for or against the clause


def judge_end(
    reading: TraceView, outcome: Outcome, scenario: Scenario, *, explained: bool
) -> Iterator[ClauseFinding]:
    """Judge the end of a run. `explained` means that a violation in the traffic already explains how the run ended."""
    end = RunEnd(reading, outcome, scenario)
    for rule in _RULES:
        for clause, finding in rule(end):
            if not scenario.judges(clause):
                continue
            if clause in _APART:
                yield clause, finding
                continue
            if finding.passed:
                yield clause, finding
            elif not explained:
                explained = True
                yield clause, finding


def _tolerates_oddities(end: RunEnd) -> Iterator[ClauseFinding]:
    # An undocumented field in an error must not make the client crash.
    if end.rejects_unknown_field:
        yield "client.tolerant", violation(*end.evidence, expected="the usual end", seen=end.crash)
    elif end.scenario.adds and end.outcome.end == "failure" and not end.crash:
        yield "client.tolerant", passed(*end.evidence)
    # After unusual but documented responses, the client must end as usual.
    if not end.scenario.unusual or end.outcome.end == "killed":
        return
    if end.outcome.end == "success":
        yield "client.tolerant", passed(*end.evidence)
    elif end.last is not None and end.last.succeeded:
        seen = end.crash or "the client ended as if it had failed"
        yield "client.tolerant", violation(*end.evidence, expected="the usual end", seen=seen)


def _does_not_crash(end: RunEnd) -> Iterator[ClauseFinding]:
    if end.outcome.end == "killed":
        return
    if end.crash:
        lacks = f" (without {end.scenario.lacks})" if end.scenario.lacks else ""
        seen = f"{end.crash}{lacks}"
        yield "client.no-crash", violation(*end.evidence, expected="an error message of its own", seen=seen)
    else:
        yield "client.no-crash", passed(*end.evidence)


def _ends_in_time(end: RunEnd) -> Iterator[ClauseFinding]:
    over = end.completed or end.failed
    if end.outcome.end != "killed":
        if end.scenario.endless or end.scenario.hangs:
            yield "client.own-deadline", passed(*end.evidence)
        return
    ran = end.outcome.ended - end.outcome.began
    # Other programs on the machine may have delayed the client.
    undelayed = ran - end.outcome.delay
    patience = end.outcome.patience
    since_last = end.outcome.ended - (end.last.entry.ended if end.last else end.outcome.began)
    silence = max(0.0, since_last) - end.outcome.delay
    is_waiting = end.last is not None and end.last.role in {"create", "query"} and end.last.status != TOO_MANY
    # The client stopped querying a running task.
    if silence >= SILENT and not over and is_waiting and not end.scenario.hangs:
        seen = f"no query for the last {silence:.0f} s"
        yield "client.poll-useful", violation(*end.evidence, expected="a query a minute", seen=seen)
    # The task of the client had ended, or the deadline of the client had passed.
    elif (over and silence >= 0) or end.outcome.overslept or (patience is not None and undelayed >= patience):
        seen = f"it was still running after {ran:.0f} s"
        limit = f", after {patience:g} s" if patience is not None else ""
        yield "client.own-deadline", violation(*end.evidence, expected=f"the client to end{limit}", seen=seen)


def _waits_when_refused(end: RunEnd) -> Iterator[ClauseFinding]:
    if end.outcome.has_flooded:
        most = max(end.outcome.attempts, default=0)
        pace = f"up to {most} connections within a second" if most > 1 else "connections without a wait"
        seen = f"{pace}, while the server refused them"
        yield "client.backs-off", violation(expected="a wait, longer each time", seen=seen)
    elif end.scenario.refuses and any(end.outcome.attempts):
        yield "client.backs-off", passed()


def _keeps_secrets(end: RunEnd) -> Iterator[ClauseFinding]:
    if end.outcome.leaks:
        seen = "; ".join(end.outcome.leaks)
        yield "auth.not-printed", violation(expected="no secret in the output", seen=seen)
    elif end.outcome.status is not None:
        yield "auth.not-printed", passed()


def _reports_success(end: RunEnd) -> Iterator[ClauseFinding]:
    if end.outcome.end != "success":
        if end.outcome.end == "failure" and end.failed:
            yield "client.failed-is-failure", passed(*end.evidence)
        elif end.outcome.end == "failure" and not end.completed:
            yield "client.reports-failure", passed(*end.evidence)
        return
    if end.completed:
        yield "client.reports-success", passed(*end.evidence)
    elif end.never_queried:
        return  # another clause applies to a client that never queries
    elif end.failed:
        yield (
            "client.failed-is-failure",
            violation(end.failed.number, expected="a failure", seen="success"),
        )
    else:
        last = f"the last response was {end.last.status}" if end.last else "it had made no request"
        seen = f"success, although {last}"
        yield "client.reports-failure", violation(*end.evidence, expected="a failure", seen=seen)


def _gives_up_with_reason(end: RunEnd) -> Iterator[ClauseFinding]:
    queries = [query for query in end.requests if query.role == "query"]
    if end.last is not None and end.last.role == "query":  # a query of another task is no repetition
        queries = [query for query in queries if query.task_id == end.last.task_id]
    failing = [query for query in queries if is_momentary(query)]
    if any(query.number < queries[-1].number for query in failing):
        yield "client.asks-again", passed(failing[0].number)
    if not end.is_early or end.last is None or end.last.role != "query":
        return
    row = 0
    while row < len(queries) and is_momentary(queries[-1 - row]):
        row += 1
    if 0 < row < _ENOUGH and end.has_time_for_retry:
        seen = f"it gave up at the first {end.last.status or 'lost answer'}"
        yield "client.asks-again", violation(*end.evidence, expected="another query", seen=seen)
    elif row == 0 and _is_running(end.last, end.reading):
        waited = end.outcome.ended - end.outcome.began
        seen = f"it gave up after {waited:.0f} s, while the task was running"
        yield "client.no-abandon", violation(*end.evidence, expected="queries until the task ends", seen=seen)


def is_momentary(query: Observation) -> bool:
    """Whether a query failed temporarily.

    The response is then a 429 or a 5xx, missing, or not JSON.
    """
    unreadable = query.status in range(200, 300) and not is_readable_json(query)
    return unreadable or query.status in {0, TOO_MANY} or query.status >= FAULTY


def _is_running(query: Observation, reading: TraceView) -> bool:
    statuses = reading.spec.query.statuses
    return query.body.get("status") in {statuses.initial, statuses.running}


def _reports_failure(end: RunEnd) -> Iterator[ClauseFinding]:
    if end.outcome.end != "failure":
        return
    is_excused = end.is_out_of_time and end.may_have_cut_fetch
    if end.completed and end.is_proven_success and end.links and not end.failed and not is_excused:
        seen = f"a failure, after {len(end.fetched)} fetches of the result"
        if end.outcome.status == 0:
            file = "a" if end.outcome.saved is not None else "no"
            seen += (
                f": the exit status is 0 and there is {file} file, which together do not count as a success"
            )
        yield "client.reports-success", violation(end.completed.number, expected="success", seen=seen)
        return
    code = _final_code(end)
    if not code:
        yield from _explains_failure(end)
    elif _normalized(code) in _normalized(end.outcome.text):
        yield "client.tells-code", passed(*end.evidence)
    else:
        seen = f"{code} is not in the output"
        yield "client.tells-code", violation(*end.evidence, expected=f"the code {code}", seen=seen)


def _explains_failure(end: RunEnd) -> Iterator[ClauseFinding]:
    if end.outcome.status is None:
        return
    if end.outcome.text.strip():
        yield "client.explains-failure", passed(*end.evidence)
    else:
        seen = f"no output, and the exit status {end.outcome.status}"
        yield "client.explains-failure", violation(*end.evidence, expected="a message", seen=seen)


def _normalized(text: str) -> str:
    # `Quota Exceeded` and `quota_exceeded` become equal.
    return re.sub(r"[\s_-]+", " ", text).casefold()


def _final_code(end: RunEnd) -> str:
    if end.last is None:
        return ""
    if end.last.succeeded and reports_task_end(end.last, end.reading):
        return failure_of(end.last, end.reading) or ""
    # If the client repeated the request more than once, the client did not regard the rejection as final.
    repeats = [
        query for query in end.requests if query.status == end.last.status and query.role == end.last.role
    ]
    error = end.last.body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    definite = end.last.status in _DEFINITE and len(repeats) <= _ENOUGH
    return code if definite and isinstance(code, str) else ""


_RULES: tuple[Callable[[RunEnd], Iterator[ClauseFinding]], ...] = (
    *(
        _tolerates_oddities,
        _does_not_crash,
        _waits_when_refused,
        _keeps_secrets,
        _ends_in_time,
        _reports_success,
        has_result,
        _gives_up_with_reason,
        _reports_failure,
    ),
)
