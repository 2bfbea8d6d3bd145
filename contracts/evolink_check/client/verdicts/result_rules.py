"""The rules about the result of a completed task.

The client must download the result or print its link. An incomplete result is no success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_spec.clauses import Severity

    from evolink_check.analysis.verdicts import Finding
    from evolink_check.client.harness.outcome import SavedFile
    from evolink_check.client.verdicts.run_end import RunEnd

    # The description of a problem, and its severity. If it is None, the severity of the clause applies.
    _Problem = tuple[str, Severity | None]


def has_result(end: RunEnd) -> Iterator[tuple[str, Finding]]:
    """A client that reports success must have the result.

    The client must have downloaded the complete result or printed its link.
    """
    if end.outcome.end != "success" or not end.completed:
        return
    if not end.links:
        if not end.fetched and end.is_proven_success:
            seen = "success, although the task has no result"
            yield "client.checks-result", violation(end.completed.number, expected="a failure", seen=seen)
        return
    printed = any(link in end.outcome.text for link in end.links)
    numbers = [fetch.number for fetch in end.fetched] or [end.completed.number]
    if not end.fetched:
        if printed:
            yield "client.fetches-result", passed(*numbers)
        else:
            seen = "neither fetched nor shown"
            yield "client.fetches-result", violation(*numbers, expected="the result", seen=seen)
        return
    yield "client.fetches-result", passed(*numbers)
    problem = _problem_of_result(end)
    if problem is None:
        yield "client.checks-result", passed(*numbers)
    else:
        seen, severity = problem
        found = violation(*numbers, expected="a failure", seen=f"success, although {seen}", severity=severity)
        yield "client.checks-result", found


def _problem_of_result(end: RunEnd) -> _Problem | None:
    saved, good = end.outcome.saved, [fetch for fetch in end.fetched if 200 <= fetch.status < 300]  # noqa: PLR2004
    if not good:
        return f"the fetch was answered with {end.fetched[-1].status}", None
    if saved is None:
        is_missing = end.outcome.asked_to_save and not end.outcome.wrote
        return ("it saved no file", None) if is_missing else None
    return None if saved.whole else _problem_of_file(saved, good[-1].header("content-length") or "")


def _problem_of_file(saved: SavedFile, content_length: str) -> _Problem:
    size = f"the file of {saved.size} bytes"
    if content_length.isdecimal() and saved.size < int(content_length):
        return f"{size} is shorter than the {content_length} that were announced", None
    if not saved.media:
        return (
            f"{size} is empty" if not saved.size else f"{size} is a page or JSON in place of the video",
            None,
        )
    # The file is not decoded here, so a player may be able to play it.
    return f"{size} is not a whole video", "warning"
