"""Known violations, in a file to review and commit: only new ones fail a run.

A violation is identified by its clause and by what was expected and seen, without what differs from run to run: ids,
times, numbers, addresses. A status is kept: a server that is known to answer 500 is not known to answer 404.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from evolink_check.analysis.verdicts import Finding, Verdict

VERSION = 1
# In this order: each replaces what the next one would split.
_VARYING = (
    (re.compile(r"[a-z][a-z0-9+.\-]*://\S+", re.IGNORECASE), "URL"),
    (re.compile(r"\btask-unified-[\w\-]+"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+\-]\d\d:?\d\d)?)?"), "TIME"),
    (re.compile(r"\b(?=[0-9a-f\-]*\d)(?=[0-9a-f\-]*[a-f])[0-9a-f\-]{8,}\b", re.IGNORECASE), "HEX"),
)
# A number, with the word that precedes it where it is a status, or the unit that follows it where it is not.
_NUMBER = re.compile(
    r"(?P<before>^|\b(?:status|http|answered|then|with|an?)\s)?(?P<number>[+\-]?\d+(?:\.\d+)*)"
    r"(?P<unit>%|\s?(?:s|ms|h|bytes|credits|times|characters)\b)?",
    re.IGNORECASE,
)
_STATUS = re.compile("[1-5][0-9]{2}")


class Known(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """One known violation. `expected` and `seen` are for reviewers of the file; `fingerprint` identifies it."""

    clause: str
    fingerprint: str
    expected: str
    seen: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """The known violations, sorted, each once."""

    known: tuple[Known, ...] = ()


def read(path: Path) -> Baseline:
    """The baseline in a file; ValueError names a file that is not one, OSError when it cannot be read."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: not a baseline: {error}") from None
    if file.version != VERSION:
        raise ValueError(f"{path}: unsupported version {file.version} of a baseline, instead of {VERSION}")
    return Baseline(file.known)


def to_json(baseline: Baseline) -> str:
    """The content of the file: the same for the same violations, with a line for each field."""
    raw = msgspec.json.encode(_File(VERSION, baseline.known))
    return f"{msgspec.json.format(raw, indent=2).decode()}\n"


def baseline_of(verdicts: Iterable[Verdict]) -> Baseline:
    """All violations for which a run fails now, as known ones; for verdicts to which no baseline was applied."""
    by_key = {
        (known.clause, known.fingerprint): known
        for verdict in verdicts
        if verdict.status == "failed"
        for known in (as_known(verdict.clause.id, violation) for violation in verdict.violations)
    }
    return Baseline(tuple(by_key[key] for key in sorted(by_key)))


def update(verdicts: Sequence[Verdict], before: Baseline) -> Baseline:
    """All violations for which a run fails now, and the known ones of clauses that were not observed this time."""
    observed = _observed(verdicts)
    kept = tuple(known for known in before.known if known.clause not in observed)
    return Baseline(tuple(sorted((*baseline_of(verdicts).known, *kept))))


def apply(verdicts: Iterable[Verdict], baseline: Baseline) -> tuple[Verdict, ...]:
    """The verdicts without known violations; a verdict of which all violations are known keeps them and is known."""
    keys = _keys(baseline)
    return tuple(_apply(verdict, keys) for verdict in verdicts)


def notes_on_fixed(verdicts: Sequence[Verdict], baseline: Baseline) -> tuple[str, ...]:
    """A note on each known violation that was not seen again, for verdicts to which no baseline was applied."""
    observed = _observed(verdicts)
    seen = _keys(baseline_of(verdicts))
    return tuple(
        f"{known.clause}: the baseline knows {known.seen!r}, which is no longer seen (fixed? remove it)"
        for known in baseline.known
        if known.clause in observed and (known.clause, known.fingerprint) not in seen
    )


def as_known(clause: str, violation: Finding) -> Known:
    """A violation as a baseline has it."""
    expected, seen = violation.expected, violation.seen
    steady = "\n".join((clause, _steady(expected), _steady(seen)))
    return Known(clause, sha256(steady.encode("utf-8", "replace")).hexdigest()[:16], expected, seen)


def _observed(verdicts: Iterable[Verdict]) -> frozenset[str]:
    return frozenset(verdict.clause.id for verdict in verdicts if verdict.status != "not observed")


def _apply(verdict: Verdict, keys: frozenset[tuple[str, str]]) -> Verdict:
    if verdict.status != "failed":
        return verdict
    new = tuple(_new(verdict, keys))
    return replace(verdict, violations=new) if new else replace(verdict, known=True)


def _new(verdict: Verdict, keys: frozenset[tuple[str, str]]) -> Iterator[Finding]:
    for violation in verdict.violations:
        if (verdict.clause.id, as_known(verdict.clause.id, violation).fingerprint) not in keys:
            yield violation


def _keys(baseline: Baseline) -> frozenset[tuple[str, str]]:
    return frozenset((known.clause, known.fingerprint) for known in baseline.known)


def _steady(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return " ".join(_NUMBER.sub(_number, text).split())


def _number(match: re.Match[str]) -> str:
    before, number, unit = match["before"], match["number"], match["unit"]
    alone = not unit and not match.string[match.end() : match.end() + 1].isalpha()
    is_status = before is not None and alone and _STATUS.fullmatch(number)
    return f"{before or ''}{number if is_status else 'N'}{unit or ''}"
