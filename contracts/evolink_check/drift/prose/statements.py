"""Collect the facts in descriptions, for an operation and for each of its fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from evolink_check.drift.prose.numbers import StatedNumber, stated_numbers
from evolink_check.drift.prose.sets import StatedWords, stated_words
from evolink_check.drift.schemas.keywords import canonical
from evolink_check.drift.schemas.walk import paired_members

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evolink_check.drift.pairs.operations import Operation
    from evolink_check.drift.pairs.pair import OperationPair
    from evolink_check.drift.schemas.shapes import Shape

_NUMERAL = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
Where = Literal["request", "response", "operation"]


@dataclass(frozen=True, slots=True)
class Statements:
    """The facts that one version states at one place of an operation."""

    facts: tuple[StatedNumber, ...]  # the numbers in the descriptions
    sets: tuple[StatedWords, ...]  # the sets of words in the descriptions
    numbers: frozenset[float] = frozenset()  # the limits and the listed numbers in the schema
    words: frozenset[str] = frozenset()  # the listed values in the schema, as texts


@dataclass(frozen=True, slots=True)
class Statement:
    """What both versions state at one place, such as a field of the request."""

    where: Where
    path: str
    old: Statements
    new: Statements
    members: frozenset[str] = field(default_factory=frozenset)  # the fields of the old request body
    places: tuple[str, str] = ("", "")  # the JSON pointers to the place in both versions


def places_of(pair: OperationPair, *, with_document: bool) -> Iterator[Statement]:
    """Yield what both versions state about the operation and about each common field.

    The fields are those of request bodies and of successful responses. If `with_document` is true, facts about the
    whole document are yielded for the operation.
    """
    old, new = pair.old, pair.new
    body, other = old.body, new.body
    members = frozenset(body.shape.properties) if body and body.shape else frozenset()
    texts, others = [*old.texts], [*new.texts]
    if with_document:
        texts += _document_texts(old)
        others += _document_texts(new)
    places = (old.pointer, new.pointer)
    yield Statement("operation", "", _statements(texts), _statements(others), members, places)
    if body and other and body.shape and other.shape:
        yield from _of_shapes("request", body.shape, other.shape, members)
    for status in [status for status in old.responses if status in new.responses and status[0] == "2"]:
        contents, others_of = old.responses[status].contents, new.responses[status].contents
        for name in [name for name in contents if name in others_of]:
            one, two = contents[name].shape, others_of[name].shape
            if one is not None and two is not None:
                yield from _of_shapes("response", one, two, members)


def _document_texts(operation: Operation) -> list[tuple[str, str]]:
    document = operation.document
    info = document.tree.get("info")
    description = info.get("description") if isinstance(info, dict) else None
    texts = [("/info/description", description)] if isinstance(description, str) else []
    return [*texts, *([("", document.text)] if document.text else [])]


def _of_shapes(where: Where, old: Shape, new: Shape, members: frozenset[str]) -> Iterator[Statement]:
    for path, one, other, _ in paired_members(old, new):
        places = (one.pointer, other.pointer)
        yield Statement(where, path, _described(one), _described(other), members, places)


def _described(shape: Shape) -> Statements:
    numbers, words = set[float](), set[str]()
    items = [branch.items for branch in shape.branches if branch.items is not None]
    for each in (shape, *items):
        for branch in each.branches:
            numbers |= {float(limit) for limit in branch.limits.values() if type(limit) in {int, float}}
            numbers |= {float(value) for value in branch.values or () if type(value) in {int, float}}
            words |= {value if isinstance(value, str) else canonical(value) for value in branch.values or ()}
    numbers |= {float(word) for word in words if _NUMERAL.fullmatch(word)}
    stated = _statements(shape.notes.texts)
    return Statements(stated.facts, stated.sets, frozenset(numbers), frozenset(words))


def _statements(texts: Iterable[tuple[str, str]]) -> Statements:
    facts: dict[tuple[object, ...], StatedNumber] = {}
    sets: dict[tuple[object, ...], StatedWords] = {}
    for pointer, text in texts:
        for fact in stated_numbers(text, pointer):
            facts.setdefault((fact.kind, fact.bound, fact.topic, fact.value), fact)
        for words in stated_words(text, pointer):
            sets.setdefault((words.kind, words.topic, words.words), words)
    return Statements(tuple(facts.values()), tuple(sets.values()))
