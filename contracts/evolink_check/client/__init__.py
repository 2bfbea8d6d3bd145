"""Checks of clients. A client is run in many scenarios, and is judged by its requests and by its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_check.client.callable_check import ClientFaultError, check

__all__ = ["ClientFaultError", "check"]


def __getattr__(name: str) -> Any:
    """Import the check of a callable only when a caller uses it, because the command does not need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from evolink_check.client import callable_check

    return getattr(callable_check, name)
