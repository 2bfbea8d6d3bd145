"""The properties of a result file (its media spec), read from the create request."""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING

import msgspec
from evolink_spec.models import Medium  # noqa: TC002  (stores decode by the annotations)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_spec.models import Json

HUES = 8
FRAME_RATE = 24  # frames per second

_DEFAULT_SECONDS = 6.0
_MAX_SECONDS = 60.0
_DEFAULT_SHORT_SIDE = 480  # in pixels, like all sides
_MIN_SIDE = 64
_MAX_SHORT_SIDE = 2160
_MAX_LONG_SIDE = 3840
_DEFAULT_RATIO = (16, 9)
_MAX_RATIO = 4
_MAX_WORD_LENGTH = 32

_NUMBER = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*s?")
_SIZE = re.compile(r"([0-9]{1,5})\s*[x*×]\s*([0-9]{1,5})")  # noqa: RUF001 - some documents print the sign
_LINES = re.compile(r"([0-9]{3,4})p?")
_ASPECT = re.compile(r"([0-9]{1,3}):([0-9]{1,3})")
_NAMED_LINES = {"0.5k": 512, "1k": 1024, "2k": 1440, "4k": 2160}

# The formats of each medium, the usual one first, with the content type of each.
_FORMATS: Mapping[Medium, Mapping[str, str]] = {
    "video": {"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"},
    "image": {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"},
    "audio": {
        "mp3": "audio/mpeg",
        "wav": "audio/wav",
        "pcm": "audio/L16",
        "opus": "audio/opus",
        "ogg": "audio/ogg",
        "flac": "audio/flac",
    },
}
_USUAL_FORMAT: Mapping[Medium, str] = {medium: next(iter(formats)) for medium, formats in _FORMATS.items()}
_OTHER_NAMES = {"jpg": "jpeg", "ogg_opus": "ogg", "quicktime": "mov"}
# The request fields that select the format of a result; each OpenAPI document uses one of them.
_FORMAT_FIELDS = ("format", "output_format", "audio_format", "response_format", "container")
_NESTED = ("model_params", "audio_setting", "audio_settings", "output")


class MediaSpec(msgspec.Struct, frozen=True, gc=False):
    """The properties of a result file. Results with equal specs share one file."""

    medium: Medium
    seconds: float  # the duration of a whole number of frames; 0 for an image
    width: int  # an even number of pixels; 0 for audio
    height: int  # an even number of pixels; 0 for audio
    hue: int  # the number of a colour palette, from 0 to `HUES` - 1
    format: str = ""  # such as `webm`; empty for the usual format of the medium

    @property
    def extension(self) -> str:
        """The file name extension, without a dot."""
        return self.format or _USUAL_FORMAT[self.medium]


def media_spec_of(body: Mapping[str, Json], medium: Medium, hue: int) -> MediaSpec:
    """Read the media spec from a create request (clauses `result.duration` and `result.quality`).

    Invalid values are replaced with the default: 6 s of 480p at 16:9. Values above the maximum are replaced with the
    maximum.
    """
    # `duration` is in seconds, as a number or a string. `quality`, `resolution` and `size` may be the shorter
    # side (`480p` or `4k`), or width and height (`1280x720`). `aspect_ratio` and `size` may be a ratio of width
    # to height (`9:16`).
    return _spec_of(
        medium,
        _cache_key(body.get("duration")),
        _cache_key(body.get("quality")),
        _cache_key(body.get("resolution")),
        _cache_key(body.get("size")),
        _cache_key(body.get("aspect_ratio")),
        hue % HUES,
        _requested_format(body, medium),
    )


def suffix(spec: MediaSpec) -> str:
    """Return the file name extension of a result, with its dot."""
    return f".{spec.extension}"


def content_type(spec: MediaSpec) -> str:
    """Return the content type of a result."""
    return _FORMATS[spec.medium][spec.extension]


def variation(spec: MediaSpec, index: int) -> MediaSpec:
    """Return the media spec of a task's result number `index` (from 0).

    `spec` is the media spec of the first result. The results differ in colour.
    """
    if not index:
        return spec
    hue = (spec.hue + index) % HUES
    return _shared_spec(spec.medium, spec.seconds, spec.width, spec.height, hue, spec.format)


def _requested_format(body: Mapping[str, Json], medium: Medium) -> str:
    for fields in (body, *(body[name] for name in _NESTED if isinstance(body.get(name), dict))):
        for name in _FORMAT_FIELDS:
            if name in fields and isinstance(value := fields[name], str) and len(value) <= _MAX_WORD_LENGTH:
                word = _OTHER_NAMES.get(value.lower(), value.lower())
                if word in _FORMATS[medium]:
                    return "" if word == _USUAL_FORMAT[medium] else word
    return ""


def _cache_key(value: Json) -> str | float | None:
    # The default is used for all values that become None, such as long texts and lists.
    if value is None:
        return None
    if type(value) is str:
        return value if len(value) <= _MAX_WORD_LENGTH else None
    if type(value) is int:
        return max(-1, min(value, 1_000_000))
    return value if type(value) is float and isfinite(value) else None


@lru_cache(maxsize=4096, typed=True)
def _spec_of(  # noqa: PLR0913, PLR0917 - each is part of the cache key
    medium: Medium,
    duration: str | float | None,
    quality: str | float | None,
    resolution: str | float | None,
    size: str | float | None,
    aspect: str | float | None,
    hue: int,
    format_: str,
) -> MediaSpec:
    words = [word.strip().lower() for word in (aspect, quality, resolution, size) if isinstance(word, str)]
    seconds = 0.0 if medium == "image" else _seconds(duration)
    width, height = (0, 0) if medium == "audio" else _frame_size(words)
    return _shared_spec(medium, seconds, width, height, hue, format_)


@lru_cache(maxsize=4096)
def _shared_spec(  # noqa: PLR0913, PLR0917 - the fields of the record
    medium: Medium, seconds: float, width: int, height: int, hue: int, format_: str
) -> MediaSpec:
    return MediaSpec(medium, seconds, width, height, hue, format_)


def _seconds(duration: str | float | None) -> float:
    if isinstance(duration, str):
        number = _NUMBER.fullmatch(duration.strip().lower())
        duration = float(number[1]) if number else None
    if duration is None or duration <= 0:
        return _DEFAULT_SECONDS
    return max(1, round(min(duration, _MAX_SECONDS) * FRAME_RATE)) / FRAME_RATE


def _frame_size(words: list[str]) -> tuple[int, int]:
    if size := _first_match(_SIZE, words):
        return _limit_size(size[0], size[1])
    # Without a size such as `1280x720`: a ratio such as `16:9` and a side such as `720p`, or their defaults.
    horizontal, vertical = _ratio(words)
    unit = _short_side(words) / min(horizontal, vertical)
    return _limit_size(horizontal * unit, vertical * unit)


def _ratio(words: list[str]) -> tuple[int, int]:
    horizontal, vertical = _first_match(_ASPECT, words) or _DEFAULT_RATIO
    shorter, longer = sorted((horizontal, vertical))
    is_usable = shorter > 0 and longer <= _MAX_RATIO * shorter
    return (horizontal, vertical) if is_usable else _DEFAULT_RATIO


def _short_side(words: list[str]) -> int:
    named = (_NAMED_LINES[word] for word in words if word in _NAMED_LINES)
    lines = _first_match(_LINES, words)
    return lines[0] if lines else next(named, _DEFAULT_SHORT_SIDE)


def _first_match(pattern: re.Pattern[str], words: list[str]) -> tuple[int, ...]:
    matches = filter(None, map(pattern.fullmatch, words))
    return next((tuple(map(int, match.groups())) for match in matches), ())


def _limit_size(width: float, height: float) -> tuple[int, int]:
    short, long = sorted((max(width, 1), max(height, 1)))
    scale = min(1.0, _MAX_SHORT_SIDE / short, _MAX_LONG_SIDE / long)
    # 4:2:0 video requires sides of even numbers.
    limited_width, limited_height = (max(_MIN_SIDE, 2 * round(side * scale / 2)) for side in (width, height))
    return limited_width, limited_height
