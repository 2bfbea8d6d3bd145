"""A mock server for the EvoLink API. It simulates tasks that progress and then complete or fail, and sends callbacks.

The names that can be imported from this package (such as `MockServer`) are for tests in Python. The module that defines
a name is loaded when the name is first used, so that the server, which uses none of the names, starts faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_mock.testing.account import MockAccount, MockCallbacks
    from evolink_mock.testing.callback_receiver import Received, Receiver
    from evolink_mock.testing.clock import MockClock
    from evolink_mock.testing.control_client import ControlError
    from evolink_mock.testing.mock_server import MockServer
    from evolink_mock.testing.violations import ContractViolationError

_ROOMS = {
    "ContractViolationError": "testing.violations",
    "ControlError": "testing.control_client",
    "MockAccount": "testing.account",
    "MockCallbacks": "testing.account",
    "MockClock": "testing.clock",
    "MockServer": "testing.mock_server",
    "Received": "testing.callback_receiver",
    "Receiver": "testing.callback_receiver",
}

__all__ = [
    "ContractViolationError",
    "ControlError",
    "MockAccount",
    "MockCallbacks",
    "MockClock",
    "MockServer",
    "Received",
    "Receiver",
]


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it. Raises AttributeError for any other name."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    member = globals()[name] = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    return member


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
