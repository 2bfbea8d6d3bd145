"""Hypothesis strategies that generate cases (requests to a server).

Import this module only when it is needed, because it imports Hypothesis.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import strategies as st

from evolink_check.analysis.trace_view import CREDITS
from evolink_check.generation.case import VALID
from evolink_check.generation.case_builders import (
    bodyless_case,
    can_send_wrong_keys,
    compact_json,
    create_case,
    is_plain_segment,
    query_case,
)
from evolink_check.generation.fields import create_operations, minimal_body
from evolink_check.generation.invalid_bodies import INVALID_BODIES, LETTERS
from evolink_check.generation.malformed_bodies import (
    NOT_OBJECTS,
    OTHER_CONTENT_TYPES,
    without_last_required_field,
)
from evolink_check.generation.valid_bodies import SCRIPTS, scalars, valid_creates
from evolink_check.traffic.trace import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec import CreateOperation, Spec
    from hypothesis.strategies import SearchStrategy

    from evolink_check.generation.case import Case
    from evolink_check.generation.invalid_bodies import BodyStrategy
    from evolink_check.settings import Subject


@dataclass(frozen=True, slots=True)
class Strategy:
    """A Hypothesis strategy that generates cases of one kind. The generated cases test the `clauses`."""

    name: str
    clauses: tuple[str, ...]
    cases: SearchStrategy[Case]
    creates: bool = False


_PREFIX = "task-unified-"
_METHODS = ("PUT", "PATCH", "DELETE")


def free_strategies(spec: Spec, subject: Subject) -> tuple[Strategy, ...]:
    """Return the strategies that need no budget. A correct server creates no task from their requests."""
    strategies = [
        Strategy(name, clauses, _with_bodies(spec, subject, name, bodies))
        for name, clauses, bodies in INVALID_BODIES
    ]
    strategies += [*_malformed_creates(spec, subject), *_unauthorized(spec, subject), *_reads(spec)]
    return tuple(strategy for strategy in strategies if not strategy.cases.is_empty)


def paid_strategies(spec: Spec, subject: Subject) -> tuple[Strategy, ...]:
    """Return the strategies for valid create requests. Each example creates a task."""
    cases = st.one_of([valid_creates(operation, spec, subject) for operation in create_operations(spec)])
    return (Strategy("a valid create", VALID, cases.filter(lambda case: case.creates), creates=True),)


# Create requests that are refused


def _invalid_creates(
    spec: Spec, subject: Subject, cases_of: Callable[[CreateOperation, dict[str, Any]], SearchStrategy[Case]]
) -> SearchStrategy[Case]:
    cases = [cases_of(operation, minimal_body(operation, subject)) for operation in create_operations(spec)]
    # some requests are valid by chance
    return st.one_of(cases).filter(lambda case: not case.creates)


def _with_bodies(spec: Spec, subject: Subject, name: str, bodies: BodyStrategy) -> SearchStrategy[Case]:
    def cases_of(operation: CreateOperation, good: dict[str, Any]) -> SearchStrategy[Case]:
        return bodies(operation, good).map(lambda body: create_case(name, operation, spec, body))

    return _invalid_creates(spec, subject, cases_of)


def _malformed_creates(spec: Spec, subject: Subject) -> list[Strategy]:
    kinds: tuple[tuple[str, tuple[str, ...], BodyStrategy], ...] = (
        ("not JSON", ("body.json", "body.required"), lambda _, good: _damaged_json(compact_json(good))),
        ("not an object", ("body.json",), lambda _, good: _not_an_object(good)),
        (
            "an oversized body",
            ("create.required", "body.limit", "error.no-500"),
            lambda operation, good: _oversized(without_last_required_field(good, operation)),
        ),
    )
    by_body = [
        Strategy(name, clauses, _with_bodies(spec, subject, name, bodies)) for name, clauses, bodies in kinds
    ]

    def cases_of(operation: CreateOperation, good: dict[str, Any]) -> SearchStrategy[Case]:
        kind = st.sampled_from(OTHER_CONTENT_TYPES) | st.text(LETTERS, min_size=1).map(
            lambda subtype: f"application/{subtype}"
        )
        return kind.map(
            lambda value: create_case(_KIND, operation, spec, good, headers=(("Content-Type", value),))
        )

    return [*by_body, Strategy(_KIND, ("body.json",), _invalid_creates(spec, subject, cases_of))]


_KIND = "another content type"


def _damaged_json(text: bytes) -> SearchStrategy[bytes]:
    place = st.integers(0, len(text) - 1)
    # truncated copies
    cut = place.map(lambda end: text[:end])
    # copies with some other bytes
    spliced = st.builds(
        lambda start, length, raw: text[:start] + raw + text[start + length :],
        *(place, st.integers(0, 4), st.binary(max_size=4)),
    )
    return cut | spliced | st.binary(max_size=20)


def _not_an_object(good: dict[str, Any]) -> SearchStrategy[Any]:
    return st.sampled_from(NOT_OBJECTS) | scalars() | st.lists(st.just(good), max_size=3)


def _oversized(bad: dict[str, Any]) -> SearchStrategy[Any]:
    fields = st.integers(0, 2_000).map(lambda count: {f"x{place}": place for place in range(count)})
    levels = st.integers(1, 100).map(lambda depth: {"x": json.loads("[" * depth + "]" * depth)})
    digits = st.integers(1, 1_000).map(lambda count: {"x": 10**count})
    text = st.integers(0, 300_000).map(lambda size: {"x": "é" * size})
    return st.one_of(fields, levels, digits, text).map(lambda more: {**bad, **more})


# Keys


def _unauthorized(spec: Spec, subject: Subject) -> list[Strategy]:
    scheme = st.text(LETTERS, min_size=1, max_size=8).filter(lambda name: name.lower() != "bearer")
    odd = st.builds(lambda name, key: f"{name.capitalize()} {key}".strip(), scheme, st.text(LETTERS))
    headers = odd | st.sampled_from(("Bearer", "bearer"))
    queries = headers.map(
        lambda header: query_case(
            _SCHEME, spec, _unknown_id(0, "z" * 8), *_UNAUTHORIZED, authorization=header
        )
    )

    def cases_of(operation: CreateOperation, good: dict[str, Any]) -> SearchStrategy[Case]:
        return headers.map(
            lambda header: create_case(
                _SCHEME, operation, spec, good, authorization=header, about=_UNAUTHORIZED
            )
        )

    schemes = [Strategy(_SCHEME, ("auth.bearer",), queries | _invalid_creates(spec, subject, cases_of))]
    if can_send_wrong_keys(subject):
        key = st.text(LETTERS + "-_.", min_size=1, max_size=64).map(lambda token: f"Bearer {token}")
        # requests with a wrong key must not create a task
        reads = key.flatmap(lambda header: st.sampled_from(_reads_with_header(spec, header)))
        schemes.append(Strategy("a wrong key", ("auth.bearer",), reads))
    return schemes


_SCHEME, _UNAUTHORIZED = "no bearer key", ("auth.bearer",)


def _reads_with_header(spec: Spec, header: str) -> tuple[Case, ...]:
    query = query_case("a wrong key", spec, _unknown_id(0, "z" * 8), *_UNAUTHORIZED, authorization=header)
    credit = bodyless_case("a wrong key", "GET", CREDITS, *_UNAUTHORIZED, key=NOBODY, authorization=header)
    return query, credit


# Reading


def _reads(spec: Spec) -> list[Strategy]:
    tail = st.text(LETTERS, min_size=8, max_size=8)
    unknown = st.builds(_unknown_id, st.integers(0, 10**9), tail)
    text = st.text(SCRIPTS + LETTERS, min_size=1, max_size=60).map(lambda segment: quote(segment, safe=""))
    others = (text | st.sampled_from(("0", "null", "%20"))).filter(_has_other_prefix)
    malformed = text.filter(is_plain_segment).map(lambda rest: _PREFIX + rest)
    return [
        _queries(spec, "an unknown id", unknown, "query.unknown-id"),
        _queries(spec, "an id with another prefix", others, "query.id-prefix"),
        _queries(spec, "an id malformed after its prefix", malformed, "query.unknown-id"),
        Strategy("unknown headers", ("wire.unknown-headers",), _with_headers(spec)),
        Strategy("another path", ("error.other-paths",), tail.map(_other_path)),
        Strategy(
            "another method",
            ("error.other-methods",),
            st.builds(_other_method(spec), st.sampled_from(_METHODS)),
        ),
    ]


def _queries(spec: Spec, name: str, ids: SearchStrategy[str], clause: str) -> Strategy:
    return Strategy(name, (clause,), ids.map(lambda task_id: query_case(name, spec, task_id, clause)))


def _unknown_id(before: int, tail: str) -> str:
    # no server existed at the time `before` (in Unix seconds)
    return f"{_PREFIX}{before:010}-{tail}"


def _has_other_prefix(text: str) -> bool:
    return is_plain_segment(text) and not text.lower().startswith(_PREFIX)


def _other_path(tail: str) -> Case:
    return bodyless_case("another path", "GET", f"/v1/no-{tail}", "error.other-paths")


def _other_method(spec: Spec) -> Callable[[str], Case]:
    path = f"{spec.query.path.partition('{')[0]}{_unknown_id(0, 'z' * 8)}"
    return lambda method: bodyless_case("another method", method, path, "error.other-methods")


def _with_headers(spec: Spec) -> SearchStrategy[Case]:
    names = st.text(LETTERS, min_size=1, max_size=20).map(lambda name: f"X-{name}") | st.just(
        "Idempotency-Key"
    )
    pair = st.tuples(names, st.text(LETTERS + "-_.;=", max_size=100))
    headers = st.lists(pair, min_size=1, max_size=5, unique_by=lambda header: header[0].lower()).map(tuple)
    about = ("wire.unknown-headers", "query.unknown-id")
    return headers.map(
        lambda chosen: query_case("unknown headers", spec, _unknown_id(0, "z" * 8), *about, headers=chosen)
    )
