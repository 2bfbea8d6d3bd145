"""Pair the members of two objects by name. Renamed members are paired by similarity."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from evolink_check.drift.schemas.inclusion import is_included

if TYPE_CHECKING:
    from evolink_check.drift.schemas.shapes import Branch, Shape

_SIMILAR_NAME, _SIMILAR_TEXT = 0.6, 0.8
_NEARLY_EQUAL_NAME = 0.85


@dataclass(frozen=True, slots=True)
class MemberPairs:
    """The members of two versions of an object. `renamed` maps old names to new names."""

    kept: list[str]
    removed: dict[str, Shape]
    added: dict[str, Shape]
    renamed: dict[str, str]


def pair_members(old: Branch, new: Branch) -> MemberPairs:
    """Pair the members of two versions of an object by name.

    A removed member counts as renamed if a similar member was added.
    """
    removed = {name: shape for name, shape in old.properties.items() if name not in new.properties}
    added = {name: shape for name, shape in new.properties.items() if name not in old.properties}
    renamed: dict[str, str] = {}
    scored = sorted(
        (
            (_likeness(was, one, now, other), was, now)
            for was, one in removed.items()
            for now, other in added.items()
        ),
        reverse=True,
    )
    for score, was, now in scored:
        if score > 0 and was in removed and now in added:
            renamed[was] = now
            del removed[was], added[now]
    kept = [name for name in old.properties if name in new.properties]
    return MemberPairs(kept, removed, added, renamed)


def _likeness(was: str, one: Shape, now: str, other: Shape) -> float:
    """Return a similarity from 0 to 2."""
    name = _ratio(was.lower().replace("_", ""), now.lower().replace("_", ""))
    text = (
        _ratio(_description(one), _description(other)) if _description(one) and _description(other) else 0.0
    )
    same_values = is_included(one, other) or is_included(other, one)
    has_same_kinds = bool(one.kinds & other.kinds)
    if name >= _NEARLY_EQUAL_NAME and (has_same_kinds or text >= _SIMILAR_TEXT):
        return 1 + name
    if same_values and (
        (name >= _SIMILAR_NAME and (text >= _SIMILAR_NAME or not text)) or text >= _SIMILAR_TEXT
    ):
        return name + text
    return 0.0


def _description(shape: Shape) -> str:
    return " ".join(text for _, text in shape.notes.texts)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
