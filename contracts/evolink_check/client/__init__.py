"""Any client, taken through the contract and judged by what it sent and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_check.client.callable_check import ClientFaultError, check

__all__ = ["ClientFaultError", "check"]


def __getattr__(name: str) -> Any:
    """The check of a callable, imported when it is first asked for: the command does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from evolink_check.client import callable_check

    return getattr(callable_check, name)
