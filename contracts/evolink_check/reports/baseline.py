"""Deviations that are known, in a file to review and commit: only new ones fail a run.

A deviation is told by its clause and by what was expected and seen, less what differs from run to run: ids, times,
numbers, addresses. A status stays: a server that is known to answer 500 is not known to answer 404.
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
# In this order: each takes what the next would take apart.
_VARYING = (
    (re.compile(r"[a-z][a-z0-9+.\-]*://\S+", re.IGNORECASE), "URL"),
    (re.compile(r"\btask-unified-[\w\-]+"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+\-]\d\d:?\d\d)?)?"), "TIME"),
    (re.compile(r"\b(?=[0-9a-f\-]*\d)(?=[0-9a-f\-]*[a-f])[0-9a-f\-]{8,}\b", re.IGNORECASE), "HEX"),
)
# A number, with what stands before a status in the words of a rule, or behind what is none.
_NUMBER = re.compile(
    r"(?P<before>^|\b(?:status|http|answered|then|with|an?)\s)?(?P<number>[+\-]?\d+(?:\.\d+)*)"
    r"(?P<unit>%|\s?(?:s|ms|h|bytes|credits|times|characters)\b)?",
    re.IGNORECASE,
)
_STATUS = re.compile("[1-5][0-9]{2}")


class Known(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """One deviation. `expected` and `seen` are for whoever reviews the file; `fingerprint` is what counts."""

    clause: str
    fingerprint: str
    expected: str
    seen: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    known: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is known, sorted, each once."""

    known: tuple[Known, ...] = ()


def read(path: Path) -> Baseline:
    """The baseline in a file; ValueError names the file when it is none, OSError when it cannot be read."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: no baseline: {error}") from None
    if found.version != VERSION:
        raise ValueError(f"{path}: a baseline of version {found.version}, and only {VERSION} is known here")
    return Baseline(found.known)


def written(baseline: Baseline) -> str:
    """The file: the same text for the same deviations, a line a field."""
    raw = msgspec.json.encode(_File(VERSION, baseline.known))
    return f"{msgspec.json.format(raw, indent=2).decode()}\n"


def of(verdicts: Iterable[Verdict]) -> Baseline:
    """Every violation that fails now, as known: of verdicts to which no baseline was applied."""
    found = {
        (one.clause, one.fingerprint): one
        for verdict in verdicts
        if verdict.status == "failed"
        for one in (known(verdict.clause.id, violation) for violation in verdict.violations)
    }
    return Baseline(tuple(found[key] for key in sorted(found)))


def renewed(verdicts: Sequence[Verdict], before: Baseline) -> Baseline:
    """Every violation that fails now, and what was known of clauses that were not looked at (`--clause`, Ctrl-C)."""
    looked = _looked(verdicts)
    left = tuple(one for one in before.known if one.clause not in looked)
    return Baseline(tuple(sorted((*of(verdicts).known, *left))))


def apply(verdicts: Iterable[Verdict], baseline: Baseline) -> tuple[Verdict, ...]:
    """The verdicts, known where every violation is; where only some are, those go and the new ones stay."""
    return tuple(_applied(verdict, _keys(baseline)) for verdict in verdicts)


def gone(verdicts: Sequence[Verdict], baseline: Baseline) -> tuple[str, ...]:
    """A note on each deviation that was looked for and not found, of verdicts to which no baseline was applied."""
    looked = _looked(verdicts)
    still = _keys(of(verdicts))
    return tuple(
        f"{one.clause}: the baseline knows {one.seen!r}, which is no longer seen (fixed? remove it)"
        for one in baseline.known
        if one.clause in looked and (one.clause, one.fingerprint) not in still
    )


def known(clause: str, violation: Finding) -> Known:
    """A violation as a baseline has it."""
    expected, seen = violation.expected, violation.seen
    steady = "\n".join((clause, _steady(expected), _steady(seen)))
    return Known(clause, sha256(steady.encode("utf-8", "replace")).hexdigest()[:16], expected, seen)


def _looked(verdicts: Iterable[Verdict]) -> frozenset[str]:
    return frozenset(verdict.clause.id for verdict in verdicts if verdict.status != "not observed")


def _applied(verdict: Verdict, keys: frozenset[tuple[str, str]]) -> Verdict:
    if verdict.status != "failed":
        return verdict
    new = tuple(_new(verdict, keys))
    return replace(verdict, violations=new) if new else replace(verdict, known=True)


def _new(verdict: Verdict, keys: frozenset[tuple[str, str]]) -> Iterator[Finding]:
    for violation in verdict.violations:
        if (verdict.clause.id, known(verdict.clause.id, violation).fingerprint) not in keys:
            yield violation


def _keys(baseline: Baseline) -> frozenset[tuple[str, str]]:
    return frozenset((one.clause, one.fingerprint) for one in baseline.known)


def _steady(text: str) -> str:
    """A text less what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return " ".join(_NUMBER.sub(_number, text).split())


def _number(found: re.Match[str]) -> str:
    before, number, unit = found["before"], found["number"], found["unit"]
    alone = not unit and not found.string[found.end() : found.end() + 1].isalpha()
    is_status = before is not None and alone and _STATUS.fullmatch(number)
    return f"{before or ''}{number if is_status else 'N'}{unit or ''}"
