"""The folder in which workers store the counters of their metrics, so that each worker can show the sums."""

from __future__ import annotations

import os
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the only way to pass the folder to prometheus_client


@contextmanager
def shared_metrics(*, is_enabled: bool) -> Iterator[None]:
    """Create the folder for the workers that are started in this block, which then import prometheus_client."""
    if not is_enabled:
        yield
        return
    with TemporaryDirectory(prefix="evolink-mock-metrics-") as folder:
        os.environ[_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[_VARIABLE]
