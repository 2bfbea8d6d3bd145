"""Creates that are in order and were refused all the same: what about them was not let pass? Pure.

A body may have a feature that a clause of its own allows (an old model name, an unknown field, …). When such a create
is refused, and another without the feature was not, that clause is broken; else `create.accepts` is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from evolink_check.analysis.internal_hosts import host_of
from evolink_check.analysis.verdicts import Finding, passed, violation
from evolink_check.rules.exchanges.allowed_statuses import permitted
from evolink_check.rules.exchanges.attribution import is_error, is_judgeable, known_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evolink_check.analysis.observations import Observation, TraceView

    Fine = Mapping[
        tuple[str, str], int
    ]  # by clause and host of a feature: its greatest size that was accepted

_UNRESOLVED = "callback.unresolved"
_LONG_PROMPT = 500  # characters: about where a limit that nobody documented would be
_LONG_URL = 1_000
_REFUSED = {400, 402, 403}
_ANY = "*"  # of the hosts of callbacks
_ENOUGH = 3  # answers with 500 and never another


class Feature(NamedTuple):
    """What a clause of its own allows. `host` of a callback; `size` in characters, where more may be refused."""

    clause: str
    host: str = ""
    size: int = 0


def unknown_headers(one: Observation) -> list[str]:
    """The names of request headers that should change nothing (clause `wire.unknown-headers`)."""
    names = [name.lower() for name, _ in one.entry.exchange.request_headers]
    return [name for name in names if name.startswith("x-") or name == "idempotency-key"]


def headers_to_blame(reading: TraceView) -> Mapping[int, str]:
    """The exchanges, by number, that were refused for an unknown header, each with its name.

    So it is when the same kind of request of the same account was not refused without, nor let pass with it.
    """
    return reading.once(_headers_to_blame)


def findings_of_valid(reading: TraceView) -> Iterator[tuple[str, Finding]]:
    """What is told by the creates that are in order, each with its clause."""
    creates = [one for one in reading.of("create") if is_valid(one)]
    refused = [one for one in creates if _is_refused(one, reading)]
    accepted = [one for one in creates if one.status == one.success]
    for one in accepted:
        for clause in {feature.clause for feature in features(one, reading)} or {"create.accepts"}:
            yield clause, passed(one.number)
    yield from _refusals(refused, accepted, reading)
    yield from _never_but_500(creates)


def is_valid(one: Observation) -> bool:
    """A create with nothing to object to, of a key that is known to be good, with an answer to judge."""
    return not one.faults and one.account.valid is True and is_judgeable(one)


def features(one: Observation, reading: TraceView) -> tuple[Feature, ...]:
    """What a valid body has that a clause of its own allows."""
    asked, operation = one.asked, one.operation
    assert operation is not None  # noqa: S101  (a create)
    found = [Feature("model.alias")] if asked.get("model") in operation.aliases else []
    found += [Feature("create.unknown-fields")] if asked.keys() - operation.properties else []
    length = len(asked.get("prompt", ""))
    found += [Feature("prompt.length", size=length)] if length > _LONG_PROMPT else []
    url = asked.get(operation.callback.field, "") if operation.callback else ""
    found += [Feature("callback.max-length", size=len(url))] if len(url) > _LONG_URL else []
    if url and not (reading.trace.receiver and url.startswith(reading.trace.receiver)):
        found.append(Feature(_UNRESOLVED, host_of(url)))
    return tuple(found)


def _is_refused(one: Observation, reading: TraceView) -> bool:
    barred = one.account.access is False and one.status != 402  # noqa: PLR2004  (told by model.access)
    unjust = one.status in _REFUSED and one.status not in permitted(one, reading)
    return unjust and not barred and one.number not in headers_to_blame(reading)


def _refusals(
    refused: Iterable[Observation], accepted: Iterable[Observation], reading: TraceView
) -> Iterator[tuple[str, Finding]]:
    fine = _fine(feature for one in accepted for feature in features(one, reading))
    suspects = [(one, _suspects(features(one, reading), fine)) for one in refused]
    sole = {found[0].clause for _, found in suspects if len(found) == 1}
    plain = any(not found for _, found in suspects)
    for one, found in suspects:
        if (plain and found) or (len(found) > 1 and sole & {feature.clause for feature in found}):
            continue  # another create tells more
        clause = found[-1].clause if found else "create.accepts"
        yield (
            clause,
            violation(one.number, expected="200: the documents allow this create", seen=str(one.status)),
        )


def _suspects(found: Sequence[Feature], fine: Fine) -> list[Feature]:
    """The features that another create did not have when it was accepted.

    Last stands a host that may not resolve: today it may, and tomorrow not, so it is left out only beside another.
    """
    others = [one for one in found if one.clause != _UNRESOLVED and not _is_fine(one, fine)]
    return others + [
        one for one in found if one.clause == _UNRESOLVED and not (others and _is_fine(one, fine))
    ]


def _fine(accepted: Iterable[Feature]) -> Fine:
    """The most of each feature; whoever takes a host under `.invalid`, which has no address, takes any."""
    most: dict[tuple[str, str], int] = {}
    for one in accepted:
        key = one.clause, _ANY if one.host.endswith(".invalid") else one.host
        most[key] = max(one.size, most.get(key, 0))
    return most


def _is_fine(one: Feature, fine: Fine) -> bool:
    """Whether another had as much of it."""
    return any(fine.get((one.clause, host), -1) >= one.size for host in (one.host, _ANY))


def _never_but_500(creates: Iterable[Observation]) -> Iterator[tuple[str, Finding]]:
    """A passing 500 is no violation; three for equal requests, and never another answer, are one."""
    equal: defaultdict[tuple[str, bytes], list[Observation]] = defaultdict(list)
    for one in creates:
        equal[one.entry.who, one.entry.exchange.request_body].append(one)
    for same in equal.values():
        if len(same) >= _ENOUGH and {one.status for one in same} == {500}:
            numbers = [one.number for one in same]
            yield (
                "create.accepts",
                violation(*numbers, expected="200 at some time", seen=f"{len(same)} times 500"),
            )


def _headers_to_blame(reading: TraceView) -> dict[int, str]:
    refused_without, fine, suspects = set(), set(), []
    for one in reading.of("create", "query"):
        if not (is_judgeable(one) and one.account.valid):
            continue
        right = permitted(one, reading)
        situation = (one.role, one.entry.who, right, _is_given(one, reading))
        names = unknown_headers(one)
        if one.status in right:
            fine |= {(situation, name) for name in names}
        elif not names:
            refused_without.add(situation)
        elif is_error(one):
            suspects.append((one, situation, names))
    return {
        one.number: next(name for name in names if (situation, name) not in fine)
        for one, situation, names in suspects
        if situation not in refused_without and {(situation, name) for name in names} - fine
    }


def _is_given(one: Observation, reading: TraceView) -> bool:
    return one.role == "query" and one.task_id in known_tasks(reading)
