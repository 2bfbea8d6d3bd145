"""The folder for the metrics of all workers. Each worker can show the sums of all workers."""

from __future__ import annotations

import os
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from evolink_mock.setting_values import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the only way to pass the folder to prometheus_client


@contextmanager
def shared_metrics(*, is_enabled: bool) -> Iterator[None]:
    """Create the folder for the metrics. Remove it at the end of the `with` block.

    The workers must be started in this block. If `is_enabled` is false, no folder is created. Raises `SettingError` if
    the folder cannot be created.
    """
    if not is_enabled:
        yield
        return
    with _temporary_folder() as folder:
        os.environ[_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[_VARIABLE]


def _temporary_folder() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="evolink-mock-metrics-")
    except OSError as error:
        reason = f"cannot create a temporary folder ({error.strerror}): set TMPDIR to a writable folder"
        raise SettingError("metrics", reason) from error
