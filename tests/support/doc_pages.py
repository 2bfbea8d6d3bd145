"""The pages of the documentation, and what a reader would copy from them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.paths import README, ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
PAGES = (README, *sorted(DOCS.glob("*.md")))
DEVELOPMENT = tuple(ROOT / f"{name}.md" for name in ("ARCHITECTURE", "CHANGELOG", "CONTRIBUTING"))
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block. `place` is the page and the line of its first line, for a test's name."""

    page: Path
    place: str
    language: str
    text: str


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(*languages: str) -> list[Block]:
    """The code blocks of all pages in these languages; without any, all."""
    found = [
        Block(page, f"{page.name}:{text[: match.start(2)].count(chr(10)) + 1}", match[1], match[2])
        for page in PAGES
        for text in (text_of(page),)
        for match in _BLOCK.finditer(text)
    ]
    return [block for block in found if not languages or block.language in languages]


def commands(block: Block) -> list[str]:
    """The commands of a shell block: lines joined where they are continued, or within quotes; no comments."""
    found: list[str] = []
    pending = ""
    for line in block.text.splitlines():
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:  # a quote is open
            pending += "\n"
            continue
        if words:
            found.append(pending.strip())
        pending = ""
    assert not pending, f"{block.place}: an unfinished command"
    return found


def prose(text: str) -> str:
    """A page without its code blocks."""
    return _BLOCK.sub("", text)


def anchors(page: Path) -> set[str]:
    """The fragments that lead to a heading of a page."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(text_of(page))):
        slug = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
        assert slug not in found, f"{page.name}: two headings {heading!r}"
        found.add(slug)
    return found


def links(page: Path) -> list[str]:
    """The links of a page that lead to a file of the repository."""
    return _LINK.findall(prose(text_of(page)))
