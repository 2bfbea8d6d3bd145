"""Rules about result files: content type, duration and resolution."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evolink_check.analysis.verdicts import finding, passed, shown, violation
from evolink_check.rules.registry import rule
from evolink_check.rules.tasks.result_links import EXTENSIONS, fetches, medium_of
from evolink_check.rules.tolerances import Tolerances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView
    from evolink_check.analysis.verdicts import Finding
    from evolink_check.rules.tasks.result_links import Fetch

_TOLERANCES = Tolerances()
_OK = 200
_ROUNDED = 16  # lines by which an encoder may round a size to whole blocks
_AS_GOOD = {"application/mp4", "application/ogg"}  # also registered for audio and video
_LINES = re.compile(r"([0-9]{3,4})p")


@rule("link.content-type")
def content_type(view: TraceView) -> Iterator[Finding]:
    """A result file has the content type of its format.

    The file can be decoded.
    """
    for fetch in fetches(view):
        headers = fetch.link.exchange.response_headers
        medium = medium_of(fetch.history, fetch.end_report)
        if not fetch.succeeded or not headers or medium not in EXTENSIONS:
            continue
        kind = (fetch.link.header("Content-Type") or "").partition(";")[0].strip().lower()
        media = fetch.link.entry.media
        problem = media.problem if media and fetch.link.status == _OK else ""
        if media and fetch.link.status == _OK and medium != "audio" and not media.height:
            problem = problem or "it contains no picture"
        if not kind.startswith(f"{medium}/") and kind not in _AS_GOOD:
            yield violation(fetch.number, expected=f"{medium}/…", seen=f"Content-Type {shown(kind)}")
        else:
            yield finding(
                not problem,
                fetch.number,
                expected=f"a file that can be decoded as {medium}",
                seen=shown(problem),
            )


@rule("result.duration")
def duration(view: TraceView) -> Iterator[Finding]:
    """A result file has the requested duration."""
    return (finding for name, requested, finding in _measured(view) if name == "duration" and requested)


@rule("result.quality")
def quality(view: TraceView) -> Iterator[Finding]:
    """A result file has the requested resolution."""
    return (finding for name, requested, finding in _measured(view) if name == "quality" and requested)


@rule("create.defaults")
def defaults(view: TraceView) -> Iterator[Finding]:
    """A result file has the default properties if the create request omits them."""
    return (finding for _, requested, finding in _measured(view) if not requested)


def _measured(view: TraceView) -> Iterator[tuple[str, bool, Finding]]:
    """Yield a property's name, whether it was requested, and its finding."""
    for fetch in fetches(view):
        create, media = fetch.history.create, fetch.link.entry.media
        if create is None or create.operation is None or media is None or media.problem:
            continue
        if fetch.link.status != _OK:  # a part of a file has another length
            continue
        requested: Any = create.request_json if isinstance(create.request_json, dict) else {}
        for name, measure in (("duration", _seconds), ("quality", _lines)):
            wanted = requested.get(name, create.operation.defaults.get(name))
            finding = measure(fetch, create, wanted)
            if finding is not None:
                yield name, name in requested, finding


def _seconds(fetch: Fetch, create: Observation, wanted: Any) -> Finding | None:
    media = fetch.link.entry.media
    if media is None or isinstance(wanted, bool) or not isinstance(wanted, int | float) or wanted <= 0:
        return None  # -1 and 0 leave the duration to the model
    if create.operation is not None and create.operation.medium == "image":
        return None
    if abs(media.seconds - wanted) <= _TOLERANCES.video_length:
        return passed(create.number, fetch.number)
    seen = f"a result of {media.seconds:.2f} s"
    return violation(create.number, fetch.number, expected=f"{wanted:g} s, within half a second", seen=seen)


def _lines(fetch: Fetch, create: Observation, wanted: Any) -> Finding | None:
    media, match = fetch.link.entry.media, _LINES.fullmatch(wanted) if isinstance(wanted, str) else None
    if media is None or match is None or not media.height:
        return None
    sides = {media.height, media.width} if media.height > media.width else {media.height}
    if any(abs(side - int(match[1])) <= _ROUNDED for side in sides):
        return passed(create.number, fetch.number)
    seen = f"a picture of {media.width}x{media.height}"
    return violation(create.number, fetch.number, expected=f"{match[1]} lines", seen=seen)
