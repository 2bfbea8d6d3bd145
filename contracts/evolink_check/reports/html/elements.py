"""HTML and SVG put together from elements, so that no text gets in unescaped. Pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_EMPTY = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})  # elements without an end tag
_LINES = frozenset("\t\n\r")


class Html(str):
    """Text that is markup already, and safe: made here only, and of constants."""

    __slots__ = ()


def el(name: str, /, *children: str, **attributes: str | float | bool | None) -> Html:
    """One element. Children that are no `Html` are escaped, and so are attributes; False and None leave one out.

    An underscore in an attribute's name is a hyphen, and one at its end nothing: `class_`, `stroke_width`.
    """
    told = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{text(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _EMPTY:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Html:
    """Parts one after the other, escaped where they are no markup."""
    return Html("".join(part if isinstance(part, Html) else text(part) for part in parts))


def text(value: str) -> str:
    """A text for a page: escaped, and what no browser should act on (controls, marks of direction) made visible."""
    seen = value if value.isprintable() else "".join(map(_visible, value))
    return escape(seen, quote=True)


def _visible(char: str) -> str:
    if char.isprintable() or char in _LINES:
        return char
    return f"\\u{ord(char):04x}"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
