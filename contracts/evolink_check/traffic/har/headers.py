"""Headers as HAR files record them: a list of pairs, or an object."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHORT_HEADER = 100  # characters of a value
Headers = tuple[tuple[str, str], ...]


class Pair(Struct):
    """A header or a field of a form. Some tools write a value that is not a string."""

    name: str
    value: Any = ""

    @property
    def text(self) -> str:
        """The value as a string. If the value is null, the string is empty."""
        return "" if self.value is None else str(self.value)


RecordedHeaders = list[Pair] | dict[str, Any] | None


def headers_of(recorded: RecordedHeaders) -> Headers:
    """Return the headers of a recorded message without the pseudo-headers of HTTP/2."""
    pairs = _pairs(recorded) if isinstance(recorded, dict) else recorded or ()
    return tuple(_header(pair.name, pair.text) for pair in pairs if not pair.name.startswith(":"))


def header_value(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return the value of the first header called `name`.

    `name` must be in lower case. The names in `headers` may contain capital letters. Returns None if there is no such
    header.
    """
    return next((value for key, value in headers if key.lower() == name), None)


def _header(name: str, value: str) -> tuple[str, str]:
    # Equal pairs are the same object, which saves memory: a file repeats a few headers thousands of times.
    header = name, value
    return _shared_header(header) if len(value) <= _SHORT_HEADER else header


@lru_cache(1_024)
def _shared_header(header: tuple[str, str]) -> tuple[str, str]:
    return header


def _pairs(headers: dict[str, Any]) -> Iterator[Pair]:
    for name, value in headers.items():
        yield from (Pair(name, text) for text in (value if isinstance(value, list) else [value]))
