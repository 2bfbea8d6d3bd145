"""One request of a client of these tests, and what is left of its answer. Only of what Python brings along."""

from __future__ import annotations

import http.client
import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from support.faulty_clients.profiles import CUT, DROPPED, PAGE, UNSENT

if TYPE_CHECKING:
    from support.faulty_clients.profiles import Manner

OK = range(200, 300)
REDIRECTS = (301, 302, 307, 308)


class Answer(NamedTuple):
    """What is left of an answer: a negative status says how it was lost."""

    status: int
    body: dict[str, Any]
    wait: float = 2.0  # seconds, where no Retry-After says

    @property
    def ok(self) -> bool:
        return self.status in OK


def send(
    method: str, url: str, headers: dict[str, str], content: bytes | None = None, timeout: float = 15
) -> tuple[int, dict[str, str], bytes]:
    """One request, whose answer comes whole or not at all."""
    parts = urlsplit(url)
    near = parts.hostname in {"127.0.0.1", "localhost"}
    door = parts if near else urlsplit(os.environ.get("HTTP_PROXY", url))
    connection = http.client.HTTPConnection(door.hostname or "", door.port or 80, timeout=timeout)
    try:
        target = parts._replace(scheme="", netloc="").geturl() if near else url
        connection.request(method, target, content, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def seconds(value: str) -> float:
    """What a Retry-After means: a number, or a date."""
    from email.utils import mktime_tz, parsedate_tz

    if value.isdecimal():
        return float(value)
    date = parsedate_tz(value)
    return 2.0 if date is None else max(1.0, mktime_tz(date) - time.time() + 1)


def answer(
    manner: Manner, method: str, url: str, headers: dict[str, str], content: bytes | None = None
) -> Answer:
    """One request to the API, and what came of it."""
    try:
        status, said, raw = send(method, url, headers, content, manner.timeout)
    except ConnectionRefusedError:
        return Answer(UNSENT, {})
    except http.client.IncompleteRead:
        return Answer(CUT, {})
    except (OSError, http.client.HTTPException):
        return Answer(DROPPED, {})
    if manner.follows_redirects and status in REDIRECTS and "location" in said:
        return answer(manner, method, said["location"], headers, content)
    return read(manner, status, said, raw)


def read(manner: Manner, status: int, said: dict[str, str], raw: bytes) -> Answer:
    """An answer of which nothing is taken for granted: what is no JSON object is a gateway's page."""
    body = manner.decodes(raw)
    if not isinstance(body, dict) or "json" not in said.get("content-type", ""):
        return Answer(PAGE if status in OK else status, {})
    if status in OK:
        manner.reads(body)
    if said.get("retry-after"):
        manner.reads_wait(said["retry-after"])
    return Answer(status, body, seconds(said.get("retry-after", "")))
