"""The entry point of the command `evolink-mock`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """Run the command.

    If Ctrl-C interrupts the imports, the process ends without a traceback.
    """
    _replace_closed_streams()
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from evolink_mock.cli.app import main as run

    signal.signal(signal.SIGINT, interrupt)
    run()


def _replace_closed_streams() -> None:
    for name in ("stdout", "stderr"):
        # The stream is None if the shell has closed it, for example with `2>&-`.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (open to the end)
