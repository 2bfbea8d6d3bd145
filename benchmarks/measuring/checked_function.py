"""Check a function with 50 examples, by whichever build is installed. It uses only the standard library."""

from __future__ import annotations

import http.client
import json
import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

# Of this build, or of one with other names.
PACKAGE = "evolink_check" if find_spec("evolink_check") else "contracts"

PATIENCE = 150.0
REFUSED = {400, 401, 402, 403, 404}


class GaveUpError(Exception):
    """What the function tells its user."""


def ask(
    base_url: str, token: str, method: str, path: str, body: Any = None
) -> tuple[int, dict[str, str], Any]:
    """One exchange: status, headers in lower case, JSON body or None."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        raw = answer.read()
    finally:
        connection.close()
    told = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, told, json.loads(raw) if "json" in told.get("content-type", "") else None


def create(base_url: str, token: str, request: dict[str, Any]) -> str:
    """The id of a new task."""
    for attempt in range(5):
        try:
            status, headers, body = ask(base_url, token, "POST", "/v1/videos/generations", request)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise GaveUpError("the answer is lost; a task may have been made") from error
        if status == 200 and isinstance(body, dict) and body.get("id"):
            return str(body["id"])
        if status not in {429, 500} or not body:
            raise GaveUpError(str(((body or {}).get("error") or {}).get("code", f"no id, status {status}")))
        time.sleep(float(headers.get("retry-after", 0)) + 2.0**attempt)
    raise GaveUpError("refused five times")


def drive(base_url: str, token: str, request: dict[str, Any]) -> Any:
    """Create a task and follow it to its end."""
    task_id, wait, deadline = create(base_url, token, request), 5.0, time.monotonic() + PATIENCE - 50
    while time.monotonic() < deadline:
        time.sleep(wait)
        try:
            status, _, body = ask(base_url, token, "GET", f"/v1/tasks/{task_id}")
        except (OSError, http.client.HTTPException, ValueError):
            status, body = 0, None
        task = body if isinstance(body, dict) else {}
        if status in REFUSED or task.get("status") == "failed":
            raise GaveUpError(str((task.get("error") or {}).get("code")))
        if task.get("status") == "completed":
            return task.get("results") or []
        wait = 5.0 if task.get("status") else wait * 2
    raise GaveUpError(f"it takes too long; ask for {task_id} later")


import_module(f"{PACKAGE}.client").check(drive, examples=50, seed=1, patience=PATIENCE)
