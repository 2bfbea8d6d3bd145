"""Find the changed numbers in descriptions, and judge which changes are breaking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolink_check.drift.verdicts import VerdictRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evolink_check.drift.prose.numbers import StatedNumber
    from evolink_check.drift.prose.statements import Statement, Statements, Where

_LIMITS = {
    *("bytes", "characters", "tokens", "words", "pixels", "count", "seconds", "frames per second"),
    *("ratio", "value", "percent"),
}
_PROMISES = {"lifetime", "retries", "timeout"}
_QUOTAS = {"rate", "concurrent"}
_KEYS: tuple[Callable[[StatedNumber], object], ...] = (
    lambda fact: (fact.kind, fact.bound, fact.topic),
    lambda fact: (fact.kind, fact.bound),
    lambda fact: fact.kind,
)
_TOLD = VerdictRule("notice", "only the description states it, and it is advice or an estimate")


@dataclass(frozen=True, slots=True)
class NumberChange:
    """A number in a description that was changed, added or removed."""

    statement: Statement
    was: StatedNumber | None  # None if the number was added
    now: StatedNumber | None  # None if the number was removed

    @property
    def kind(self) -> str:
        """The quantity that the number measures, such as `seconds` or `total bytes`."""
        fact = self.now or self.was
        return fact.kind if fact else ""

    @property
    def measure(self) -> str:
        """The `kind` without the prefix `total`, such as `bytes` for `total bytes`."""
        return self.kind.removeprefix("total ")


def changed_numbers(statements: Sequence[Statement]) -> Iterator[NumberChange]:
    """Yield each change of a number once.

    Numbers that moved to another description are not changed. Numbers that a schema states are left out.
    """
    found = [change for statement in statements for change in _at(statement)]
    lost = [change for change in found if change.now is None]
    gained = [change for change in found if change.was is None]
    moved = {id(change) for change in lost for other in gained if _same(change.was, other.now)}
    moved |= {id(other) for other in gained for change in lost if _same(change.was, other.now)}
    seen = set()
    for change in sorted(found, key=lambda change: change.statement.where == "operation"):
        key = (change.kind, change.was and change.was.value, change.now and change.now.value)
        if id(change) not in moved and key not in seen:
            seen.add(key)
            yield change


def _same(one: StatedNumber | None, other: StatedNumber | None) -> bool:
    return one is not None and other is not None and (one.kind, one.value) == (other.kind, other.value)


def _at(statement: Statement) -> Iterator[NumberChange]:
    old, new = statement.old, statement.new
    kept = {(fact.kind, fact.value) for fact in old.facts} & {(fact.kind, fact.value) for fact in new.facts}
    olds = _unique(fact for fact in old.facts if (fact.kind, fact.value) not in kept)
    news = _unique(fact for fact in new.facts if (fact.kind, fact.value) not in kept)
    pairs: list[tuple[StatedNumber | None, StatedNumber | None]] = []
    for key in _KEYS:
        for was in [*olds]:
            now = next((fact for fact in news if key(fact) == key(was)), None)
            if now is not None:
                pairs.append((was, now))
                olds.remove(was)
                news.remove(now)
    pairs += [(was, None) for was in olds] + [(None, now) for now in news]
    yield from (NumberChange(statement, *pair) for pair in pairs if not _is_in_schemas(statement, *pair))


def _unique(facts: Iterator[StatedNumber]) -> list[StatedNumber]:
    return list({(fact.kind, fact.value): fact for fact in facts}.values())


def _is_in_schemas(statement: Statement, was: StatedNumber | None, now: StatedNumber | None) -> bool:
    # a number in a schema is covered by the comparison of the schemas
    before, after = statement.old, statement.new
    if was is not None and now is not None:
        return _states(before, was) and _states(after, now)
    fact = was or now
    return fact is not None and (_states(before, fact) or _states(after, fact))


def _states(statements: Statements, fact: StatedNumber) -> bool:
    return fact.value in statements.numbers or fact.shown.replace(" ", "") in statements.words


def rule_of(change: NumberChange) -> VerdictRule:
    """Return the verdict on a changed number, with its reason."""
    was, now, where = change.was, change.now, change.statement.where
    if (was is None or was.soft) and (now is None or now.soft):
        return _TOLD
    if change.measure in _PROMISES:
        return _of_promise(was, now)
    if change.measure in _QUOTAS or (change.measure in _LIMITS and where != "response"):
        return _of_limit(was, now, where)
    return VerdictRule("notice", "only the description states it", lenient=where == "response")


def _of_promise(was: StatedNumber | None, now: StatedNumber | None) -> VerdictRule:
    if was is None:
        return VerdictRule("non-breaking", "nothing was promised before")
    if now is None:
        return VerdictRule("notice", "clients may rely on the old promise")
    if now.value < was.value:
        return VerdictRule("breaking", "clients may rely on the old promise, and get less")
    return VerdictRule("non-breaking", "clients get more than was promised")


def _of_limit(was: StatedNumber | None, now: StatedNumber | None, where: Where) -> VerdictRule:
    if was is None:
        return VerdictRule("notice", "the limit was not stated before; requests beyond it may be refused")
    if now is None:
        return VerdictRule("non-breaking", "the limit is no longer stated")
    bound = now.bound or was.bound
    if not bound:
        return VerdictRule("notice", f"only the description of the {where} states it")
    is_tighter = (now.value < was.value) == (bound == "max")
    if is_tighter:
        return VerdictRule("breaking", "requests that the old description allows may be refused")
    return VerdictRule("non-breaking", "the new description allows all that the old one did")
