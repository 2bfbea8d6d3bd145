"""Settings: what a user may choose, as one frozen record. The only module that reads the environment's files."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.accounts import Rate
from mockserver.guard import parse_allowed
from mockserver.plans import Speed

if TYPE_CHECKING:
    from pathlib import Path

    from spec import Spec

ENVIRONMENT = "EVOLINK_MOCK_"  # before the name of an option in capitals
_UNITS = {"": 1.0, "s": 1.0, "ms": 0.001, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)")
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_RATE = re.compile(r"(\d+)\s*(?:/|per)\s*(second|minute|hour|day)s?")


class Settings(Struct, frozen=True, kw_only=True):
    """Everything `serve` can be told. Sizes in bytes, credits as the document counts them."""

    host: str = "127.0.0.1"
    port: int = 8080
    spec: tuple[Path, ...] = ()
    speed: Speed = Speed(5.0, 5.0)
    seed: int | None = None
    credits: float = 1_000_000_000
    rate: Rate | None = None
    tokens: frozenset[str] = frozenset()
    denied_models: frozenset[str] = frozenset()
    max_body: int = 10 * 1024 * 1024
    public_url: str | None = None
    allow_callbacks_to: tuple[str, ...] = ()


def parse_duration(text: str) -> float:
    """Seconds of `5s`, `500ms`, `2m`, `1.5h` or `5`; ValueError otherwise, and for nothing at all."""
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if seconds <= 0:
        raise ValueError(f"{text!r} is no duration: write 5s, 500ms, 2m or 1h")
    return seconds


def parse_speed(text: str) -> Speed:
    """How long tasks take: one duration, or `SHORTEST..LONGEST`; ValueError otherwise."""
    shortest, _, longest = text.partition("..")
    speed = Speed(parse_duration(shortest), parse_duration(longest or shortest))
    if speed.longest < speed.shortest:
        raise ValueError(f"{text!r} ends before it begins")
    return speed


def parse_rate(text: str) -> Rate:
    """A rate such as `30/minute`; ValueError otherwise."""
    found = _RATE.fullmatch(text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{text!r} is no rate: write 30/minute, or per second, hour or day")
    return Rate(int(found[1]), _WINDOWS[found[2]])


def parse_public_url(text: str) -> str:
    """The URL that stands in front of the server, without a trailing slash; ValueError otherwise."""
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", text):
        raise ValueError(f"{text!r} is no public URL: write https://HOST[:PORT]")
    return text.rstrip("/")


def check(settings: Settings, spec: Spec) -> None:
    """ValueError for a choice that cannot have an effect: a host that is none, a model that is not served."""
    for text in settings.allow_callbacks_to:
        parse_allowed(text)
    served = {model for by_model in spec.creates.values() for model in by_model}
    for model in settings.denied_models - served:
        near = get_close_matches(model, [name for name in served if name], n=1)
        raise ValueError(f"--deny-model: {model!r} is not served{f'; {near[0]} is' if near else ''}")


def from_pyproject(start: Path, known: frozenset[str]) -> dict[str, Any]:
    """`[tool.evolink-mock]` of the nearest pyproject.toml at or above `start`, by option name.

    ValueError, naming the file, for a file that is no TOML and for an option that there is not.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _section(path, known)
    return {}


def _section(path: Path, known: frozenset[str]) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is no TOML: {error}") from error
    section = content.get("tool", {}).get("evolink-mock", {})
    found = {}
    for key, value in section.items():
        option = key.replace("-", "_")
        if option not in known:
            near = get_close_matches(option, known, n=1)
            meant = f" (did you mean {near[0].replace('_', '-')}?)" if near else ""
            raise ValueError(f"{path}: [tool.evolink-mock] has no setting {key!r}{meant}")
        found[option] = value
    return found
