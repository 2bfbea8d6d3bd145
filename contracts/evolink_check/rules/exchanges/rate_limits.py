"""Rules over what is asked too often. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from email.utils import mktime_tz, parsedate_tz
from itertools import pairwise
from typing import TYPE_CHECKING

from evolink_check.analysis.verdicts import passed, violation
from evolink_check.rules.exchanges.attribution import is_judgeable
from evolink_check.rules.registry import rule
from evolink_check.traffic.trace import NOBODY, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolink_check.analysis.observations import Observation, TraceView
    from evolink_check.analysis.verdicts import Finding

_TOO_MANY = 429
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@rule("rate.retry-after")
def retry_after(reading: TraceView) -> Iterator[Finding]:
    """Every 429 says how long to wait: seconds, or an HTTP date."""
    for one in reading.api:
        if one.status == _TOO_MANY and is_judgeable(one):
            said = one.header("Retry-After")
            if not _says_when(said or ""):
                expected = "Retry-After: seconds or an HTTP date"
                yield violation(
                    one.number, expected=expected, seen="none" if said is None else f"{said!r:.60}"
                )
            else:
                yield passed(one.number)


@rule("rate.recovers")
def recovers(reading: TraceView) -> Iterator[Finding]:
    """Who waited as long as `Retry-After` says, and sent nothing else, is let in."""
    if not reading.trace.complete:
        return
    of_account: defaultdict[str, list[Observation]] = defaultdict(list)
    for one in sorted(reading.api, key=lambda seen: seen.entry.began):
        if one.entry.who not in {UNKNOWN, NOBODY}:
            of_account[one.entry.who].append(one)
    for asked in of_account.values():
        ended = 0.0
        for one, following in pairwise(asked):
            ended = max(ended, one.entry.ended)
            wait = _wait(one) if one.status == _TOO_MANY and is_judgeable(one) else None
            if wait is None or ended > one.entry.ended:
                continue
            # Whose seconds they are, is not said: with a clock that runs faster or slower, wait for both.
            if following.entry.began - ended >= max(wait, wait / reading.trace.scale):
                if following.status == _TOO_MANY:
                    expected = f"another answer after the {wait:g} s of Retry-After"
                    yield violation(one.number, following.number, expected=expected, seen="429 again")
                else:
                    yield passed(one.number, following.number)


def _says_when(said: str) -> bool:
    return _SECONDS.fullmatch(said.strip()) is not None or http_time(said) is not None


def _wait(one: Observation) -> float | None:
    """The seconds that a 429 asks to wait; None when it does not say, or by a clock that it does not tell."""
    said = (one.header("Retry-After") or "").strip()
    if _SECONDS.fullmatch(said):
        return float(said)
    until, now = http_time(said), http_time(one.header("Date") or "")
    return None if until is None or now is None else max(0.0, until - now)


def http_time(text: str) -> float | None:
    """The Unix seconds of an HTTP date; None for what is none."""
    try:
        found = parsedate_tz(text)
        return None if found is None else float(mktime_tz(found))
    except (ValueError, OverflowError):
        return None
