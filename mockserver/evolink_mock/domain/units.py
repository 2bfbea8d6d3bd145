"""Parse durations (`5s`), ranges (`1s..3s`) and rates (`30/minute`) in command lines and recipes."""

from __future__ import annotations

import math
import re

from msgspec import Struct

from evolink_mock.domain.ids import fraction

_UNITS = {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|)")
_SHORTEST, _LONGEST = 0.001, 366 * 86400.0  # in seconds
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
# The library `limits` cannot be used, because its windows follow time.time(), but rates follow the account's clock.
_RATE = re.compile(r"([0-9]{1,9})\s*(?:/|per)\s*(second|minute|hour|day)s?")


def parse_duration(text: str) -> float:
    """Parse a duration such as `500ms`, `5s`, `5` (seconds), `2m` or `1.5h`.

    Returns seconds. Raises ValueError for any other notation. Raises ValueError below 1 ms and above 366 days.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ValueError(f"invalid duration {text!r}: write 5s, 500ms, 2m or 1h")
    return seconds


def parse_speed(text: str) -> Speed:
    """Parse a duration, or a range of durations such as `1s..3s`. Raises ValueError for any other text."""
    shortest, dots, longest = text.partition("..")
    speed = Speed(parse_duration(shortest), parse_duration(longest if dots else shortest))
    if speed.longest < speed.shortest:
        raise ValueError(f"invalid range {text!r}: it ends before it begins")
    return speed


def parse_rate(text: str) -> Rate:
    """Parse a rate such as `30/minute`. Raises ValueError for any other text."""
    match = _RATE.fullmatch(text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"invalid rate {text!r}: write 30/minute, or per second, hour or day")
    return Rate(int(match[1]), _WINDOWS[match[2]])


class Rate(Struct, frozen=True):
    """A rate limit: at most `limit` requests in each period of `seconds`."""

    limit: int
    seconds: float


class Speed(Struct, frozen=True):
    """The range of the durations of tasks, in seconds of the account's clock."""

    shortest: float
    longest: float

    def duration(self, random: int) -> float:
        """Return the duration of one task in seconds, rounded to milliseconds.

        The pseudo-random number `random` selects the duration. On a logarithmic scale, all durations are equally
        likely.
        """
        if self.shortest == self.longest:
            return self.shortest
        seconds = round(self.shortest * math.pow(self.longest / self.shortest, fraction(random)), 3)
        return min(max(self.shortest, seconds), self.longest)


REALTIME = Speed(80.0, 250.0)  # the range of the real service for a six-second clip


def format_rate(rate: Rate) -> str:
    """Format a rate in the notation that `parse_rate` accepts."""
    window = next(name for name, seconds in _WINDOWS.items() if seconds == rate.seconds)
    return f"{rate.limit}/{window}"
