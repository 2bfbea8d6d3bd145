"""The entry point of the command."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command. While it is being imported, Ctrl-C ends the process without a traceback."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from evolink_check.cli.app import main as run

    signal.signal(signal.SIGINT, interrupt)
    run()
