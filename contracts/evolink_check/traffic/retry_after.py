"""Read `Retry-After` headers and HTTP dates as RFC 9110 defines them."""

from __future__ import annotations

import re
from email.utils import mktime_tz, parsedate_tz

LONGEST = 10.0**9  # seconds, about 31 years; a longer wait is cut to this
_LONGEST_DATE = 64  # characters: an RFC 850 date with a numeric zone has 40
_WHOLE = re.compile(r"[0-9]+")
_FRACTION = re.compile(r"[0-9]+\.[0-9]+")
_DIGITS = 10  # a number of seconds with this many digits is at least LONGEST


def is_retry_after(value: str) -> bool:
    """Return whether RFC 9110 (10.2.3) allows the value: whole seconds or an HTTP date."""
    return _WHOLE.fullmatch(value.strip()) is not None or http_date(value) is not None


def seconds_to_wait(value: str, now: float) -> float | None:
    """Return how many seconds to wait after `now`, at most `LONGEST`.

    `now` is in Unix seconds. Fractions of a second are accepted, although RFC 9110 does not allow them. Returns None if
    the value is invalid.
    """
    text = value.strip()
    if _WHOLE.fullmatch(text) or _FRACTION.fullmatch(text):
        whole, _, fraction = text.partition(".")
        digits = whole.lstrip("0")
        return LONGEST if len(digits) >= _DIGITS else float(f"{digits or 0}.{fraction[:_DIGITS] or 0}")
    until = http_date(text)
    return None if until is None else min(max(0.0, until - now), LONGEST)


def http_date(text: str) -> float | None:
    """Convert an HTTP date to Unix seconds.

    Returns None if the text is not a date or names an impossible time.
    """
    if len(text) > _LONGEST_DATE:
        return None
    try:
        parts = parsedate_tz(text)
        return None if parts is None else float(mktime_tz(parts))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
