"""Rules about result links: their life, their paths, and access without an API key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import results_of
from evolink_check.analysis.verdicts import passed, shown, violation
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.history import bodies_of, task_histories
from evolink_check.rules.tolerances import Tolerances
from evolink_check.traffic.formats import is_uri
from evolink_check.traffic.trace import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.history import TaskHistory

_TOLERANCES = Tolerances()
_MARGIN = _TOLERANCES.link_margin_server
_OK, _PARTIAL = 200, 206
_UNAUTHORIZED, _FORBIDDEN, _SERVER_ERROR = 401, 403, 500
_NOT_THE_LINK = {_UNAUTHORIZED, 405, 416, 429}  # errors about the API key, the method, the range or the rate
EXTENSIONS = {
    "video": "mp4 m4v mov webm mkv avi mpg mpeg ts m3u8",
    "audio": "mp3 wav ogg oga opus flac m4a aac pcm",
    "image": "png jpg jpeg webp gif avif bmp tif tiff",
}
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{2,5})$")


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request for a result file."""

    history: TaskHistory
    end_report: Observation  # the first response or callback that reports the end of the task
    link: Observation  # the request to the result link
    least: float  # minimum time from the task's end to this request, in seconds of the server's clock
    most: float  # maximum time from the task's end to this request, in seconds of the server's clock

    @property
    def succeeded(self) -> bool:
        """Whether the response contains the file or a part of it."""
        return self.link.status in {_OK, _PARTIAL}

    @property
    def number(self) -> int:
        """The number of the request in the trace."""
        return self.link.number

    @property
    def life(self) -> float:
        """How many seconds the link works, by default 24 hours."""
        operation = self.history.create.operation if self.history.create else None
        # The OpenAPI document of the model may state another time.
        return operation.prose.link_seconds if operation else _TOLERANCES.link_life_server


def fetches(view: TraceView) -> tuple[Fetch, ...]:
    """Return every GET and HEAD request for a result link of a completed task.

    Requests without a response are left out.
    """
    return view.once(_fetches)


def _fetches(view: TraceView) -> tuple[Fetch, ...]:
    by_url: dict[str, list[Observation]] = {}
    for link in view.of("link"):
        if link.exchange.method.upper() in {"GET", "HEAD"}:
            by_url.setdefault(link.exchange.url, []).append(link)
    fetched: list[Fetch] = []
    for history in task_histories(view):
        done = _completed(history)
        urls = dict.fromkeys(url for observation in done for url in results_of(observation.body))
        links = [link for url in urls for link in by_url.get(url, ())]
        if links:
            fetched += _fetches_of(history, links, done[0], view.trace.scale)
    return tuple(fetched)


def _completed(history: TaskHistory) -> list[Observation]:
    return [
        observation
        for observation in bodies_of(history)
        if observation.body.get("status") == history.statuses.success
    ]


def _fetches_of(
    history: TaskHistory, links: Sequence[Observation], end_report: Observation, scale: float
) -> Iterator[Fetch]:
    unfinished = [
        observation.began
        for observation in history.judged
        if observation.body.get("status") not in history.ends
    ]
    # The task ended between the last query that found it unfinished and `end_report`.
    earliest_end = max([history.create.began, *unfinished]) if history.create else float("-inf")
    latest_end = end_report.began if end_report.role == "delivery" else end_report.ended
    for fetch in links:
        least, most = (fetch.began - latest_end) * scale, (fetch.ended - earliest_end) * scale
        yield Fetch(history, end_report, fetch, least, most)


@rule("link.24h")
def works_24h(view: TraceView) -> Iterator[Finding]:
    """A result link works for 24 hours.

    A failed download with an API key is not judged.
    """
    for fetch in fetches(view):
        if fetch.most >= fetch.life - _MARGIN:
            continue
        if fetch.succeeded:
            yield passed(fetch.number)
        elif _is_dead(view, fetch):
            yield violation(
                fetch.history.create.number if fetch.history.create else fetch.number,
                fetch.number,
                expected=f"200 or 206 within {fetch.life / 3600:g} h",
                seen=f"{fetch.link.status} within {max(fetch.most, 0):.0f} s of the end",
            )


