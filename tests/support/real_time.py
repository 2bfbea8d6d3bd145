"""Tests that measure real time."""

from __future__ import annotations

import pytest

# What such a test waits for comes too late where other tests take the processors; then it is run again, a little later.
NEEDS_A_QUIET_MACHINE = pytest.mark.flaky(reruns=2, reruns_delay=3)
