"""Check clients. A client is a program that uses the API.

A client is run in many scenarios. The requests and the reported result are judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_check.client.callable_check import ClientFaultError, check

__all__ = ["ClientFaultError", "check"]


def __getattr__(name: str) -> Any:
    """Import `callable_check` at its first use."""
    # `evolink-check client` does not need this module.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from evolink_check.client import callable_check

    return getattr(callable_check, name)
