"""Find the changed sets of words in descriptions. For example, a set contains the accepted file formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.drift.prose.sets import field_of
from evolink_check.drift.verdicts import VerdictRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evolink_check.drift.prose.sets import StatedWords
    from evolink_check.drift.prose.statements import Statement, Statements, Where


@dataclass(frozen=True, slots=True)
class WordChange:
    """Words that were removed from or added to a description."""

    statement: Statement
    kind: str
    removed: frozenset[str]
    added: frozenset[str]
    was: StatedWords | None  # the old words; None if the old description states none of this kind
    now: StatedWords | None  # the new words; None if the new description states none of this kind
    rule: VerdictRule

    @property
    def text(self) -> str:
        """A description of the change for reports, such as `formats newly stated: webp`."""
        name = _NAMES[self.kind]
        if self.kind in {"conditions", "deprecated", "withdrawn"}:
            words = self.now or self.was
            return f"{name} {'added' if self.now else 'removed'}: {words.sentence[:160] if words else ''}"
        parts = [f"{name} no longer stated: {', '.join(sorted(self.removed))}"] if self.removed else []
        parts += [f"{name} newly stated: {', '.join(sorted(self.added))}"] if self.added else []
        return "; ".join(parts)


_NAMES = {
    "formats": "formats",
    "events": "events",
    "billing": "billing units",
    "options": "options",
    "flags": "rule",
    "conditions": "condition",
    "deprecated": "deprecation",
    "withdrawn": "withdrawal",
}
_LESS = VerdictRule("breaking", "requests that the old description allows may be refused")
_MORE = VerdictRule("non-breaking", "the new description allows all that the old one did")
_FEWER_EVENTS = VerdictRule("breaking", "receivers expect a callback that is no longer sent")
_MORE_EVENTS = VerdictRule("notice", "receivers get callbacks that were not documented before", lenient=True)
_NEW_RULE = VerdictRule("notice", "the rule was not stated before; requests that violate it may be refused")
_NEW_FIELD = VerdictRule("non-breaking", "it is about fields that did not exist before")
_GONE_RULE = VerdictRule("non-breaking", "the rule is no longer stated")
_DEPRECATED = VerdictRule("notice", "it may be removed in a later version")
_BILLED = VerdictRule("notice", "the price of a request may change")
_WITHDRAWN = VerdictRule("breaking", "the description says that it no longer works")
_NEW_WORDS = VerdictRule("notice", "a client may read values that were not documented before", lenient=True)


def changed_words(statements: Sequence[Statement]) -> Iterator[WordChange]:
    """Yield each change of words once.

    Billing units, rules and conditions that moved to another description are left out.
    """
    found = [change for statement in statements for change in _at(statement)]
    lost = {(change.kind, word) for change in found for word in change.removed}
    gained = {(change.kind, word) for change in found for word in change.added}
    moved = {(kind, word) for kind, word in lost & gained if kind not in {"formats", "options", "events"}}
    seen = set()
    for change in sorted(found, key=lambda change: change.statement.where == "operation"):
        words = {(change.kind, word) for word in change.removed | change.added}
        key = (change.kind, change.removed, change.added)
        if key not in seen and (not words or not words <= moved):
            seen.add(key)
            yield change


def _at(statement: Statement) -> Iterator[WordChange]:
    old, new, where = statement.old, statement.new, statement.where
    for kind in ("formats", "events", "options", "billing", "flags"):
        before, after = _all(old, kind), _all(new, kind)
        removed, added = before - after, after - before
        if not removed and not added:
            continue
        was, now = _first(old, kind), _first(new, kind)
        if kind == "flags":
            yield from _flags(statement, removed, added)
        elif before and after:
            yield from _of_set(statement, kind, removed, added, was, now)
        elif kind == "formats" and where != "response" and after:
            yield WordChange(statement, kind, removed, added, was, now, _NEW_RULE)
    yield from _conditions(statement)
    for kind, rule in (("deprecated", _DEPRECATED), ("withdrawn", _WITHDRAWN)):
        if _first(new, kind) and not _first(old, kind):
            yield WordChange(statement, kind, frozenset(), frozenset(), None, _first(new, kind), rule)


def _of_set(  # noqa: PLR0913, PLR0917  (what changed, and both versions)
    statement: Statement,
    kind: str,
    removed: frozenset[str],
    added: frozenset[str],
    was: StatedWords | None,
    now: StatedWords | None,
) -> Iterator[WordChange]:
    if kind == "options":  # the comparison of schemas judges the options that schemas list
        removed, added = removed - statement.old.words, added - statement.new.words
    own = {"events": (_FEWER_EVENTS, _MORE_EVENTS), "billing": (_GONE_RULE, _BILLED)}
    rules = own.get(kind, _rules(statement.where))
    if removed:
        yield WordChange(statement, kind, removed, frozenset(), was, now, rules[0])
    if added:
        yield WordChange(statement, kind, frozenset(), added, was, now, rules[1])


def _rules(where: Where) -> tuple[VerdictRule, VerdictRule]:
    return (_GONE_RULE, _NEW_WORDS) if where == "response" else (_LESS, _MORE)


def _flags(statement: Statement, removed: frozenset[str], added: frozenset[str]) -> Iterator[WordChange]:
    was, now = _first(statement.old, "flags"), _first(statement.new, "flags")
    for word in sorted(removed):
        yield WordChange(statement, "flags", frozenset({word}), frozenset(), was, now, _GONE_RULE)
    for word in sorted(added):
        yield WordChange(statement, "flags", frozenset(), frozenset({word}), was, now, _NEW_RULE)


def _conditions(statement: Statement) -> Iterator[WordChange]:
    # Conditions with the same fields count as equal, even if their wording differs. A sentence that names all fields of
    # a condition may state the condition in other words.
    old, new = _by_fields(statement.old), _by_fields(statement.new)
    for fields, words in new.items():
        if not _are_together(fields, statement.old):
            is_known = bool(fields & statement.members) or not _has_field_name(fields)
            rule = _NEW_RULE if is_known else _NEW_FIELD
            yield WordChange(statement, "conditions", frozenset(), fields, None, words, rule)
    for fields, words in old.items():
        if not _are_together(fields, statement.new):
            yield WordChange(statement, "conditions", fields, frozenset(), words, None, _GONE_RULE)


def _by_fields(statements: Statements) -> dict[frozenset[str], StatedWords]:
    conditions = [words for words in statements.sets if words.kind == "conditions"]
    return {frozenset(map(field_of, words.words)): words for words in conditions}


def _are_together(fields: frozenset[str], statements: Statements) -> bool:
    return any(words.kind == "codes" and fields <= words.words for words in statements.sets)


def _has_field_name(fields: frozenset[str]) -> bool:
    return any(word.replace("_", "").isalnum() and not word[0].isdigit() for word in fields)


def _all(statements: Statements, kind: str) -> frozenset[str]:
    return frozenset(word for words in statements.sets if words.kind == kind for word in words.words)


def _first(statements: Statements, kind: str) -> StatedWords | None:
    return next((words for words in statements.sets if words.kind == kind), None)
