"""Check and read the baseline file of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.files import check_writable

if TYPE_CHECKING:
    from pathlib import Path

    from evolink_check.reports.baseline import Baseline


def check_baseline(path: Path | None, *, update: bool) -> None:
    """Raise ValueError if the baseline file cannot be read.

    With `update`, the file may be missing, but must be writable. Call this before a run.
    """
    # A problem after the run could cost the results.
    if update and path is None:
        raise ValueError("--update-baseline requires --baseline FILE")
    if path is None:
        return
    if update:
        check_writable(path)
    if not update or path.is_file():
        read_baseline(path)


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file.

    Raises ValueError if the file is unreadable or invalid. The message names the file.
    """
    from evolink_check.reports import baseline

    try:
        return baseline.read(path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
