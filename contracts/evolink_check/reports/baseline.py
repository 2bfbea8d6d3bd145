"""The baseline: a file of known violations.

In a run with a baseline, new violations make the run fail. The clause and the texts `expected` and `seen` identify a
violation. The ids, times, numbers and URLs in the texts are ignored. HTTP statuses are not ignored. For example, a
known status 500 does not cover a status 404.
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
# The order matters, because a later pattern would match parts of the texts that an earlier pattern replaces as a whole.
_VARYING = (
    (re.compile(r"[a-z][a-z0-9+.\-]*://\S+", re.IGNORECASE), "URL"),
    (re.compile(r"\btask-unified-[\w\-]+"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+\-]\d\d:?\d\d)?)?"), "TIME"),
    (re.compile(r"\b(?=[0-9a-f\-]*\d)(?=[0-9a-f\-]*[a-f])[0-9a-f\-]{8,}\b", re.IGNORECASE), "HEX"),
)
# A number. A word before it can show that it is a status; a unit after it shows that it is not.
_NUMBER = re.compile(
    r"(?P<before>^|\b(?:status|http|answered|then|with|an?)\s)?(?P<number>[+\-]?\d+(?:\.\d+)*)"
    r"(?P<unit>%|\s?(?:s|ms|h|bytes|credits|times|characters)\b)?",
    re.IGNORECASE,
)
_STATUS = re.compile("[1-5][0-9]{2}")


class KnownViolation(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """A violation in a baseline."""

    clause: str
    fingerprint: str  # a hash that identifies the violation
    expected: str  # for people who review the file
    seen: str  # for people who review the file


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    known: tuple[KnownViolation, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """The known violations, sorted and without duplicates."""

    known: tuple[KnownViolation, ...] = ()


def read(path: Path) -> Baseline:
    """Read a baseline file.

    Raises OSError if the file cannot be read. Raises ValueError, with the name of the file, if its content is invalid.
    """
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: not a baseline: {error}") from None
    if file.version != VERSION:
        raise ValueError(f"{path}: baseline version {file.version} is not supported, only version {VERSION}")
    return Baseline(file.known)


def to_json(baseline: Baseline) -> str:
    """Return the content of the baseline file, with one line for each field.

    Equal baselines have the same content.
    """
    raw = msgspec.json.encode(_File(VERSION, baseline.known))
    return f"{msgspec.json.format(raw, indent=2).decode()}\n"


def baseline_of(verdicts: Iterable[Verdict]) -> Baseline:
    """Return a baseline with all violations of the failed clauses, known or new.

    Call this function before `apply`, which removes known violations.
    """
    by_key = {
        (known.clause, known.fingerprint): known
        for verdict in verdicts
        if verdict.status == "failed"
        for known in (as_known(verdict.clause.id, violation) for violation in verdict.violations)
    }
    return Baseline(tuple(by_key[key] for key in sorted(by_key)))


def update(verdicts: Sequence[Verdict], before: Baseline) -> Baseline:
    """Return the new baseline after a run.

    The new baseline contains all violations of the clauses that failed in this run, known or new. Known violations of
    unobserved clauses are kept.
    """
    observed = _observed(verdicts)
    kept = tuple(known for known in before.known if known.clause not in observed)
    return Baseline(tuple(sorted((*baseline_of(verdicts).known, *kept))))


def apply(verdicts: Iterable[Verdict], baseline: Baseline) -> tuple[Verdict, ...]:
    """Remove known violations from the verdicts that also have new violations.

    A failed verdict with known violations alone keeps these violations, and is marked as known.
    """
    keys = _keys(baseline)
    return tuple(_apply(verdict, keys) for verdict in verdicts)


def notes_on_fixed(verdicts: Sequence[Verdict], baseline: Baseline) -> tuple[str, ...]:
    """Return a note on each known violation that was not seen again.

    Violations of unobserved clauses have no note.

    Call this function before `apply`, which removes known violations.
    """
    observed = _observed(verdicts)
    seen = _keys(baseline_of(verdicts))
    return tuple(
        f"{known.clause}: {known.seen!r} is in the baseline but was not seen (if it is fixed, remove it)"
        for known in baseline.known
        if known.clause in observed and (known.clause, known.fingerprint) not in seen
    )


def as_known(clause: str, violation: Finding) -> KnownViolation:
    """Convert a violation to a record for a baseline."""
    expected, seen = violation.expected, violation.seen
    text = "\n".join((clause, normalized(expected), normalized(seen)))
    return KnownViolation(clause, sha256(text.encode("utf-8", "replace")).hexdigest()[:16], expected, seen)


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


def normalized(text: str) -> str:
    """Replace parts that differ between runs, such as ids and times."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return " ".join(_NUMBER.sub(_normalized_number, text).split())


def _normalized_number(match: re.Match[str]) -> str:
    before, number, unit = match["before"], match["number"], match["unit"]
    alone = not unit and not match.string[match.end() : match.end() + 1].isalpha()
    is_status = before is not None and alone and _STATUS.fullmatch(number)
    return f"{before or ''}{number if is_status else 'N'}{unit or ''}"
