"""`evolink-mock wait`: return once a mock is ready, for scripts that start one in the background."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from evolink_mock.testing.control_client import ControlClient, ControlError

if TYPE_CHECKING:
    from collections.abc import Callable

_PAUSE_SECONDS = 0.1
_ATTEMPT_SECONDS = 5.0


def run(
    url: str,
    seconds: float,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Wait until the mock at `url` delivers callbacks, at most `seconds`. Returns the exit status."""
    last = now() + seconds
    control = ControlClient(url)
    while True:
        try:
            control.request("GET", "/ready", seconds=_ATTEMPT_SECONDS)
        except (ControlError, ConnectionError) as error:
            if now() >= last:
                click.secho(f"evolink-mock: not ready after {seconds:g} s: {error}", err=True, fg="red")
                return 1
            sleep(_PAUSE_SECONDS)
        else:
            return 0
