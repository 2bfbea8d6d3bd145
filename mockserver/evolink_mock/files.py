"""Write files atomically. Other programs never see a partly written file."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replace_atomically(path: Path, mode: int = 0o600) -> Iterator[Path]:
    """Yield the path of a temporary file. After the block, the temporary file replaces `path`.

    If the block raises an error, `path` is unchanged. During the block, the temporary file is private to its owner.
    After the block, the file has the permissions `mode`. Raises OSError if the file cannot be written.
    """
    from tempfile import mkstemp

    handle, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file completely. If writing fails, `path` is unchanged.

    If `path` is a device or a pipe, the content is written to it. If `path` is a symbolic link, its target is replaced.
    Raises OSError if the file cannot be written.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as special:
            special.write(content)
        return
    path = path.resolve()
    with replace_atomically(path, mode) as temporary:
        temporary.write_bytes(content)
