"""Settings: what a user may choose, as one frozen record. The only module that reads the environment and its files."""

from __future__ import annotations

import math
import os
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from evolink_mock.callbacks.url_guard import parse_allowed
from evolink_mock.domain.units import Speed

if TYPE_CHECKING:
    from evolink_spec import Spec

    from evolink_mock.domain.units import Rate

ENVIRONMENT = "EVOLINK_MOCK_"  # before the name of an option in capitals
_PUBLIC_URL = re.compile(
    r"https?://([^\s/?#@]+)((?:/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-F]{2})*)*)", re.ASCII | re.IGNORECASE
)
_CONTROL = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\]):([0-9]{1,5})")
_TOKEN = re.compile(r"[!-}]+")  # what a header can carry, less the `~` that a recipe stands behind


class Settings(Struct, frozen=True, kw_only=True):
    """Everything `serve` can be told. Sizes in bytes, credits as the document counts them."""

    host: str = "127.0.0.1"
    port: int = 8080
    spec: tuple[Path, ...] = ()
    speed: Speed = Speed(5.0, 5.0)
    seed: int | None = None
    clock_scale: float = 1.0  # how many seconds of the server's clock pass in one
    credits: float = 1_000_000_000
    rate: Rate | None = None
    tokens: frozenset[str] = frozenset()
    denied_models: frozenset[str] = frozenset()
    max_body: int = 10 * 1024 * 1024
    public_url: str | None = None
    allow_callbacks_to: tuple[str, ...] = ()
    https_port: int | None = None
    proxy_port: int | None = None
    offline: bool = False
    ca_dir: Path | None = None
    control: str = "on"  # or `off`, or the HOST:PORT that the control API is bound to


def parse_public_url(text: str) -> str:
    """The URL that stands in front of the server, without a trailing slash; ValueError otherwise."""
    found = _PUBLIC_URL.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no public URL: write https://HOST[:PORT]")
    parse_allowed(found[1])  # as strict about a host, and as clear
    return text.rstrip("/")


def parse_control(text: str) -> str:
    """Where the control API is: `on`, `off`, or `HOST:PORT` in lower case; ValueError otherwise."""
    found = text.strip().lower()
    place = _CONTROL.fullmatch(found)
    if found not in {"on", "off"} and (place is None or int(place[1]) > 65535):  # noqa: PLR2004
        raise ValueError(f"{text!r} is no place for the control API: write on, off or HOST:PORT")
    return found


def whole(number: float) -> float:
    """A number of credits as JSON should show it: an integer where it is one. ValueError for one without end."""
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number of credits")
    return int(number) if number == int(number) else number


def check_port_file(path: Path | None) -> None:
    """ValueError when the port could not be written once the server is up."""
    if path is not None and not os.access(path.parent, os.W_OK):
        raise ValueError(f"--port-file: cannot write in {path.parent}")


def check(settings: Settings, spec: Spec) -> None:
    """ValueError for a choice that cannot have an effect: a host or token that is none, a model not served."""
    if not settings.host.strip():
        raise ValueError("--host: an empty host would mean every address: write 0.0.0.0 for that")
    for text in settings.allow_callbacks_to:
        parse_allowed(text)
    for token in settings.tokens:
        if not _TOKEN.fullmatch(token):
            raise ValueError("--token: has to be of visible ASCII characters, without ~")
    if settings.offline and settings.proxy_port is None:
        raise ValueError("--offline: says what the proxy refuses, and there is none without --proxy-port")
    served = {model for by_model in spec.creates.values() for model in by_model}
    for model in sorted(settings.denied_models - served):
        near = get_close_matches(model, [name for name in served if name], n=1)
        raise ValueError(f"--deny-model: {model!r} is not served{f'; {near[0]} is' if near else ''}")


def environment() -> dict[str, str]:
    """The variables that this process was started with, as a copy."""
    return dict(os.environ)


def ca_folder(settings: Settings) -> Path:
    """Where the certificate authority is kept: as told, else with the user's data. ValueError without a home."""
    if settings.ca_dir is not None:
        return settings.ca_dir
    data = Path(os.environ.get("XDG_DATA_HOME", ""))
    if data.is_absolute():  # the specification of these folders has others ignored
        return data / "evolink-mock"
    try:
        return Path.home() / ".local" / "share" / "evolink-mock"
    except RuntimeError as error:
        raise ValueError("--ca-dir: has to be given, as this user has no home folder") from error


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
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is no TOML: {error}") from error
    tools = content.get("tool", {})
    section = tools.get("evolink-mock", {}) if isinstance(tools, dict) else {}
    if not isinstance(section, dict):
        raise ValueError(f"{path}: tool.evolink-mock is no table")  # noqa: TRY004  (what the caller tells the user)
    found = {}
    for key, value in section.items():
        option = key.replace("-", "_")
        if option not in known:
            near = get_close_matches(option, known, n=1)
            meant = f" (did you mean {near[0].replace('_', '-')}?)" if near else ""
            raise ValueError(f"{path}: [tool.evolink-mock] has no setting {key!r}{meant}")
        found[option] = value
    return found
