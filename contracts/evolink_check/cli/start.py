"""The entry point of the command."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Run the command. While it is being imported, Ctrl-C ends the process without a traceback."""
    _replace_closed_streams()
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from evolink_check.cli.app import main as run

    _collect_garbage_less_often()
    signal.signal(signal.SIGINT, interrupt)
    run()


def _collect_garbage_less_often() -> None:
    """Search for cyclic garbage less often, and never among the imported modules.

    A trace is many small objects without cycles: with the defaults of Python, a tenth of a run is this search.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _replace_closed_streams() -> None:
    """Discard the output of a stream that was closed at the start (`2>&-`) and is therefore None in Python."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (open to the end)
