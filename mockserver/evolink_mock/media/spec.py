"""What a result is to look like, read from the request that asked for it."""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec.models import Json, Medium

HUES = 8
FRAME_RATE = 24  # frames a second

_SECONDS = 6.0
_MOST_SECONDS = 60.0
_SHORT_SIDE = 480
_LEAST_SIDE = 64
_MOST_SHORT_SIDE = 2160
_MOST_LONG_SIDE = 3840
_RATIO = (16, 9)
_MOST_RATIO = 4
_LONGEST_WORD = 32

_NUMBER = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*s?")
_SIZE = re.compile(r"([0-9]{1,5})\s*[x*×]\s*([0-9]{1,5})")  # noqa: RUF001 - some documents print the sign
_LINES = re.compile(r"([0-9]{3,4})p?")
_ASPECT = re.compile(r"([0-9]{1,3}):([0-9]{1,3})")
_NAMED_LINES = {"1k": 1024, "2k": 1440, "4k": 2160}

_SUFFIXES: Mapping[Medium, str] = {"video": ".mp4", "image": ".png", "audio": ".mp3"}
_CONTENT_TYPES: Mapping[Medium, str] = {"video": "video/mp4", "image": "image/png", "audio": "audio/mpeg"}


class MediaSpec(msgspec.Struct, frozen=True, gc=False):
    """All that tells one result file from another.

    `seconds` is a whole number of frames (0 for an image); `width` and `height` are even pixels
    (0 for audio); `hue` is one of `HUES` colourings.
    """

    medium: Medium
    seconds: float
    width: int
    height: int
    hue: int


def media_spec_of(body: Mapping[str, Json], medium: Medium, hue: int) -> MediaSpec:
    """Read the look a request asks for: clauses `result.duration` and `result.quality`.

    `duration` is seconds, as a number or a string; `quality`, `resolution` and `size` may hold
    `480p`, `4k` or `1280x720`; `aspect_ratio` (or `size`) `9:16`. What cannot be understood is
    6 s of 480p at 16:9, what is too much is capped; nothing raises. `480p` is the shorter side.
    Equal looks are one object, so that a million tasks hold a million references.
    """
    return _read(
        medium,
        _plain(body.get("duration")),
        _plain(body.get("quality")),
        _plain(body.get("resolution")),
        _plain(body.get("size")),
        _plain(body.get("aspect_ratio")),
        hue % HUES,
    )


def suffix(medium: Medium) -> str:
    """The ending of a result's file name, with its dot."""
    return _SUFFIXES[medium]


def content_type(medium: Medium) -> str:
    """The media type a result is served as."""
    return _CONTENT_TYPES[medium]


def _plain(value: Json) -> str | float | None:
    """Let pass what is small enough to be a key of the cache below."""
    if type(value) is str:
        return value if len(value) <= _LONGEST_WORD else None
    if type(value) is int:
        return max(-1, min(value, 1_000_000))
    return value if type(value) is float and isfinite(value) else None


@lru_cache(maxsize=4096, typed=True)
def _read(  # noqa: PLR0913, PLR0917 - each is a part of the cache's key
    medium: Medium,
    duration: str | float | None,
    quality: str | float | None,
    resolution: str | float | None,
    size: str | float | None,
    aspect: str | float | None,
    hue: int,
) -> MediaSpec:
    words = [word.strip().lower() for word in (aspect, quality, resolution, size) if isinstance(word, str)]
    seconds = 0.0 if medium == "image" else _seconds(duration)
    width, height = (0, 0) if medium == "audio" else _frame(words)
    return _look(medium, seconds, width, height, hue)


@lru_cache(maxsize=4096)
def _look(medium: Medium, seconds: float, width: int, height: int, hue: int) -> MediaSpec:
    """One object for each distinct look, however its request spelled it."""
    return MediaSpec(medium, seconds, width, height, hue)


def _seconds(duration: str | float | None) -> float:
    if isinstance(duration, str):
        number = _NUMBER.fullmatch(duration.strip().lower())
        duration = float(number[1]) if number else None
    if duration is None or duration <= 0:
        return _SECONDS
    return max(1, round(min(duration, _MOST_SECONDS) * FRAME_RATE)) / FRAME_RATE


def _frame(words: list[str]) -> tuple[int, int]:
    """Width and height, from the first word that says each thing."""
    if size := _first(_SIZE, words):
        return _fit(size[0], size[1])
    across, down = _ratio(words)
    side = _short_side(words) / min(across, down)
    return _fit(across * side, down * side)


def _ratio(words: list[str]) -> tuple[int, int]:
    across, down = _first(_ASPECT, words) or _RATIO
    odd = min(across, down) == 0 or max(across, down) > _MOST_RATIO * min(across, down)
    return _RATIO if odd else (across, down)


def _short_side(words: list[str]) -> int:
    named = (_NAMED_LINES[word] for word in words if word in _NAMED_LINES)
    lines = _first(_LINES, words)
    return lines[0] if lines else next(named, _SHORT_SIDE)


def _first(pattern: re.Pattern[str], words: list[str]) -> tuple[int, ...]:
    """Find the numbers of the first word that has this form; empty when none has."""
    found = (pattern.fullmatch(word) for word in words)
    return next((tuple(map(int, match.groups())) for match in found if match), ())


def _fit(width: float, height: float) -> tuple[int, int]:
    """Shrink to what may be rendered, keeping the shape; 4:2:0 video needs even sides."""
    short, long = sorted((max(width, 1), max(height, 1)))
    scale = min(1.0, _MOST_SHORT_SIDE / short, _MOST_LONG_SIDE / long)
    across, down = (max(_LEAST_SIDE, 2 * round(side * scale / 2)) for side in (width, height))
    return across, down
