"""Cases sent to the mock in process, as `Target` would send them to a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from evolink_check.fuzzing.fuzzer import Violations, violations_of
from evolink_check.generation.case import Case
from evolink_check.settings import Key, Subject
from evolink_check.traffic.trace import MAIN, NOBODY, WRONG, Account, Entry, Exchange
from evolink_spec.clauses import load_clauses

from support.mocks.in_process import CREATE, MODEL, SPEC, Mock, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = "http://mock.test"
LABELS = (MAIN, "other", "poor", "barred", "hasty")
KEYS = {
    label: Key(Account(label, valid=True, credits=label != "poor", access=label != "barred"), label)
    for label in LABELS
}
SUBJECT = Subject(ORIGIN, {MAIN: KEYS[MAIN]})
KNOWN = Subject(
    ORIGIN, {label: Key(key.account, key.token, limited=label == "hasty") for label, key in KEYS.items()}
)
CLAUSES = load_clauses()
ACCOUNTS = {label: key.account for label, key in KEYS.items()} | {WRONG: Account(WRONG, valid=False)}
VIOLATIONS: Violations = violations_of(SPEC, CLAUSES, ACCOUNTS, ORIGIN)
Twist = Callable[
    [Case, int, Any], tuple[int, Any]
]  # a case, status and decoded body of its answer, to others


def silent(_: Entry) -> tuple[str, ...]:
    """A judge who sees nothing."""
    return ()


@dataclass
class Sending:
    """A `Send`: what it sent, and what came back. `twist` makes a broken server of the mock."""

    mock: Mock
    twist: Twist | None = None
    cases: list[Case] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, case: Case) -> Entry:
        with self._lock:
            return self._sent(case)

    @property
    def accepted(self) -> list[Case]:
        return [
            case
            for case, entry in zip(self.cases, self.entries, strict=True)
            if entry.exchange.status < 300 and case.method == "POST"
        ]

    def _sent(self, case: Case) -> Entry:
        headers = [*case.headers]
        if case.authorization is not None:
            headers.append(("Authorization", case.authorization))
        elif case.key != NOBODY:
            headers.append(("Authorization", f"Bearer {case.key}"))
        request = self.mock.client.request(case.method, case.path, headers=headers, content=case.body or None)
        answer = self.mock.run(request)
        status, body = answer.status_code, answer.content
        if self.twist is not None:
            status, value = self.twist(case, status, json.loads(body))
            body = json.dumps(value, separators=(",", ":")).encode()
        received = tuple((name, text) for name, text in answer.headers.items() if name != "content-length")
        exchange = Exchange(
            case.method, f"{ORIGIN}{case.path}", case.headers, case.body, status, received, body
        )
        now = self.mock.clock.now()
        who = NOBODY if case.authorization is not None else case.key
        self.cases.append(case)
        self.entries.append(Entry(len(self.entries), exchange, now, now, who=who, case=case.name))
        return self.entries[-1]


@contextmanager
def sending(twist: Twist | None = None, **choices: Any) -> Iterator[Sending]:
    """A mock that knows the keys of the labels and no other."""
    with playing(tokens=frozenset(LABELS), **choices) as mock:
        yield Sending(mock, twist)


def body_of(case: Case) -> Any:
    return json.loads(case.body)


def accepts_duration_7(case: Case, status: int, body: Any) -> tuple[int, Any]:
    """A server that makes a task of seven seconds."""
    try:
        asked = json.loads(case.body or b"{}")
    except (ValueError, RecursionError):
        return status, body
    seven = isinstance(asked, dict) and asked.get("duration") == 7 and asked.get("model") == MODEL
    if (case.method, case.path, status) != ("POST", CREATE, 400) or not seven:
        return status, body
    task = SPEC.creates["POST", CREATE][MODEL].answer
    return 200, {**task, "id": "task-unified-1757169743-7cvnl5zw", "created": 1757169743}
