"""HAR files as other tools write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evolink_check.traffic.har.archive import from_har

from support.records.trace_builders import RESULT, Tracing, completed, error, task

if TYPE_CHECKING:
    from evolink_check.traffic.trace import Entry, Trace

API = "https://api.evolink.ai"
SECRET = "s3cr3tAbcdef0123456789"
SENT_KEY = "sk-0123456789abcdefghij"
HOOK = f"https://hooks.example.test/c/1?s={SECRET}"


def whole_trace() -> Trace:
    trace = Tracing(receiver="https://hooks.example.test/", scale=10.0)
    trace.create(body={"prompt": "x", "callback_url": HOOK}, sent=(("Authorization", f"Bearer {SENT_KEY}"),))
    trace.query(error("unauthorized", "authentication_error"), 401, who="wrong")
    trace.query(completed(results=[f"{RESULT}?sig={SECRET}"]))
    trace.link(url=f"{RESULT}?sig={SECRET}", answer=b"\x00\xff\xfe")
    trace.delivery(completed(), status=0, url=HOOK, problem="the receiver was told not to answer")
    return trace.trace()


def archive(*entries: dict[str, Any], creator: str = "browser", **log: Any) -> dict[str, Any]:
    return {
        "log": {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": entries, **log}
    }


def foreign(**changes: Any) -> dict[str, Any]:
    """A create as another tool records it; `request` and `response` add to what is there."""
    text = json.dumps(task())
    request: dict[str, Any] = {"method": "POST", "url": f"{API}/v1/videos/generations", "headers": []}
    request |= {"postData": {"mimeType": "application/json", "text": '{"prompt":"x"}'}}
    content = {"size": len(text), "text": text, "mimeType": "application/json"}
    kind = {"name": "content-type", "value": "application/json"}
    response = {"status": 200, "headers": [kind], "content": content}
    usual = {
        "startedDateTime": "2025-09-06T14:42:23.500Z",
        "time": 250,
        "request": request,
        "response": response,
    }
    parts = {name: usual[name] | changes.pop(name, {}) for name in ("request", "response")}
    return usual | parts | changes


def key(value: str) -> dict[str, Any]:
    return {"headers": [{"name": "Authorization", "value": value}]}


def only(document: dict[str, Any]) -> Entry:
    (entry,) = from_har([("a.har", document)]).entries
    return entry
