"""Valid creates that were refused, and the feature that was not accepted.

A body may have a feature that a clause of its own allows (an old model name, an unknown field, …). When such a create
is refused, and another without the feature was not, that clause is violated; else `create.accepts` is.
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

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView

    SizesByFeature = Mapping[
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


def unknown_headers(observation: Observation) -> list[str]:
    """The names of request headers that should change nothing (clause `wire.unknown-headers`)."""
    names = [name.lower() for name, _ in observation.exchange.request_headers]
    return [name for name in names if name.startswith("x-") or name == "idempotency-key"]


def headers_to_blame(view: TraceView) -> Mapping[int, str]:
    """The exchanges, by number, that were refused for an unknown header, each with its name.

    So it is when the same kind of request of the same account was not refused without, nor let pass with it.
    """
    return view.once(_headers_to_blame)


def findings_of_valid_creates(view: TraceView) -> Iterator[tuple[str, Finding]]:
    """What is told by the creates that are in order, each with its clause."""
    creates = [create for create in view.of("create") if is_valid(create)]
    refused = [create for create in creates if _is_refused(create, view)]
    accepted = [create for create in creates if create.status == create.success]
    for create in accepted:
        for clause in {feature.clause for feature in features(create, view)} or {"create.accepts"}:
            yield clause, passed(create.number)
    yield from _refusals(refused, accepted, view)
    yield from _always_500(creates)


def is_valid(observation: Observation) -> bool:
    """A create with nothing to object to, of a key that is known to be good, with an answer to judge."""
    return not observation.faults and observation.account.valid is True and is_judgeable(observation)


def features(observation: Observation, view: TraceView) -> tuple[Feature, ...]:
    """What a valid body has that a clause of its own allows."""
    asked, operation = observation.request_json, observation.operation
    assert operation is not None  # noqa: S101  (a create)
    found = [Feature("model.alias")] if asked.get("model") in operation.aliases else []
    found += [Feature("create.unknown-fields")] if asked.keys() - operation.properties else []
    length = len(asked.get("prompt", ""))
    found += [Feature("prompt.length", size=length)] if length > _LONG_PROMPT else []
    url = asked.get(operation.callback.field, "") if operation.callback else ""
    found += [Feature("callback.max-length", size=len(url))] if len(url) > _LONG_URL else []
    if url and not (view.trace.receiver and url.startswith(view.trace.receiver)):
        found.append(Feature(_UNRESOLVED, host_of(url)))
    return tuple(found)


def _is_refused(observation: Observation, view: TraceView) -> bool:
    barred = observation.account.access is False and observation.status != 402  # noqa: PLR2004  (told by model.access)
    unjust = observation.status in _REFUSED and observation.status not in permitted(observation, view)
    return unjust and not barred and observation.number not in headers_to_blame(view)


def _refusals(
    refused: Iterable[Observation], accepted: Iterable[Observation], view: TraceView
) -> Iterator[tuple[str, Finding]]:
    accepted_sizes = _accepted_sizes(feature for create in accepted for feature in features(create, view))
    suspects = [(create, _suspects(features(create, view), accepted_sizes)) for create in refused]
    sole = {found[0].clause for _, found in suspects if len(found) == 1}
    plain = any(not found for _, found in suspects)
    for observation, found in suspects:
        if (plain and found) or (len(found) > 1 and sole & {feature.clause for feature in found}):
            continue  # another create tells more
        clause = found[-1].clause if found else "create.accepts"
        yield (
            clause,
            violation(
                observation.number,
                expected="200: the documents allow this create",
                seen=str(observation.status),
            ),
        )


def _suspects(found: Sequence[Feature], accepted_sizes: SizesByFeature) -> list[Feature]:
    """The features that another create did not have when it was accepted.

    Last stands a host that may not resolve: today it may, and tomorrow not, so it is left out only beside another.
    """
    others = [
        feature
        for feature in found
        if feature.clause != _UNRESOLVED and not _was_accepted(feature, accepted_sizes)
    ]
    return others + [
        feature
        for feature in found
        if feature.clause == _UNRESOLVED and not (others and _was_accepted(feature, accepted_sizes))
    ]


def _accepted_sizes(accepted: Iterable[Feature]) -> SizesByFeature:
    """The most of each feature; whoever takes a host under `.invalid`, which has no address, takes any."""
    most: dict[tuple[str, str], int] = {}
    for create in accepted:
        key = create.clause, _ANY if create.host.endswith(".invalid") else create.host
        most[key] = max(create.size, most.get(key, 0))
    return most


def _was_accepted(feature: Feature, accepted_sizes: SizesByFeature) -> bool:
    """Whether another had as much of it."""
    return any(
        accepted_sizes.get((feature.clause, host), -1) >= feature.size for host in (feature.host, _ANY)
    )


def _always_500(creates: Iterable[Observation]) -> Iterator[tuple[str, Finding]]:
    """A passing 500 is not a violation; three for equal requests, and never another answer, are one."""
    equal: defaultdict[tuple[str, bytes], list[Observation]] = defaultdict(list)
    for create in creates:
        equal[create.who, create.exchange.request_body].append(create)
    for same in equal.values():
        if len(same) >= _ENOUGH and {create.status for create in same} == {500}:
            numbers = [create.number for create in same]
            yield (
                "create.accepts",
                violation(*numbers, expected="200 at some time", seen=f"{len(same)} times 500"),
            )


def _headers_to_blame(view: TraceView) -> dict[int, str]:
    refused_without, accepted_sizes, suspects = set(), set(), []
    for observation in view.of("create", "query"):
        if not (is_judgeable(observation) and observation.account.valid):
            continue
        right = permitted(observation, view)
        situation = (observation.role, observation.who, right, _is_query_of_known_task(observation, view))
        names = unknown_headers(observation)
        if observation.status in right:
            accepted_sizes |= {(situation, name) for name in names}
        elif not names:
            refused_without.add(situation)
        elif is_error(observation):
            suspects.append((observation, situation, names))
    return {
        observation.number: next(name for name in names if (situation, name) not in accepted_sizes)
        for observation, situation, names in suspects
        if situation not in refused_without and {(situation, name) for name in names} - accepted_sizes
    }


def _is_query_of_known_task(observation: Observation, view: TraceView) -> bool:
    return observation.role == "query" and observation.task_id in known_tasks(view)
