"""Plays the contract: a server whose tasks live, fail and call back.

What stands here is for tests in Python. It is imported when it is first asked for: the server, its command
line and a test run that needs none of it start without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.handles import MockAccount, MockCallbacks, MockClock
    from mockserver.mock import MockServer
    from mockserver.receiver import Received, Receiver
    from mockserver.remote import ControlError
    from mockserver.violations import ContractViolation

_ROOMS = {
    "ContractViolation": "violations",
    "ControlError": "remote",
    "MockAccount": "handles",
    "MockCallbacks": "handles",
    "MockClock": "handles",
    "MockServer": "mock",
    "Received": "receiver",
    "Receiver": "receiver",
}

__all__ = [
    "ContractViolation",
    "ControlError",
    "MockAccount",
    "MockCallbacks",
    "MockClock",
    "MockServer",
    "Received",
    "Receiver",
]


def __getattr__(name: str) -> Any:
    """Import a public name from where it is made. AttributeError for any other."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
