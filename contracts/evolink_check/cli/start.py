"""The entry point of the command `evolink-check`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Run the command. While modules are being imported, Ctrl-C ends the process without a traceback."""
    _replace_closed_streams()
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from evolink_check.cli.app import main as run

    _collect_garbage_less_often()
    signal.signal(signal.SIGINT, interrupt)
    run()


def _collect_garbage_less_often() -> None:
    # A trace has many small objects without cycles. Searching it for cycles at the default rate would take a
    # tenth of the time of a run.
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _replace_closed_streams() -> None:
    for name in ("stdout", "stderr"):
        # Python sets a stream to None if it was closed at the start (`2>&-`).
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (open to the end)
