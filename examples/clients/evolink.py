"""Read the responses of the EvoLink API and decide on the next step. Independent of how requests are sent."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

CREATE = "/v1/videos/generations"
RETRIES = 2  # of a create request that created no task


class RefusedError(Exception):
    """The API refused a request, or the task failed. The text is the code and the message of the error."""


class GaveUpError(Exception):
    """The outcome is unknown, or the video cannot be fetched."""


@dataclass(frozen=True)
class Answer:
    """The relevant parts of a response. `status` is 0 if the response was lost, -1 if the API was not reached."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    retry_after: float = 5  # seconds; 5 if the response does not say

    @property
    def failed(self) -> bool:
        """Whether a later attempt may succeed."""
        return self.status < 200 or self.status >= 500


UNSENT, LOST = Answer(-1), Answer(0)


def parse_response(response: httpx2.Response) -> Answer:
    """Read a response that may have any content. The HTML page of a gateway counts as a lost response."""
    status, headers = response.status_code, response.headers
    try:
        body = response.json() if "json" in headers.get("content-type", "") else None
    except ValueError:
        body = None
    if not isinstance(body, dict) or not (response.is_success or "error" in body):
        if response.is_success or response.is_server_error:
            return LOST
        body = {}
    return Answer(status, body, parse_retry_after(headers.get("retry-after", "")))


def parse_retry_after(value: str) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or a date; the default if it is invalid."""
    try:
        wait = float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError):
        return Answer.retry_after
    return max(1, wait)


def describe_error(answer: Answer) -> str:
    """Return `code: message` of a refused request or a failed task."""
    error = answer.body["error"] if isinstance(answer.body.get("error"), dict) else {}
    return (
        f"{error.get('code') or f'no code (status {answer.status})'}: {error.get('message') or 'no message'}"
    )


def create_body(prompt: str, image_url: str, **more: str) -> dict[str, Any]:
    """Return the body of a create request."""
    model = "grok-imagine-image-to-video-beta"
    return {"model": model, "prompt": prompt, "image_urls": [image_url], **more}


def query_path(task_id: str) -> str:
    """Return the path of the query of a task."""
    return f"/v1/tasks/{quote(task_id, safe='')}"


def task_id_of(answer: Answer, failures: int) -> str | None:
    """Return the id of the new task, or None if no task was created and the request should be sent again.

    `failures` is the number of failed attempts so far. Raises RefusedError if the API refused the request, and
    GaveUpError if the outcome is unknown or there were too many failures.
    """
    task_id = answer.body.get("id")
    if 200 <= answer.status < 300 and task_id and isinstance(task_id, str):
        return task_id
    if answer.status == 429 or (answer.status in {UNSENT.status, 500} and failures < RETRIES):
        return None
    if 300 <= answer.status <= 500:
        raise RefusedError(describe_error(answer))
    if answer.status == UNSENT.status:
        raise GaveUpError("the API cannot be reached; nothing was created")
    raise GaveUpError(
        "create's answer is lost: there may be a task, with credits reserved. It is not sent again."
    )


def result_link(answer: Answer) -> str | None:
    """Return the link to the task's video, or None if the task is not known to have ended.

    Raises RefusedError if the task failed or the query was refused, GaveUpError if there is no usable link.
    """
    if 300 <= answer.status < 500 and answer.status != 429:
        raise RefusedError(describe_error(answer))
    status = answer.body.get("status") if 200 <= answer.status < 300 else None
    if status == "failed":
        raise RefusedError(describe_error(answer))
    if status != "completed":
        return None
    results = answer.body.get("results")
    links = [link for link in results if is_safe(link)] if isinstance(results, list) else []
    if not links:
        raise GaveUpError(f"the task is completed, without a result that can be used: {results!r}")
    return str(links[0])


def next_wait(answer: Answer, failures: int, interval: float) -> float:
    """Return the seconds until the next request: as a 429 says, or the interval, which doubles with each failure."""
    if answer.status == 429:
        return max(interval, answer.retry_after)
    return interval if 200 <= answer.status < 300 else interval * 2**failures


def is_safe(url: Any) -> bool:
    """Whether a URL is https, or points to this machine."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return False
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and here))


def is_complete(answer: httpx2.Response, path: Path) -> bool:
    """Whether the file at `path` is the complete MP4 of this response. An MP4 is a sequence of boxes with a length."""
    at, size = 0, path.stat().st_size
    if answer.status_code != 200 or answer.headers.get("content-length", str(size)) != str(size):
        return False
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            length = int.from_bytes(file.read(4))
            at += (int.from_bytes(file.read(12)[4:]) if length == 1 else length) or size - at
    return at == size > 0


def check_link(answer: httpx2.Response) -> None:
    """Raise GaveUpError if the response shows that the link will never work again."""
    if answer.is_client_error and answer.status_code != 429:
        raise GaveUpError(
            f"the link to the video no longer works (status {answer.status_code}): links expire after 24 hours"
        )
