"""`Retry-After` and HTTP dates: what RFC 9110 allows, and how long a reader should wait."""

from __future__ import annotations

import re
from email.utils import mktime_tz, parsedate_tz

LONGEST = 10.0**9  # seconds, some 31 years: a server that asks for more is taken to ask for this much
_LONGEST_DATE = 64  # characters: an RFC 850 date with a numeric zone has 40
_WHOLE = re.compile(r"[0-9]+")
_FRACTION = re.compile(r"[0-9]+\.[0-9]+")
_DIGITS = 10  # of a number of seconds; with more it is above LONGEST in any case


def is_retry_after(value: str) -> bool:
    """Whether RFC 9110 (10.2.3) allows the value: whole seconds, or an HTTP date."""
    return _WHOLE.fullmatch(value.strip()) is not None or http_date(value) is not None


def seconds_to_wait(value: str, now: float) -> float | None:
    """Seconds to wait from `now` (Unix), 0 to `LONGEST`; None when the value does not say.

    A fraction of a second is not allowed, and honoured all the same.
    """
    text = value.strip()
    if _WHOLE.fullmatch(text) or _FRACTION.fullmatch(text):
        whole, _, fraction = text.partition(".")
        digits = whole.lstrip("0")
        return LONGEST if len(digits) >= _DIGITS else float(f"{digits or 0}.{fraction[:_DIGITS] or 0}")
    until = http_date(text)
    return None if until is None else min(max(0.0, until - now), LONGEST)


def http_date(text: str) -> float | None:
    """The Unix seconds of an HTTP date; None when the text is not one, or names no possible time."""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        parts = parsedate_tz(text)
        return None if parts is None else float(mktime_tz(parts))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
