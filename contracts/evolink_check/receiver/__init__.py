"""Check callback receivers, which are programs to which the API sends callbacks about tasks.

The checker sends callbacks to a receiver as the API does. A receiver is judged by its responses, its status queries,
its bookings (the entries that it writes about finished tasks, for example in a database) and its logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_check.receiver.app_check import ReceiverFaultError, check

__all__ = ["ReceiverFaultError", "check"]


def __getattr__(name: str) -> Any:
    """Import `app_check` only when it is used, because `evolink-check receiver` does not need it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from evolink_check.receiver import app_check

    return getattr(app_check, name)
