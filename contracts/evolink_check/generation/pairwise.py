"""Select a few valid create requests.

Together, the requests contain most of the field values that the document lists. The selection is small, because each
created task costs credits.
"""

from __future__ import annotations

import json
from itertools import combinations, islice, product, zip_longest
from random import Random
from typing import TYPE_CHECKING, Any

from evolink_check.generation.case_builders import JSON, compact_json, create_case
from evolink_check.generation.fields import create_operations, enum_fields, minimal_body
from evolink_check.generation.urls import NOWHERE, long_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evolink_spec import CreateOperation, Spec

    from evolink_check.generation.case import Case
    from evolink_check.generation.case_builders import Headers
    from evolink_check.settings import Subject

MOST = 16
MANY_SCRIPTS = (
    "A cat dances: 猫が踊る, قطة ترقص, חתול רוקד, кот танцует, "
    "Zu\u0308rich, \U0001f408\u200d\u2b1b \U0001f3b6"
)
LONG = 10_000  # the length of a long prompt in characters
HEADERS: Headers = (("Idempotency-Key", "8e1c-1"), ("X-Request-Id", "words"), ("X-Unknown", "1"))
FIELDS = {"aspect_ratio": "16:9", "generate_audio": True, "x": {"y": [1, None]}, "": 0}
_CHOICES = 500  # the maximum number of combinations from which some are selected


def creating_bodies(spec: Spec, subject: Subject, seed: int = 0) -> tuple[Case, ...]:
    """Return at most 16 create requests.

    The first request of each operation has the minimal body. In further requests, the fields have values that
    the document lists. Together, the further requests contain most pairs of values of two fields. Some requests also
    test a special case, such as a long prompt.
    """
    rows = [_creates_of(operation, spec, subject, seed) for operation in create_operations(spec)]
    by_turns = (case for turn in zip_longest(*rows) for case in turn if case is not None)
    return tuple(islice(by_turns, MOST))


def pairwise_cover(values: Mapping[str, tuple[Any, ...]], seed: int) -> list[dict[str, Any]]:
    """Return a few combinations, each with one value for each field.

    For any two fields, the combinations contain every pair of their values. Each combination adds as many pairs as
    possible to the combinations before it. If more than 500 combinations are possible, some pairs may be missing. Equal
    seeds give equal results.
    """
    # a limit, because the number of combinations grows fast
    every = [dict(zip(values, chosen, strict=True)) for chosen in islice(product(*values.values()), _CHOICES)]
    Random(seed).shuffle(every)  # noqa: S311  (which of many equally good choices comes first is no secret)
    missing = {pair for choice in every for pair in _pairs(choice)}
    cover = []
    while missing:
        best = max(every, key=lambda choice: len(missing & _pairs(choice)))
        cover.append(best)
        missing -= _pairs(best)
    return cover


def _pairs(choice: Mapping[str, Any]) -> set[str]:
    values = [json.dumps(item) for item in choice.items()]
    return {f"{first} {second}" for first, second in combinations(values, 2)} | set(values)


def _creates_of(operation: CreateOperation, spec: Spec, subject: Subject, seed: int) -> Iterator[Case]:
    good = minimal_body(operation, subject)
    about = ("create.defaults",)
    yield create_case("a valid create: only what is required", operation, spec, good, about=about)
    specialities = _special_creates(operation, subject, good)
    for choice, special in zip_longest(pairwise_cover(enum_fields(operation), seed), specialities):
        name, clauses, changes, headers = special or ("", (), {}, JSON)
        described = ", ".join(f"{key} {value}" for key, value in (choice or {}).items())
        body = {**good, **(choice or {}), **changes}
        yield create_case(
            f"a valid create: {name or described}",
            operation,
            spec,
            unusual_spelling(body) if name == _SPELLED else compact_json(body),
            headers=headers,
            about=(*clauses, *(_SEEN_IN_RESULT[key] for key in choice or {} if key in _SEEN_IN_RESULT)),
        )


_SEEN_IN_RESULT = {"duration": "result.duration", "quality": "result.quality"}
_SPELLED = "spelled at length"
_Special = tuple[str, tuple[str, ...], dict[str, Any], "Headers"]


def _special_creates(
    operation: CreateOperation, subject: Subject, good: Mapping[str, Any]
) -> Iterator[_Special]:
    for old in operation.aliases:
        yield "an old model name", ("model.alias", "model.actual"), {"model": old}, JSON
    if operation.callback is not None:
        field, url = operation.callback.field, long_url(operation.callback.max_length)
        clauses = ("callback.max-length", "callback.unresolved")
        yield f"a callback of {len(url)} characters", clauses, {field: url}, JSON
    if "prompt" in good:
        prompt = f"{subject.prompt} {'and on ' * LONG}"[:LONG]
        yield "a long prompt", ("prompt.length",), {"prompt": prompt}, JSON
        yield "a prompt in many scripts", ("prompt.length",), {"prompt": MANY_SCRIPTS}, JSON
    yield "unknown fields", ("create.unknown-fields",), FIELDS, JSON
    yield "unknown headers", ("wire.unknown-headers",), {}, (*JSON, *HEADERS)
    yield _SPELLED, ("body.json",), {}, (("content-type", "Application/JSON; charset=utf-8"),)
    if operation.callback is not None:
        nowhere = {operation.callback.field: NOWHERE}
        yield (
            "a callback to a host that does not exist",
            ("callback.unresolved", "callback.max-length"),
            nowhere,
            JSON,
        )


def unusual_spelling(body: Mapping[str, Any]) -> bytes:
    """Encode the body as JSON with reversed members, extra white space and unnecessary escapes."""
    reordered = {name: body[name] for name in reversed(list(body))}
    return f"\r\n{json.dumps(reordered, indent=3)}\t ".replace("/", "\\/").replace('"p', '"\\u0070').encode()
