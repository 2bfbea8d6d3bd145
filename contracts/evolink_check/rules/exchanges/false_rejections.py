"""Find valid create requests that were refused, and the reason.

A feature of a create request is, for example, an old model name. Each feature has its own clause, which
allows the feature. If requests with a feature are refused, the clause of this feature is violated. If
requests without any feature are refused too, `create.accepts` is violated instead.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from evolink_check.analysis.internal_hosts import host_of
from evolink_check.analysis.verdicts import Finding, passed, violation
from evolink_check.rules.exchanges.allowed_statuses import permitted
from evolink_check.rules.exchanges.attribution import (
    has_judgeable_status,
    is_error,
    is_judgeable,
    known_tasks,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evolink_check.analysis.observations import Observation
    from evolink_check.analysis.trace_view import TraceView

    SizesByFeature = Mapping[
        tuple[str, str], int
    ]  # the largest accepted size of a feature, by its clause and host

_UNRESOLVED = "callback.unresolved"
_LONG_PROMPT = 500  # characters: an undocumented limit would hardly be lower
_LONG_URL = 1_000
_REFUSED = {400, 402, 403}
_ANY = "*"  # any host of a callback URL
ENOUGH = 3  # a 500 is lasting if equal requests got it at least this often and no other status


class Feature(NamedTuple):
    """A feature of a create request, such as an old model name.

    Each feature has its own clause, which allows the feature.
    """

    clause: str  # the id of the clause that allows the feature
    host: str = ""  # the host of the callback URL, if the feature is a host
    size: int = 0  # characters of the prompt or callback URL, if the feature is a length


def unknown_headers(observation: Observation) -> list[str]:
    """Return the names of the request headers that should have no effect (clause `wire.unknown-headers`)."""
    names = [name.lower() for name, _ in observation.exchange.request_headers]
    return [name for name in names if name.startswith("x-") or name == "idempotency-key"]


def headers_to_blame(view: TraceView) -> Mapping[int, str]:
    """Map each exchange that was refused for an unknown header to this header.

    The keys are the numbers of the exchanges. The values are the names of the headers.
    """
    return view.once(_headers_to_blame)


def findings_of_valid_creates(view: TraceView) -> Iterator[tuple[str, Finding]]:
    """Judge whether valid create requests are accepted.

    Each finding comes with the id of its clause.
    """
    creates = [create for create in view.of("create") if is_valid(create)]
    refused = [create for create in creates if _is_refused(create, view)]
    accepted = [create for create in creates if create.status == create.success]
    for create in accepted:
        for clause in {feature.clause for feature in features(create, view)} or {"create.accepts"}:
            yield clause, passed(create.number)
    yield from _refusals(refused, accepted, view)
    yield from _lasting_500(view)


def is_valid(observation: Observation) -> bool:
    """Return whether a create request has no fault and a valid API key.

    Returns False if rules cannot judge the response status.
    """
    return not observation.faults and observation.account.valid is True and has_judgeable_status(observation)


def features(observation: Observation, view: TraceView) -> tuple[Feature, ...]:
    """Return the features of a valid create request, such as an old model name."""
    body, operation = observation.request_json, observation.operation
    assert operation is not None  # noqa: S101  (a create)
    result = [Feature("model.alias")] if body.get("model") in operation.aliases else []
    result += [Feature("create.unknown-fields")] if body.keys() - operation.properties else []
    length = len(body.get("prompt", ""))
    result += [Feature("prompt.length", size=length)] if length > _LONG_PROMPT else []
    url = body.get(operation.callback.field, "") if operation.callback else ""
    result += [Feature("callback.max-length", size=len(url))] if len(url) > _LONG_URL else []
    if url and not (view.trace.receiver and url.startswith(view.trace.receiver)):
        result.append(Feature(_UNRESOLVED, host_of(url)))
    return tuple(result)


def _is_refused(observation: Observation, view: TraceView) -> bool:
    # If the account has no access to the model, `model.access` reports the refusal.
    no_access = observation.account.access is False and observation.status != 402  # noqa: PLR2004
    wrong = observation.status in _REFUSED and observation.status not in permitted(observation, view)
    return wrong and not no_access and observation.number not in headers_to_blame(view)


def _refusals(
    refused: Iterable[Observation], accepted: Iterable[Observation], view: TraceView
) -> Iterator[tuple[str, Finding]]:
    accepted_sizes = _accepted_sizes(feature for create in accepted for feature in features(create, view))
    suspects = [(create, _suspects(features(create, view), accepted_sizes)) for create in refused]
    sole = {suspected[0].clause for _, suspected in suspects if len(suspected) == 1}
    plain = any(not suspected for _, suspected in suspects)
    for observation, suspected in suspects:
        if (plain and suspected) or (len(suspected) > 1 and sole & {feature.clause for feature in suspected}):
            continue  # another refused request has fewer features, so its violation is more specific
        clause = suspected[-1].clause if suspected else "create.accepts"
        yield (
            clause,
            violation(
                observation.number,
                expected="200: the documents allow this create",
                seen=str(observation.status),
            ),
        )


def _suspects(present: Sequence[Feature], accepted_sizes: SizesByFeature) -> list[Feature]:
    """Return the possible reasons for a refusal, the most likely first."""
    others = [
        feature
        for feature in present
        if feature.clause != _UNRESOLVED and not _was_accepted(feature, accepted_sizes)
    ]
    # A later look-up of an accepted host can fail. An accepted host is therefore suspected if no other
    # feature remains.
    return others + [
        feature
        for feature in present
        if feature.clause == _UNRESOLVED and not (others and _was_accepted(feature, accepted_sizes))
    ]


def _accepted_sizes(accepted: Iterable[Feature]) -> SizesByFeature:
    """Map each feature to its largest accepted size."""
    most: dict[tuple[str, str], int] = {}
    for create in accepted:
        # A server that accepted a `.invalid` host is assumed to accept any host.
        key = create.clause, _ANY if create.host.endswith(".invalid") else create.host
        most[key] = max(create.size, most.get(key, 0))
    return most


def _was_accepted(feature: Feature, accepted_sizes: SizesByFeature) -> bool:
    return any(
        accepted_sizes.get((feature.clause, host), -1) >= feature.size for host in (feature.host, _ANY)
    )


def _lasting_500(view: TraceView) -> Iterator[tuple[str, Finding]]:
    # One or two responses with 500 may be a temporary error. Requests with uncertain faults are judged too,
    # because a 500 is wrong for any request.
    creates = [create for create in view.of("create") if _may_succeed(create)]
    accepted = [create for create in creates if create.status == create.success and not create.faults]
    accepted_sizes = _accepted_sizes(feature for create in accepted for feature in features(create, view))
    equal: defaultdict[tuple[str, bytes], list[Observation]] = defaultdict(list)
    for create in creates:
        equal[create.who, create.exchange.request_body].append(create)
    for same in equal.values():
        if len(same) >= ENOUGH and {create.status for create in same} == {500}:
            create = same[0]
            suspected = [] if create.faults else _suspects(features(create, view), accepted_sizes)
            clauses = [fault.clause for fault in create.faults] + [feature.clause for feature in suspected]
            numbers = [create.number for create in same]
            seen = f"{len(same)} times 500"
            yield (
                (clauses or ["create.accepts"])[-1],
                violation(*numbers, expected="no lasting 500", seen=seen),
            )


def _may_succeed(create: Observation) -> bool:
    certain = any(fault.sure for fault in create.faults)
    fit = create.account.valid is True and create.account.access is not False
    return fit and not certain and isinstance(create.request_json, dict) and has_judgeable_status(create)


def _headers_to_blame(view: TraceView) -> dict[int, str]:
    observations = view.of("create", "query")
    if not any(is_error(observation) and unknown_headers(observation) for observation in observations):
        return {}  # in nearly all traces; the code below takes a tenth of the time of all rules
    refused_without, accepted_sizes, suspects = set(), set(), []
    for observation in observations:
        if not (is_judgeable(observation) and observation.account.valid):
            continue
        right = permitted(observation, view)
        # Requests in the same situation are comparable. A header is to blame if all comparable requests with it
        # got a wrong status, and all comparable requests without unknown headers got an allowed status.
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
