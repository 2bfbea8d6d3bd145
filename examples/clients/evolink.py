"""What an answer of the EvoLink API means, whatever asked for it. Beside this, a client only has to send and wait."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

CREATE = "/v1/videos/generations"
RETRIES = 2  # of a create that made no task, and of a download


class Refused(Exception):  # noqa: N818  (a no is an answer)
    """The API said no, or the task failed: the documented code and message."""


class GaveUp(Exception):  # noqa: N818  (what was done)
    """What became of it is not known, or the video is not to be had."""


@dataclass(frozen=True)
class Answer:
    """What is left of an answer: status 0 when it is lost, -1 when the API was not even reached."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    retry_after: float = 5  # seconds, where the API does not say

    @property
    def failed(self) -> bool:
        """Whether asking again later may help, the longer the later."""
        return self.status < 200 or self.status >= 500


UNSENT, LOST = Answer(-1), Answer(0)


def read(response: httpx.Response) -> Answer:
    """An answer of which nothing is taken for granted. A gateway's page instead of one is a lost one."""
    status, headers = response.status_code, response.headers
    try:
        body = response.json() if "json" in headers.get("content-type", "") else None
    except ValueError:
        body = None
    if not isinstance(body, dict) or not (response.is_success or "error" in body):
        if response.is_success or response.is_server_error:
            return LOST
        body = {}
    return Answer(status, body, seconds(headers.get("retry-after", "")))


def seconds(value: str) -> float:
    """What a Retry-After means: a number, or a date."""
    try:
        wait = float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError):
        return Answer.retry_after
    return max(1, wait)


def said(answer: Answer) -> str:
    """`code: message` of a refusal or a failed task."""
    error = answer.body["error"] if isinstance(answer.body.get("error"), dict) else {}
    return (
        f"{error.get('code') or f'no code (status {answer.status})'}: {error.get('message') or 'no message'}"
    )


def order(prompt: str, image_url: str, **more: str) -> dict[str, Any]:
    """The body of a create."""
    model = "grok-imagine-image-to-video-beta"
    return {"model": model, "prompt": prompt, "image_urls": [image_url], **more}


def query(task_id: str) -> str:
    """Where to ask for a task."""
    return f"/v1/tasks/{quote(task_id, safe='')}"


def created(answer: Answer, failures: int) -> str | None:
    """The id of the new task. None when there surely is none, and it may be tried again after `failures` of them."""
    task_id = answer.body.get("id")
    if 200 <= answer.status < 300 and task_id and isinstance(task_id, str):
        return task_id
    if answer.status == 429 or (answer.status in {UNSENT.status, 500} and failures < RETRIES):
        return None
    if 300 <= answer.status <= 500:
        raise Refused(said(answer))
    if answer.status == UNSENT.status:
        raise GaveUp("the API cannot be reached; nothing was created")
    raise GaveUp("create's answer is lost: there may be a task, with credits reserved. It is not sent again.")


def ended(answer: Answer) -> str | None:
    """The link to the task's video. None while it goes on, which a word that is not known means as well."""
    if 300 <= answer.status < 500 and answer.status != 429:
        raise Refused(said(answer))
    status = answer.body.get("status") if 200 <= answer.status < 300 else None
    if status == "failed":
        raise Refused(said(answer))
    if status != "completed":
        return None
    results = answer.body.get("results")
    links = [one for one in results if safe(one)] if isinstance(results, list) else []
    if not links:
        raise GaveUp(f"the task is completed, without a result that can be used: {results!r}")
    return str(links[0])


def pause(answer: Answer, failures: int, interval: float) -> float:
    """Seconds until the next request: what a 429 says, the interval, or twice as long after each failure."""
    if answer.status == 429:
        return max(interval, answer.retry_after)
    return interval if 200 <= answer.status < 300 else interval * 2**failures


def safe(url: Any) -> bool:
    """Whether a URL is https, or leads to this machine."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return False
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def whole(answer: httpx.Response, path: Path) -> bool:
    """Whether the MP4 of this answer is all there: it is a row of boxes, each of which begins with its length."""
    at, size = 0, path.stat().st_size
    if answer.status_code != 200 or answer.headers.get("content-length", str(size)) != str(size):
        return False
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            length = int.from_bytes(file.read(4))
            at += (int.from_bytes(file.read(12)[4:]) if length == 1 else length) or size - at
    return at == size > 0


def alive(answer: httpx.Response) -> None:
    """Raise GaveUp for a link that will never work (again)."""
    if answer.is_client_error and answer.status_code != 429:
        raise GaveUp(f"the link to the video is dead (status {answer.status_code}): they live for 24 hours")
