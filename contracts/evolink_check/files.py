"""Write files completely or not at all, and create temporary folders.

The folders are removed even if a signal ends the process.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STDOUT = Path("-")
_temporary: set[str] = set()


def write(path: Path, content: str | bytes) -> None:
    """Write a file completely or not at all. If the path is `-`, write to standard output.

    Other programs read the previous content until the new content is complete. An existing file keeps its mode, so a
    private file stays private.
    """
    data = content.encode() if isinstance(content, str) else content
    if path == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    elif is_special(path):
        path.write_bytes(data)
    else:
        _replace(path.resolve(), data)


def is_working_directory_deleted() -> bool:
    """Return whether the working directory of this process has been deleted."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def is_special(path: Path) -> bool:
    """Whether the path is a device or a pipe (`/dev/null`, `>(…)`).

    `write` does not replace a device or a pipe.
    """
    return path.exists() and not path.is_file()


def check_writable(path: Path) -> None:
    """Raise ValueError if the file cannot be written.

    Call this function before a check. Then a finished check can save its results.
    """
    if path == STDOUT:
        return
    folder = path.resolve().parent
    if not folder.is_dir():
        raise ValueError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise ValueError(f"{path}: is a folder")
    try:
        if not is_special(path):
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as problem:
        raise ValueError(f"{path}: cannot be written: {problem.strerror}") from problem


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Yield a new folder, which is removed when the `with` block ends.

    If a signal ends the process earlier, `remove_temporary_folders` removes the folder. Raises ValueError if the folder
    cannot be created.
    """
    try:
        temporary = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    except OSError as problem:
        raise ValueError(
            f"cannot create a temporary folder ({problem.strerror}): set TMPDIR to a writable folder"
        ) from problem
    with temporary as folder:
        _temporary.add(folder)
        try:
            yield Path(folder)
        finally:
            _temporary.discard(folder)


def remove_temporary_folders() -> None:
    """Remove the folders of all `temporary_folder` blocks that have not ended yet.

    Call this function in a signal handler that ends the process. The unfinished `with` blocks cannot remove their
    folders then.
    """
    for folder in tuple(_temporary):
        shutil.rmtree(folder, ignore_errors=True)


def _replace(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask()
    temporary = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    try:
        with temporary:
            temporary.write(data)
        Path(temporary.name).chmod(mode)
        Path(temporary.name).replace(path)
    except OSError:
        Path(temporary.name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    # Python can read the umask only by setting it. The value 0 is replaced at once.
    umask = os.umask(0)
    os.umask(umask)
    return umask
