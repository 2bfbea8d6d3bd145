"""The verdict on each kind of schema difference, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.drift.records import Verdict

Direction = Literal["request", "response"]


@dataclass(frozen=True, slots=True)
class VerdictRule:
    """The verdict on one kind of difference, with the reason.

    `lenient` is true if the verdict assumes that clients tolerate unknown values. The option --strict
    replaces such a verdict with "breaking".
    """

    verdict: Verdict
    reason: str
    lenient: bool = False


_REFUSED = VerdictRule("breaking", "a request that was accepted is refused")
_STILL_ACCEPTED = VerdictRule("non-breaking", "every request that was accepted still is")
_UNREADABLE = VerdictRule("breaking", "a client that reads the old values cannot read the new ones")
_NEW_VALUES = VerdictRule("notice", "a client may read values that were not documented before", lenient=True)
_KNOWN_VALUES = VerdictRule("non-breaking", "a client reads only values that were documented before")
_MISSING = VerdictRule("breaking", "a client that reads it no longer finds it")
_IGNORED_MEMBER = VerdictRule("non-breaking", "clients ignore members that they do not read")

REQUEST: Mapping[str, VerdictRule] = {
    "type-changed": _REFUSED,
    "type-narrowed": _REFUSED,
    "type-widened": _STILL_ACCEPTED,
    "null-refused": _REFUSED,
    "null-allowed": _STILL_ACCEPTED,
    "values-removed": _REFUSED,
    "values-added": _STILL_ACCEPTED,
    "values-freed": _STILL_ACCEPTED,
    "values-listed": _REFUSED,
    "values-replaced": _REFUSED,
    "limit-tightened": _REFUSED,
    "limit-relaxed": _STILL_ACCEPTED,
    "format-changed": _REFUSED,
    "pattern-changed": VerdictRule("notice", "no accepted request was found that is refused"),
    "condition-changed": VerdictRule("notice", "no accepted request was found that is refused"),
    "property-required": VerdictRule("breaking", "a request without it was accepted and is refused"),
    "property-optional": _STILL_ACCEPTED,
    "required-property-added": VerdictRule("breaking", "a request without it was accepted and is refused"),
    "property-added": VerdictRule("non-breaking", "it is optional"),
    "property-removed": VerdictRule("breaking", "it is no longer documented, so the API ignores it"),
    "property-renamed": VerdictRule("breaking", "the API ignores the old name"),
    "unknown-refused": VerdictRule("breaking", "a request with another member was accepted and is refused"),
    "unknown-accepted": _STILL_ACCEPTED,
}
RESPONSE: Mapping[str, VerdictRule] = {
    "type-changed": _UNREADABLE,
    "type-narrowed": _KNOWN_VALUES,
    "type-widened": _UNREADABLE,
    "null-refused": _KNOWN_VALUES,
    "null-allowed": VerdictRule("breaking", "a client that does not expect null fails"),
    "values-removed": _KNOWN_VALUES,
    "values-added": _NEW_VALUES,
    "values-freed": _NEW_VALUES,
    "values-listed": _KNOWN_VALUES,
    "values-replaced": _NEW_VALUES,
    "limit-tightened": _KNOWN_VALUES,
    "limit-relaxed": _NEW_VALUES,
    "format-changed": _UNREADABLE,
    "pattern-changed": _NEW_VALUES,
    "condition-changed": _NEW_VALUES,
    "property-required": VerdictRule("non-breaking", "it is always there"),
    "property-optional": VerdictRule("breaking", "a client that always reads it may not find it"),
    "required-property-added": _IGNORED_MEMBER,
    "property-added": _IGNORED_MEMBER,
    "property-removed": _MISSING,
    "property-renamed": _MISSING,
    "unknown-refused": _KNOWN_VALUES,
    "unknown-accepted": _IGNORED_MEMBER,
}
RULES: Mapping[Direction, Mapping[str, VerdictRule]] = {"request": REQUEST, "response": RESPONSE}
