"""How a callback receiver, and the client behind it, take what they are called with. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.clients.activity import asks, ended, fetches, lost
from evolink_check.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation, TaskRecord, TraceView
    from evolink_check.analysis.verdicts import Finding

TIMEOUT = 10.0  # seconds that a receiver has
_GRACE = 0.5  # seconds of a network
_OK = range(200, 300)


def _took(one: Observation) -> float:
    return one.entry.ended - one.entry.began


def _is_slow(one: Observation) -> bool:
    return _took(one) > TIMEOUT + _GRACE or (not one.answered and _took(one) > TIMEOUT - _GRACE)


@rule("receiver.answers-2xx")
def answers_2xx(reading: TraceView) -> Iterator[Finding]:
    """A receiver answers a delivery with a 2xx."""
    for story in reading.stories.values():
        for index, one in enumerate(story.deliveries):
            if one.status in _OK:
                yield passed(one.number)
            elif not _is_slow(one) and not _heard_before(story, index):
                yield violation(
                    one.number, expected="2xx", seen=str(one.status) if one.answered else "no answer"
                )


def _heard_before(story: TaskRecord, index: int) -> bool:
    return any(one.status in _OK for one in story.deliveries[:index])


@rule("receiver.within-10s")
def within_10s(reading: TraceView) -> Iterator[Finding]:
    """A receiver answers within ten seconds."""
    for one in reading.of("delivery"):
        if _is_slow(one):
            seen = f"{'an' if one.answered else 'no'} answer in {_took(one):.1f} s"
            yield violation(one.number, expected=f"an answer in {TIMEOUT:g} s", seen=seen)
        elif one.answered:
            yield passed(one.number)


@rule("receiver.idempotent")
def idempotent(reading: TraceView) -> Iterator[Finding]:
    """A repeated delivery is answered with a 2xx and does nothing a second time."""
    for story in reading.stories.values():
        for index, one in enumerate(story.deliveries):
            if not _heard_before(story, index):
                continue
            twice = [fetch for fetch in story.links if fetch.status in _OK]
            before = [fetch for fetch in twice if fetch.entry.ended <= one.entry.began]
            after = [fetch for fetch in twice if fetch.entry.began >= one.entry.began]
            if one.status not in _OK and not _is_slow(one):
                seen = str(one.status) if one.answered else "no answer"
                yield violation(one.number, expected="2xx for a repetition too", seen=seen)
            elif before and after:
                yield violation(
                    one.number, after[0].number, expected="one fetch", seen="another after a repetition"
                )
            else:
                yield passed(one.number)


@rule("receiver.asks-back")
def asks_back(reading: TraceView) -> Iterator[Finding]:
    """What a callback says is confirmed by a query before it is acted on."""
    for story in reading.stories.values():
        told = next((one for one in story.deliveries if one.status in _OK), None)
        if told is None or not reading.trace.complete:
            continue
        sure = [one for one in story.queries if ended(one, reading)]
        acted = next(
            (one for one in _fetches_of(story, reading) if one.entry.began >= told.entry.began), None
        )
        asked = [one for one in asks(reading, "query") if one.task_id == story.id]
        if acted is not None and not any(one.number < acted.number for one in sure):
            seen = "the result fetched on the callback's word"
            yield violation(told.number, acted.number, expected="a query that confirms it", seen=seen)
        elif sure or any(one.entry.began >= told.entry.began for one in asked):
            yield passed(told.number)
        elif not any(map(lost, asks(reading, "create"))):  # else it may be none of its own, for all it knows
            yield violation(told.number, expected="a query that confirms it", seen="none")


def _fetches_of(story: TaskRecord, reading: TraceView) -> list[Observation]:
    return [one for one in fetches(reading) if story.id in one.entry.exchange.url] or story.links


@rule("receiver.fallback")
def falls_back(reading: TraceView) -> Iterator[Finding]:
    """A client whose callback never arrived queries its task."""
    for story in reading.stories.values():
        heard = any(one.status in _OK for one in story.deliveries)
        if story.create is None or story.callback_url is None or heard or not _is_watched(reading):
            continue
        if lost(story.create):  # then the client does not know that there is a task
            continue
        if any(one.task_id == story.id for one in asks(reading, "query")):
            yield passed(story.create.number)
        else:
            failed = [one.number for one in story.deliveries]
            seen = "no query, and no callback that arrived"
            yield violation(story.create.number, *failed, expected="a query all the same", seen=seen)


def _is_watched(reading: TraceView) -> bool:
    return reading.trace.complete and bool(reading.trace.receiver)
