"""Check callback receivers: programs that receive callbacks about tasks.

The checker sends callbacks to a receiver as the API does. The checker judges the responses, the status queries, the
bookings and the logs. A booking is the receiver's entry about a finished task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_check.receiver.app_check import ReceiverFaultError, check

__all__ = ["ReceiverFaultError", "check"]


def __getattr__(name: str) -> Any:
    """Import `app_check` at its first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from evolink_check.receiver import app_check  # not needed by `evolink-check receiver`

    return getattr(app_check, name)
