"""How a client follows its tasks: whom it asks about, how often, until when, and what it does with the end. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.observations import results_of
from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.clients.activity import (
    SOON,
    asks,
    ended,
    equals,
    failure_of,
    fetches,
    invented,
    legible,
    pause,
    placeholder,
    untold,
)
from evolink_check.rules.registry import rule, rule_family
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation, TaskRecord, TraceView
    from evolink_check.analysis.verdicts import Finding

INTERVAL = 1.0  # seconds between two queries, at least
_JITTER = 0.15  # seconds of a network and of a timer
_USEFUL = 65.0  # seconds: a minute, and how late a minute may be
_LATER = 1.85  # seconds after which a create that follows a failure is not "at once"
_DAY = 24 * 3600.0
# By clause: the advice of a failure code, what is expected instead of an equal create, and within how many seconds.
_AFTER_FAILURE = {
    "client.fix-first": ("fix-request", "a changed request", SOON),
    "client.retry-later": ("retry-later", "a wait before it is tried again", _LATER),
    "client.give-up": ("give-up", "no further create", SOON),
}


@rule("client.given-ids")
def given_ids(reading: TraceView) -> Iterator[Finding]:
    """A query names an id that an earlier answer gave."""
    nobodys = invented(reading)
    for one in asks(reading, "query"):
        if one.number in nobodys:
            yield violation(one.number, expected="an id from an earlier answer", seen=f"{one.task_id[:60]!r}")
        elif one.answered and placeholder(one, reading) is None:
            yield passed(one.number)


@rule("client.no-guarantees")
def no_guarantees(reading: TraceView) -> Iterator[Finding]:
    """A create without an id in its answer is not followed by a query for a placeholder."""
    for one in reading.seen:
        missing = placeholder(one, reading)
        if missing is not None:
            yield violation(one.number, expected="an id that was given", seen=f"a query for {missing!r}")
        elif one.role == "create" and one.succeeded and not one.task_id:
            yield passed(one.number)


@rule("client.same-account")
def same_account(reading: TraceView) -> Iterator[Finding]:
    """A task is queried with the key that created it."""
    for story in reading.stories.values():
        maker = story.create.entry.who if story.create else UNKNOWN
        for one in (*story.queries, *story.refused):
            if maker in {UNKNOWN, NOBODY} or one.entry.who in {UNKNOWN, NOBODY} or story.create is None:
                continue
            if one.entry.who == maker:
                yield passed(one.number)
            else:
                seen = f"the key of {one.entry.who!r} for a task of {maker!r}"
                yield violation(story.create.number, one.number, expected="the key of the create", seen=seen)


# How often


def _gaps(reading: TraceView) -> Iterator[tuple[TaskRecord, list[tuple[Observation, Observation]]]]:
    """The queries of each task that follow an answer that it was still running, with that answer."""
    for story in reading.stories.values():
        calls = [one.entry.began for one in story.deliveries]
        queries = [one for one in asks(reading, "query") if one.task_id == story.id]
        yield (
            story,
            [
                (before, after)
                for before, after in pairwise(queries)
                if before.entry.who == after.entry.who and before.succeeded and not ended(before, reading)
                if not any(before.entry.began <= call <= after.entry.began for call in calls)
            ],
        )


@rule("client.poll-interval")
def poll_interval(reading: TraceView) -> Iterator[Finding]:
    """Queries of a running task are at least a second apart."""
    for _, pairs in _gaps(reading):
        gaps = [(after.entry.began - before.entry.began, before, after) for before, after in pairs]
        quick = [one for one in gaps if one[0] < INTERVAL - _JITTER]
        if len(quick) > 1 and len(quick) * 2 > len(gaps):  # once may be a network that held one up
            shortest, before, after = min(quick, key=lambda one: one[0])
            seen = f"{len(quick)} of {len(gaps)} sooner, {shortest:.2f} s the soonest"
            yield violation(before.number, after.number, expected=f"{INTERVAL:g} s or more", seen=seen)
        elif gaps:
            yield passed(*(after.number for _, _, after in gaps))


@rule("client.poll-useful")
def poll_useful(reading: TraceView) -> Iterator[Finding]:
    """Without a callback a running task is queried about once a minute."""
    for story, pairs in _gaps(reading):
        for before, after in pairs if story.callback_url is None else ():
            gap = pause(before, after)
            if gap > _USEFUL:
                yield violation(before.number, after.number, expected="a query a minute", seen=f"{gap:.0f} s")
            else:
                yield passed(after.number)


# Until when


@rule("client.stops-at-end")
def stops_at_end(reading: TraceView) -> Iterator[Finding]:
    """A task that has ended is not polled any further."""
    for story in reading.stories.values():
        for index, end in enumerate(story.queries):
            if not ended(end, reading):
                continue
            later = [one for one in story.queries[index + 1 :] if one.entry.began >= end.entry.ended]
            busy = [
                one for one, before in zip(later, [end, *later], strict=False) if pause(before, one) < SOON
            ]
            if len(busy) > 1:
                seen = f"{len(busy)} queries more"
                yield violation(
                    end.number, *(one.number for one in busy[:5]), expected="no more queries", seen=seen
                )
            else:
                yield passed(end.number)
            break


@rule("client.no-abandon")
def no_abandon(reading: TraceView) -> Iterator[Finding]:
    """A task is queried until it has ended."""
    queried = {one.task_id for one in asks(reading, "query")}
    mistaken = bool(untold(reading))  # then it did ask, by an id that is none: `client.given-ids`
    for story in reading.stories.values():
        if story.create is None or not legible(story.create):
            continue
        if any(ended(one, reading) for one in story.views):
            yield passed(story.create.number)
        elif (
            reading.trace.complete and story.callback_url is None and story.id not in queried and not mistaken
        ):
            yield violation(story.create.number, expected="queries until the end", seen="none")


# What becomes of it


@rule("client.failed-is-failure")
def failed_is_failure(reading: TraceView) -> Iterator[Finding]:
    """Nobody looks for the result of a failed task."""
    for story in reading.stories.values():
        end = next((one for one in story.views if failure_of(one, reading) is not None), None)
        if end is None:
            continue
        taken = [
            one
            for one in reading.of("link", "other path", "elsewhere")
            if story.id in one.entry.exchange.url and one.entry.began >= end.entry.ended
        ]
        for one in taken:
            yield violation(end.number, one.number, expected="a failure", seen="a result looked for")
        if not taken:
            yield passed(end.number)


@rule_family(_AFTER_FAILURE)
def after_failure(clause: str, reading: TraceView) -> Iterator[Finding]:
    """No equal create follows soon after a failure with this advice."""
    advice, expected, within = _AFTER_FAILURE[clause]
    advised = {failure.code: failure.advice for failure in reading.spec.failures}
    ends = {
        story.create.number: (end, code)
        for story in reading.stories.values()
        if story.create
        for end in (*story.queries, *story.deliveries)
        if (code := failure_of(end, reading)) is not None and advised.get(code) == advice
    }
    for group in equals(reading, "create"):
        for one in group:
            if one.number not in ends:
                continue
            end, code = ends[one.number]
            again = next((more for more in group if more.number > end.number), None)
            if again is not None and pause(end, again) < within:
                seen = f"the same create {max(0.0, pause(end, again)):.1f} s after {code}"
                yield violation(end.number, again.number, expected=expected, seen=seen)
            else:
                yield passed(end.number)


@rule("client.fetch-in-24h")
def fetched_in_time(reading: TraceView) -> Iterator[Finding]:
    """A result is fetched within 24 hours."""
    fetched = fetches(reading)
    for story in reading.stories.values():
        end = next((one for one in story.views if results_of(one.body)), None)
        links = {url.partition("?")[0] for url in results_of(end.body)} if end else set()
        first = next((one for one in fetched if one.entry.exchange.url.partition("?")[0] in links), None)
        if end is None or first is None:
            continue
        took = pause(end, first)
        if took > _DAY:
            yield violation(
                end.number, first.number, expected="within 24 hours", seen=f"{took / 3600:.1f} h later"
            )
        else:
            yield passed(first.number)
