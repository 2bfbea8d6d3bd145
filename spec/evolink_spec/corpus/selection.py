"""Find the files that a user names by path, folder or glob pattern."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evolink_spec.errors import SpecError, single

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SUFFIXES = {".json", ".md", ".mdx", ".yaml", ".yml"}
_PATTERN = "*?["


@dataclass(frozen=True, slots=True)
class Source:
    """A file and its content."""

    name: str
    data: bytes
    # Whether the user named the file itself. A file from a folder or pattern may be no OpenAPI document.
    is_named: bool


def read_sources(paths: Iterable[Path | str]) -> list[Source]:
    """Read the files that `paths` select.

    A path is a file, a folder or a glob pattern. A folder stands for all documents and Markdown pages below it. Raises
    one `SpecError` for all files that cannot be read.
    """
    sources: dict[str, Source] = {}
    errors: list[SpecError] = []
    for path in paths:
        try:
            for file, is_named in _files(Path(path)):
                if str(file) not in sources:
                    sources[str(file)] = Source(str(file), _read(file), is_named)
        except SpecError as error:
            errors.append(error)
    if errors:
        raise single(errors)
    return list(sources.values())


def _files(path: Path) -> Iterator[tuple[Path, bool]]:
    if path.is_dir():
        yield from _below(path)
    elif any(character in str(path) for character in _PATTERN) and not path.exists():
        matches = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207  (the pattern may be absolute)
        if not matches:
            raise SpecError(str(path), "", "matches no file")
        for match in matches:
            yield from _below(match) if match.is_dir() else ((match, False),)
    else:
        yield path, True


def _below(folder: Path) -> Iterator[tuple[Path, bool]]:
    files = sorted(_walk(folder))
    if not files:
        raise SpecError(str(folder), "", f"has no document: no file ends in {', '.join(sorted(_SUFFIXES))}")
    yield from ((file, False) for file in files)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        # No hidden folders and no `node_modules`.
        folders[:] = [name for name in folders if not name.startswith(".") and name != "node_modules"]
        yield from (Path(parent, name) for name in names if Path(name).suffix in _SUFFIXES)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SpecError(str(path), "", f"cannot be read: {error.strerror}") from error
