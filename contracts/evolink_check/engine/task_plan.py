"""Plan the tasks that a run creates, sorted by priority. A small budget may not be enough for all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from evolink_check.analysis.request_faults import operation_of
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.formats import decode_json
from evolink_check.transport.callback_script import REDIRECT, Answer, never, slow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from evolink_spec import CallbackRules, Spec
    from evolink_spec.clauses import Clause

    from evolink_check.generation.case import Case
    from evolink_check.settings import Subject

Address = Callable[
    [str, tuple[Answer, ...]], str
]  # returns a callback URL for the name of a case and a script of answers
FAILS = "known failure"  # the beginning of the name of a case whose task is known to fail
_SEEN_ON_TASKS = frozenset(
    {"trace", "link", "callback", "query"}
)  # where a clause can be observed on tasks only
_PLAIN = 2  # how many tasks are created if any task can show the requested clauses
_SLOW = 3.0  # seconds of the server's time after which a slow answer is sent
_LEEWAY = 1.5  # seconds of the server's time that a retry may be late
_LATE = 0.5  # real seconds for the network
_PATIENT, _MARGIN = 1.25, 2.0  # the receiver waits 1.25 times as long as the sender, plus 2 seconds


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task to create and to follow."""

    case: Case  # the create request
    # The receiver's responses to the deliveries of the callback. If it is None, no callback is requested.
    script: tuple[Answer, ...] | None = None
    for_callbacks: bool = False  # the task is created only for its callback
    address: str = ""  # the callback URL in the create request; empty if there is none yet


def planned_tasks(
    spec: Spec,
    subject: Subject,
    creating: Iterable[Case],
    wanted: Iterable[Clause] = (),
    *,
    callbacks: bool,
) -> tuple[PlannedTask, ...]:
    """Plan the tasks of a run.

    `creating` are valid create requests. `callbacks` is true if callbacks are watched. If `wanted` is not empty, the
    tasks are for the clauses in `wanted`.

    `subject.failing` describes create requests whose tasks fail. If `subject.failing` is not empty, such a task comes
    first. No further task runs at the same time. A change of the credits is then due to the failed task.
    """
    clauses = list(wanted)
    cases = _cases_for_clauses(list(creating), clauses)
    if not cases:
        return ()
    rules = rules_of(spec, cases[0]) if callbacks and _concerns(clauses, "callback") else None
    failing = (
        [_failing(cases[0], failure.code, failure.fields) for failure in subject.failing]
        if _fails(clauses)
        else []
    )
    first = [PlannedTask(case, () if rules else None) for case in failing[:1]]
    scripts = _scripts(rules, subject.scale, clauses) if rules else {}
    calling = [
        PlannedTask(replace(cases[0], name=name), script, for_callbacks=True)
        for name, script in scripts.items()
    ]
    mixed = chain.from_iterable(zip_longest(map(PlannedTask, cases), calling, map(PlannedTask, failing[1:])))
    return (*first, *(task for task in mixed if task is not None))


def with_callback_urls(
    tasks: Iterable[PlannedTask], spec: Spec, address: Address | None
) -> tuple[PlannedTask, ...]:
    """Return the tasks, with callback URLs added to their create requests.

    If `address` is None, callbacks are not watched. Tasks for callbacks are then left out.
    """
    if address is None:
        return tuple(replace(task, script=None) for task in tasks if not task.for_callbacks)
    return tuple(
        task if task.script is None else _with_callback_url(task, task.script, spec, address)
        for task in tasks
    )


def _with_callback_url(
    task: PlannedTask, script: tuple[Answer, ...], spec: Spec, address: Address
) -> PlannedTask:
    rules = rules_of(spec, task.case)
    assert rules is not None  # noqa: S101  (there is a script)
    url = address(task.case.name, script)
    return replace(task, case=_with_fields(task.case, {rules.field: url}), address=url)


def _cases_for_clauses(cases: list[Case], clauses: list[Clause]) -> list[Case]:
    if not clauses:
        return cases
    ids = {clause.id for clause in clauses}
    # a clause about tasks needs some tasks to observe
    few = _PLAIN if clauses_seen_only_on_tasks(clauses) else 0
    return [case for case in cases if not ids.isdisjoint(case.clauses)] or cases[:few]


def _concerns(clauses: list[Clause], *rooms: str) -> bool:
    return not clauses or any(clause.id.partition(".")[0] in rooms for clause in clauses)


def _fails(clauses: list[Clause]) -> bool:
    return _concerns(clauses, "failure", "task", "credits", "query", "callback")


def rules_of(spec: Spec, case: Case) -> CallbackRules | None:
    """Return the callback rules for a create request; None if callbacks are not documented."""
    creates = spec.creates[(case.method, case.path)]
    return operation_of(decode_json(case.body), creates).callback


def _failing(case: Case, code: str, fields: Mapping[str, Any]) -> Case:
    return replace(_with_fields(case, fields), name=f"{FAILS}: {code}")


def _with_fields(case: Case, fields: Mapping[str, Any]) -> Case:
    return replace(case, body=json.dumps({**decode_json(case.body), **fields}).encode())


def _scripts(rules: CallbackRules, scale: float, clauses: list[Clause]) -> dict[str, tuple[Answer, ...]]:
    failed, ids = Answer(500), {clause.id.removeprefix("callback.") for clause in clauses}
    held = never(rules.timeout * _PATIENT + _MARGIN)  # a server's time-out may be in real seconds
    scripts: dict[str, tuple[tuple[Answer, ...], set[str]]] = {
        "taken": ((Answer(200),), ids),
        "always refused": (
            (failed,) * (len(rules.retries) + 3),
            {"retries", "at-most-three", "any-failure"},
        ),
        "refused twice": ((failed, failed), {"retries", "2xx-success", "body-equals-query", "any-failure"}),
        "not answered": ((held,), {"timeout", "any-failure"}),
        "redirected": ((REDIRECT,), {"no-redirects", "any-failure"}),
        "answered slowly": ((slow(_SLOW / scale),), {"timeout", "2xx-success"}),
    }
    # a script lists the receiver's responses to the first deliveries; all later responses are 204
    return {
        f"callback: {name}": script for name, (script, about) in scripts.items() if not ids or ids & about
    }


def delivery_wait_seconds(rules: CallbackRules, count: int, scale: float) -> float:
    """Return the real seconds to wait for the next delivery of a callback.

    `count` is the number of deliveries so far. The wait is derived from the callback rules. After the last documented
    retry, the wait is long enough to notice an undocumented retry.
    """
    if count <= len(rules.retries):
        return Tolerances(scale).wait_for_delivery(rules, count)
    # a little more than twice the longest documented delay
    return (2 * max(rules.retries, default=1.0) + _LEEWAY) / scale + _LATE


def clauses_seen_only_on_tasks(clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """Return the clauses that require a created task."""
    return tuple(clause for clause in clauses if clause.observed.where in _SEEN_ON_TASKS)
