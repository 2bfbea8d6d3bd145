"""Check clients, which are programs that use the API.

A client is run in many scenarios, and is judged by the requests that it sends and by the result that it reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_check.client.callable_check import ClientFaultError, check

__all__ = ["ClientFaultError", "check"]


def __getattr__(name: str) -> Any:
    """Import `callable_check` only when it is used, because `evolink-check client` does not need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from evolink_check.client import callable_check

    return getattr(callable_check, name)
