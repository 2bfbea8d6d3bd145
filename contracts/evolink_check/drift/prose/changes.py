"""Find changed facts in the `description` texts of the API documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.drift.prose.number_changes import NumberChange, changed_numbers, rule_of
from evolink_check.drift.prose.statements import places_of
from evolink_check.drift.prose.word_changes import WordChange, changed_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.drift.pairs.pair import OperationPair
    from evolink_check.drift.prose.numbers import StatedNumber
    from evolink_check.drift.prose.sets import StatedWords
    from evolink_check.drift.prose.statements import Statement
    from evolink_check.drift.records import Change


def prose_changes(pair: OperationPair, *, with_document: bool) -> Iterator[Change]:
    """Yield the changed numbers and the changed sets of words in descriptions.

    For example, a set of words contains the accepted file formats.

    If `with_document` is true, texts about the whole document are compared, too. These texts are `info.description` and
    the Markdown page.
    """
    statements = [*places_of(pair, with_document=with_document)]
    for number in changed_numbers(statements):
        yield _of_number(pair, number)
    for words in changed_words(statements):
        yield _of_words(pair, words)


def _of_number(pair: OperationPair, change: NumberChange) -> Change:
    was, now = change.was, change.now
    values = (was.shown if was else "", now.shown if now else "")
    name = change.kind
    if was and now:
        text = f"{name}: {values[1]}, was {values[0]}"
    else:
        text = f"{name}: {values[1]} newly stated" if now else f"{name}: {values[0]} no longer stated"
    places = _places(change.statement, was, now)
    kind = f"prose-{name.replace(' ', '-')}-{'changed' if was and now else 'added' if now else 'removed'}"
    return pair.change(kind, "prose", rule_of(change), text, _field(change.statement), values, places)


def _of_words(pair: OperationPair, change: WordChange) -> Change:
    was, now = change.was, change.now
    places = _places(change.statement, was, now)
    values = (", ".join(sorted(was.words)) if was else "", ", ".join(sorted(now.words)) if now else "")
    kind = f"prose-{change.kind}-{'added' if change.added or (now and not was) else 'removed'}"
    return pair.change(kind, "prose", change.rule, change.text, _field(change.statement), values, places)


def _places(
    statement: Statement, was: StatedNumber | StatedWords | None, now: StatedNumber | StatedWords | None
) -> tuple[str, str]:
    old, new = statement.places
    # a version without the fact points to the field or the operation
    return (was.pointer if was else "") or old, (now.pointer if now else "") or new


def _field(statement: Statement) -> str:
    return statement.path if statement.where != "response" else f"response {statement.path}".strip()
