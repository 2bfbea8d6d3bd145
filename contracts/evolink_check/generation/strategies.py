"""Hypothesis strategies made from the documents. Imported where it is first needed: it brings Hypothesis along."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import strategies as st

from evolink_check.analysis.trace_view import CREDITS
from evolink_check.generation.case import VALID
from evolink_check.generation.fields import operations, usual_body
from evolink_check.generation.invalid_bodies import FAULTS, LETTERS
from evolink_check.generation.labels import (
    compact,
    create_case,
    is_plain_segment,
    plain_case,
    query_case,
    wrong_keys_tell,
)
from evolink_check.generation.malformed_bodies import NO_OBJECTS, OTHER_KINDS, without
from evolink_check.generation.valid_bodies import SCRIPTS, scalars, valid_creates
from evolink_check.traffic.trace import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolink_spec import CreateOperation, Spec
    from hypothesis.strategies import SearchStrategy

    from evolink_check.generation.case import Case
    from evolink_check.generation.invalid_bodies import Faulty
    from evolink_check.settings import Subject


@dataclass(frozen=True, slots=True)
class Strategy:
    """Cases of one kind. `clauses`: what they may speak of that others do not."""

    name: str
    clauses: tuple[str, ...]
    cases: SearchStrategy[Case]
    creates: bool = False


_PREFIX = "task-unified-"
_METHODS = ("PUT", "PATCH", "DELETE")


def strategies(spec: Spec, subject: Subject) -> tuple[Strategy, ...]:
    """Every strategy whose cases may be sent without a budget."""
    found = [
        Strategy(name, clauses, _refused(spec, subject, name, bodies)) for name, clauses, bodies in FAULTS
    ]
    found += [*_on_the_wire(spec, subject), *_keys(spec, subject), *_reads(spec)]
    return tuple(one for one in found if not one.cases.is_empty)


def creating(spec: Spec, subject: Subject) -> tuple[Strategy, ...]:
    """Valid creates over the whole domain: each example makes a task."""
    cases = st.one_of([valid_creates(operation, spec, subject) for operation in operations(spec)])
    return (Strategy("a valid create", VALID, cases.filter(lambda case: case.creates), creates=True),)


# Creates that are refused


def _creates(
    spec: Spec, subject: Subject, made: Callable[[CreateOperation, dict[str, Any]], SearchStrategy[Case]]
) -> SearchStrategy[Case]:
    """Cases for every operation from its good body, less those that turn out to be right for some reason."""
    drawn = [made(operation, usual_body(operation, subject)) for operation in operations(spec)]
    return st.one_of(drawn).filter(lambda case: not case.creates)


def _refused(spec: Spec, subject: Subject, name: str, bodies: Faulty) -> SearchStrategy[Case]:
    def made(operation: CreateOperation, good: dict[str, Any]) -> SearchStrategy[Case]:
        return bodies(operation, good).map(lambda body: create_case(name, operation, spec, body))

    return _creates(spec, subject, made)


def _on_the_wire(spec: Spec, subject: Subject) -> list[Strategy]:
    kinds: tuple[tuple[str, tuple[str, ...], Faulty], ...] = (
        ("no JSON", ("body.json", "body.required"), lambda _, good: _damaged(compact(good))),
        ("no object", ("body.json",), lambda _, good: _no_object(good)),
        (
            "much of it",
            ("create.required", "body.limit", "error.no-500"),
            lambda operation, good: _swollen(without(good, operation)),
        ),
    )
    found = [Strategy(name, clauses, _refused(spec, subject, name, one)) for name, clauses, one in kinds]

    def made(operation: CreateOperation, good: dict[str, Any]) -> SearchStrategy[Case]:
        kind = st.sampled_from(OTHER_KINDS) | st.text(LETTERS, min_size=1).map(
            lambda one: f"application/{one}"
        )
        return kind.map(
            lambda one: create_case(_KIND, operation, spec, good, headers=(("Content-Type", one),))
        )

    return [*found, Strategy(_KIND, ("body.json",), _creates(spec, subject, made))]


_KIND = "another content type"


def _damaged(text: bytes) -> SearchStrategy[bytes]:
    """The body cut off, or with some bytes in the place of others."""
    place = st.integers(0, len(text) - 1)
    cut = place.map(lambda end: text[:end])
    spliced = st.builds(
        lambda start, length, raw: text[:start] + raw + text[start + length :],
        *(place, st.integers(0, 4), st.binary(max_size=4)),
    )
    return cut | spliced | st.binary(max_size=20)


def _no_object(good: dict[str, Any]) -> SearchStrategy[Any]:
    return st.sampled_from(NO_OBJECTS) | scalars() | st.lists(st.just(good), max_size=3)


def _swollen(bad: dict[str, Any]) -> SearchStrategy[Any]:
    """A body without one of its fields, and with much besides: names, levels, digits, characters."""
    fields = st.integers(0, 2_000).map(lambda count: {f"x{place}": place for place in range(count)})
    levels = st.integers(1, 100).map(lambda depth: {"x": json.loads("[" * depth + "]" * depth)})
    digits = st.integers(1, 1_000).map(lambda count: {"x": 10**count})
    text = st.integers(0, 300_000).map(lambda size: {"x": "é" * size})
    return st.one_of(fields, levels, digits, text).map(lambda more: {**bad, **more})


# Keys


def _keys(spec: Spec, subject: Subject) -> list[Strategy]:
    """Headers in no documented scheme, and wrong keys; on a create, a wrong key comes with a faulty body."""
    scheme = st.text(LETTERS, min_size=1, max_size=8).filter(lambda one: one.lower() != "bearer")
    odd = st.builds(lambda one, key: f"{one.capitalize()} {key}".strip(), scheme, st.text(LETTERS))
    headers = odd | st.sampled_from(("Bearer", "bearer"))
    queries = headers.map(
        lambda one: query_case(_SCHEME, spec, _unknown(0, "z" * 8), *_UNASKED, authorization=one)
    )

    def made(operation: CreateOperation, good: dict[str, Any]) -> SearchStrategy[Case]:
        return headers.map(
            lambda one: create_case(_SCHEME, operation, spec, good, authorization=one, about=_UNASKED)
        )

    found = [Strategy(_SCHEME, ("auth.bearer",), queries | _creates(spec, subject, made))]
    if wrong_keys_tell(subject):
        key = st.text(LETTERS + "-_.", min_size=1, max_size=64).map(lambda one: f"Bearer {one}")
        reads = key.flatmap(lambda one: st.sampled_from(_read_with(spec, one)))
        found.append(Strategy("a wrong key", ("auth.bearer",), reads))
    return found


_SCHEME, _UNASKED = "no bearer key", ("auth.bearer",)


def _read_with(spec: Spec, header: str) -> tuple[Case, ...]:
    query = query_case("a wrong key", spec, _unknown(0, "z" * 8), *_UNASKED, authorization=header)
    credit = plain_case("a wrong key", "GET", CREDITS, *_UNASKED, key=NOBODY, authorization=header)
    return query, credit


# Reading


def _reads(spec: Spec) -> list[Strategy]:
    tail = st.text(LETTERS, min_size=8, max_size=8)
    unknown = st.builds(_unknown, st.integers(0, 10**9), tail)
    text = st.text(SCRIPTS + LETTERS, min_size=1, max_size=60).map(lambda one: quote(one, safe=""))
    others = (text | st.sampled_from(("0", "null", "%20"))).filter(_is_other)
    behind = text.filter(is_plain_segment).map(lambda one: _PREFIX + one)
    return [
        _queries(spec, "an unknown id", unknown, "query.unknown-id"),
        _queries(spec, "an id with another prefix", others, "query.id-prefix"),
        _queries(spec, "an id malformed behind its prefix", behind, "query.unknown-id"),
        Strategy("unknown headers", ("wire.unknown-headers",), _with_headers(spec)),
        Strategy("another path", ("error.other-paths",), tail.map(_other_path)),
        Strategy(
            "another method",
            ("error.other-methods",),
            st.builds(_other_method(spec), st.sampled_from(_METHODS)),
        ),
    ]


def _queries(spec: Spec, name: str, ids: SearchStrategy[str], clause: str) -> Strategy:
    return Strategy(name, (clause,), ids.map(lambda one: query_case(name, spec, one, clause)))


def _unknown(before: int, tail: str) -> str:
    """An id of a time before there was the service."""
    return f"{_PREFIX}{before:010}-{tail}"


def _is_other(text: str) -> bool:
    return is_plain_segment(text) and not text.lower().startswith(_PREFIX)


def _other_path(tail: str) -> Case:
    return plain_case("another path", "GET", f"/v1/no-{tail}", "error.other-paths")


def _other_method(spec: Spec) -> Callable[[str], Case]:
    path = f"{spec.query.path.partition('{')[0]}{_unknown(0, 'z' * 8)}"
    return lambda method: plain_case("another method", method, path, "error.other-methods")


def _with_headers(spec: Spec) -> SearchStrategy[Case]:
    names = st.text(LETTERS, min_size=1, max_size=20).map(lambda one: f"X-{one}") | st.just("Idempotency-Key")
    pair = st.tuples(names, st.text(LETTERS + "-_.;=", max_size=100))
    headers = st.lists(pair, min_size=1, max_size=5, unique_by=lambda one: one[0].lower()).map(tuple)
    about = ("wire.unknown-headers", "query.unknown-id")
    return headers.map(
        lambda some: query_case("unknown headers", spec, _unknown(0, "z" * 8), *about, headers=some)
    )
