"""A cache of the OpenAPI documents that this user has read before.

If the cache cannot be read or written, the documents themselves are read.
"""

from __future__ import annotations

import os
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from evolink_spec.corpus.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evolink_spec.models import Json

# Reading a document takes 12 ms, decoding it from the cache 0.2 ms.
_MOST_FILES = 4000
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Document)


class DocumentCache:
    """A cache in a folder, with two files for each document.

    One file contains the operations, the other file contains the JSON tree.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def find(self, key: str) -> Document | None:
        """Return the cached document with this key.

        Returns None if the document is not in the cache.
        """
        data = self._read(f"{key}.json")
        try:
            return None if data is None else _decoder.decode(data)
        except (msgspec.MsgspecError, RecursionError):
            return None

    def tree(self, key: str) -> Json | None:
        """Return the JSON tree of a cached document with all overlays applied.

        Returns None if the tree is not in the cache.
        """
        data = self._read(f"{key}.tree.json")
        try:
            return None if data is None else msgspec.json.decode(data)
        except (msgspec.MsgspecError, RecursionError):
            return None

    def put(self, key: str, document: Document, tree: Json) -> bool:
        """Store a document and its JSON tree. Return False if storing fails."""
        if self._folder is None:
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(f"{key}.tree.json", _encode(tree))
            self._write(f"{key}.json", _encode(document))
        except (OSError, ValueError, RecursionError):
            return False
        return True

    def prune(self) -> None:
        """If the folder contains more than 4000 files, delete the older half of them."""
        if self._folder is None:
            return
        try:
            files = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
            for file in files[: len(files) // 2] if len(files) > _MOST_FILES else ():
                file.unlink(missing_ok=True)
        except OSError:
            return

    def _read(self, name: str) -> bytes | None:
        if self._folder is None:
            return None
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def _write(self, name: str, data: bytes) -> None:
        assert self._folder is not None  # noqa: S101  (`put` has checked it)
        # Renamed when complete, so that another process never reads an incomplete file.
        temporary = self._folder / f"{name}.{os.getpid()}"
        temporary.write_bytes(data)
        temporary.replace(self._folder / name)


def user_cache() -> DocumentCache:
    """Return the cache in the user's cache folder. If the user has no cache folder, nothing is cached."""
    from platformdirs import user_cache_path

    try:
        return DocumentCache(user_cache_path("evolink-mock", appauthor=False) / "documents")
    except RuntimeError:
        return DocumentCache(None)


def key_of(parts: Iterable[bytes]) -> str:
    """Return the key of a document.

    The key is a hash of `parts` and of the source files of this package. `parts` are the contents of the document and
    its overlays.
    """
    digest = sha256(_code())
    for part in parts:
        digest.update(b"%d\n" % len(part))
        digest.update(part)
    return digest.hexdigest()


@cache
def _code() -> bytes:
    digest = sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.*")):
        if file.suffix in {".py", ".yaml"}:
            digest.update(file.read_bytes())
    return digest.digest()
