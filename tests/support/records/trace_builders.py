"""Traces made by hand: a correct server's, in which a test changes one thing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evolink_check import Exchange
from evolink_check.analysis.trace_view import TraceView
from evolink_check.rules import RULES
from evolink_check.traffic.trace import Account, Entry, Media, Trace
from evolink_spec import load
from evolink_spec.clauses import load_clauses

if TYPE_CHECKING:
    from evolink_check.analysis.verdicts import Finding, Rule

SPEC = load()
SERVER = tuple(one.id for one in load_clauses() if one.binds == "server" and one.id in RULES)
ORIGIN = "https://api.example.test"
CREATE = "/v1/videos/generations"
MODEL = "grok-imagine-image-to-video-beta"
BODY: dict[str, Any] = {"model": MODEL, "prompt": "A dance", "image_urls": ["https://example.com/a.jpg"]}
START = 1_757_169_743.0
ID = "task-unified-1757169743-7cvnl5zw"
RESULT = f"https://media.example.test/{ID}.mp4"
JSON = (("Content-Type", "application/json"), ("Date", "Sat, 06 Sep 2025 14:42:23 GMT"))  # START
ACCOUNTS = {
    "main": Account("main", valid=True, credits=True, access=True),
    "other": Account("other", valid=True, credits=True, access=True),
    "wrong": Account("wrong", valid=False),
}


def compact(value: Any) -> bytes:
    """A body as the server writes it; bytes as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def task(**changes: Any) -> dict[str, Any]:
    """The answer of a create; a change to None leaves the field out."""
    usual = {
        "created": int(START),
        "id": ID,
        "model": MODEL,
        "object": "video.generation.task",
        "progress": 0,
        "status": "pending",
        "task_info": {"can_cancel": True, "estimated_time": 120},
        "type": "video",
        "usage": {"billing_rule": "per_call", "credits_reserved": 5, "user_group": "default"},
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def processing(progress: int = 40, **changes: Any) -> dict[str, Any]:
    return task(status="processing", progress=progress, **changes)


def completed(**changes: Any) -> dict[str, Any]:
    usual = {"can_cancel": False, "estimated_time": 120}
    return task(**{"status": "completed", "progress": 100, "results": [RESULT], "task_info": usual} | changes)


def failed(code: str = "service_error", **changes: Any) -> dict[str, Any]:
    error = {"code": code, "message": "Service error: it went wrong.\nTry again.", "type": "task_error"}
    usual = {"status": "failed", "progress": 0, "error": error, "task_info": {"can_cancel": False}}
    return task(**usual | changes)


def error(code: Any, type_: str, message: str = "No", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": type_, **more}}


@dataclass
class Tracing:
    """Adds entries one second after the other; `trace()` is what a judge gets."""

    at: float = START
    receiver: str = ""
    scale: float = 1.0
    complete: bool = True
    accounts: dict[str, Account] = field(default_factory=lambda: dict(ACCOUNTS))
    entries: list[Entry] = field(default_factory=list)

    def exchange(  # noqa: PLR0913  (what a test may want to be otherwise)
        self,
        method: str,
        path: str,
        status: int,
        answer: Any = b"",
        *,
        asked: Any = b"",
        headers: tuple[tuple[str, str], ...] = JSON,
        sent: tuple[tuple[str, str], ...] = (),
        who: str = "main",
        took: float = 0.1,
        after: float = 1.0,
        media: Media | None = None,
        problem: str = "",
        case: str = "",
        exact: bool = True,
        size: int | None = None,
    ) -> Entry:
        """One exchange with the API (a path), or with any address (a whole URL)."""
        self.at += after if self.entries else 0.0
        body = compact(asked) if asked != b"" else b""
        kinds = (("Content-Type", "application/json"),) if body and not sent else ()
        found = Exchange(
            method=method,
            url=path if "://" in path else f"{ORIGIN}{path}",
            request_headers=(*sent, *kinds),
            request_body=body,
            status=status,
            response_headers=headers,
            response_body=compact(answer) if answer != b"" else b"",
        )
        return self._add(
            Entry(
                len(self.entries),
                found,
                self.at,
                self.at + took,
                who=who,
                media=media,
                problem=problem,
                case=case,
                exact=exact,
                size=size,
            )
        )

    def create(self, answer: Any = None, status: int = 200, body: Any = None, **more: Any) -> Entry:
        asked = BODY if body is None else body
        return self.exchange(
            "POST", CREATE, status, task() if answer is None else answer, asked=asked, **more
        )

    def query(self, answer: Any, status: int = 200, id_: str = ID, **more: Any) -> Entry:
        return self.exchange("GET", f"/v1/tasks/{id_}", status, answer, **more)

    def credits(self, left: float, **more: Any) -> Entry:
        side = {"remaining_credits": left, "used_credits": 0}
        data = {"user": side, "token": side | {"unlimited_credits": False}}
        body = {"success": True, "message": "", "data": data}
        return self.exchange("GET", "/v1/credits", 200, body, **more)

    def link(self, status: int = 200, url: str = RESULT, **more: Any) -> Entry:
        usual: dict[str, Any] = {
            "headers": (("Content-Type", "video/mp4"),),
            "media": Media(6.0, 854, 480, "h264"),
        }
        return self.exchange("GET", url, status, **usual | more)

    def delivery(  # noqa: PLR0913  (the same)
        self,
        body: Any,
        status: int = 204,
        url: str = "https://hooks.example.test/c/1?s=x",
        *,
        after: float = 1.0,
        took: float = 0.1,
        method: str = "POST",
        sent: tuple[tuple[str, str], ...] = JSON,
        problem: str = "",
    ) -> Entry:
        """What the server told a receiver, which answered with `status` (0: not at all)."""
        self.at += after if self.entries else 0.0
        found = Exchange(method, url, sent, compact(body), status, (), b"")
        entry = Entry(
            len(self.entries), found, self.at, self.at + took, kind="delivery", who="server", problem=problem
        )
        return self._add(entry)

    def _add(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        self.at = entry.ended
        return entry

    def trace(self) -> Trace:
        return Trace(
            tuple(self.entries),
            self.accounts,
            ORIGIN,
            self.receiver,
            self.at + 60.0 if self.receiver else 0.0,
            self.scale,
            self.complete,
        )

    def reading(self) -> TraceView:
        return TraceView(self.trace(), SPEC)

    def findings(self, rule: Rule) -> list[Finding]:
        return list(rule(self.reading()))

    def accused(self) -> dict[str, str]:
        """Every clause that binds a server and that this breaks, with what was seen first."""
        reading = self.reading()
        found: dict[str, str] = {}
        for clause in SERVER:
            rule = RULES[clause]
            violations = [finding for finding in rule(reading) if not finding.passed]
            if violations:
                assert all(one.expected and one.seen and one.entries for one in violations)
                found[clause] = violations[0].seen
        return found

    def passed(self) -> dict[str, int]:
        """How often each clause that binds a server was seen to be kept; those that were not are left out."""
        reading = self.reading()
        counts = {clause: sum(one.passed for one in RULES[clause](reading)) for clause in SERVER}
        return {clause: count for clause, count in counts.items() if count}