def _is_dead(view: TraceView, fetch: Fetch) -> bool:
    link, status = fetch.link, fetch.link.status
    if link.who != NOBODY or link.exchange.method.upper() != "GET":
        return False  # some object stores refuse a key that they do not need
    if status in _NOT_THE_LINK or status < 400:  # noqa: PLR2004
        return False
    if status == _FORBIDDEN:
        return not _works(view, fetch, keyed=True)
    return status < _SERVER_ERROR or not _works(view, fetch, later=True)


def _works(view: TraceView, fetch: Fetch, *, keyed: bool = False, later: bool = False) -> bool:
    """Return whether another request with this link succeeded."""
    return any(
        (not keyed or other.link.who != NOBODY) and (not later or other.number > fetch.number)
        for other in view.once(_last_successful)[fetch.link.exchange.url]
    )


def _last_successful(view: TraceView) -> Mapping[str, list[Fetch]]:
    by_url: dict[str, dict[bool, Fetch]] = {}
    for fetch in fetches(view):
        last = by_url.setdefault(fetch.link.exchange.url, {})
        if fetch.succeeded:
            last[fetch.link.who != NOBODY] = fetch
    return {url: list(last.values()) for url, last in by_url.items()}


@rule("link.expired")
def expired(view: TraceView) -> Iterator[Finding]:
    """A result link does not work after 24 hours."""
    for fetch in fetches(view):
        if fetch.least <= fetch.life + _MARGIN:
            continue
        if fetch.succeeded:
            yield violation(
                fetch.number,
                expected=f"no file after {fetch.life / 3600:g} h",
                seen=f"{fetch.link.status} after {fetch.least / 3600:.1f} h",
            )
        elif 400 <= fetch.link.status < _SERVER_ERROR and fetch.link.status not in _NOT_THE_LINK:  # noqa: PLR2004
            yield passed(fetch.number)


@rule("link.no-key")
def no_key(view: TraceView) -> Iterator[Finding]:
    """A result link needs no API key.

    A 403 is a violation if the link works with a key.
    """
    for fetch in fetches(view):
        if fetch.link.who != NOBODY:
            continue
        status = fetch.link.status
        refused = status == _UNAUTHORIZED or (status == _FORBIDDEN and _works(view, fetch, keyed=True))
        if fetch.succeeded:
            yield passed(fetch.number)
        elif refused and fetch.most < fetch.life - _MARGIN:
            yield violation(fetch.number, expected="the file without a key", seen=f"{status} without a key")


@rule("link.extension")
def extension(view: TraceView) -> Iterator[Finding]:
    """The path of a result link ends with the file's extension."""
    for history in task_histories(view):
        first = {
            url: observation
            for observation in reversed(_completed(history))
            for url in results_of(observation.body)
            if is_uri(url)
        }
        for url, observation in first.items():
            path = view.path(url)
            match = _EXTENSION.search(path)
            wanted = EXTENSIONS.get(medium_of(history, observation), "").split()
            if match and (not wanted or match[1].lower() in wanted):
                yield passed(observation.number)
            else:
                end = shown(path.rpartition("/")[2][-24:])
                example = f".{wanted[0]}" if wanted else "an extension"
                yield violation(
                    observation.number, expected=f"{example} at the end of the path", seen=f"a path to {end}"
                )


def medium_of(history: TaskHistory, observation: Observation) -> str:
    """Return the medium of a task's results, such as `video`.

    If the model is unknown, the medium is `type` in `observation`.
    """
    operation = history.create.operation if history.create else None
    return operation.medium if operation else str(observation.body.get("type"))
