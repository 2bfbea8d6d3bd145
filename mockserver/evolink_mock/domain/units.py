"""Durations and rates as people write them. Pure."""

from __future__ import annotations

import math
import re

from msgspec import Struct

from evolink_mock.domain.ids import fraction

_UNITS = {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|m|h|)")
_SHORTEST, _LONGEST = 0.001, 366 * 86400.0  # seconds of a duration; less or more is a slip
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
# Not the `limits` library: its windows are cut by time.time(), and ours by the clock of the account.
_RATE = re.compile(r"([0-9]{1,9})\s*(?:/|per)\s*(second|minute|hour|day)s?")


def parse_duration(text: str) -> float:
    """Seconds of `5s`, `500ms`, `2m`, `1.5h` or `5`; ValueError otherwise, for less than 1 ms or more than a year."""
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ValueError(f"{text!r} is no duration: write 5s, 500ms, 2m or 1h")
    return seconds


def parse_speed(text: str) -> Speed:
    """How long something takes: one duration, or `SHORTEST..LONGEST`; ValueError otherwise."""
    shortest, dots, longest = text.partition("..")
    speed = Speed(parse_duration(shortest), parse_duration(longest if dots else shortest))
    if speed.longest < speed.shortest:
        raise ValueError(f"{text!r} ends before it begins")
    return speed


def parse_rate(text: str) -> Rate:
    """A rate such as `30/minute`; ValueError otherwise."""
    found = _RATE.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{text!r} is no rate: write 30/minute, or per second, hour or day")
    return Rate(int(found[1]), _WINDOWS[found[2]])


class Rate(Struct, frozen=True):
    """At most `limit` requests in each window of `seconds` of the clock."""

    limit: int
    seconds: float


class Speed(Struct, frozen=True):
    """How long tasks take, in seconds of the clock: each somewhere from `shortest` to `longest`."""

    shortest: float
    longest: float

    def duration(self, draw: int) -> float:
        """The duration of one task. Short ones are the most frequent, long ones are not rare."""
        if self.shortest == self.longest:
            return self.shortest
        drawn = round(self.shortest * math.pow(self.longest / self.shortest, fraction(draw)), 3)
        return min(max(self.shortest, drawn), self.longest)


REALTIME = Speed(80.0, 250.0)  # the spread of the real service for a clip of six seconds
