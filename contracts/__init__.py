"""Checks the contract: any server, any client, any recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.conformance import Conformance, Exchange

if TYPE_CHECKING:
    from contracts.checking import PROFILES, check_api
    from contracts.judging import Verdict
    from contracts.reaching import CouldNotRun
    from contracts.report import Report
    from contracts.subject import Effort, Failing, Key, Subject

__all__ = [
    "PROFILES",
    "Conformance",
    "CouldNotRun",
    "Effort",
    "Exchange",
    "Failing",
    "Key",
    "Report",
    "Subject",
    "Verdict",
    "check_api",
]
_HOMES = {
    **dict.fromkeys(("PROFILES", "check_api"), "contracts.checking"),
    **dict.fromkeys(("Effort", "Failing", "Key", "Subject"), "contracts.subject"),
    "CouldNotRun": "contracts.reaching",
    "Report": "contracts.report",
    "Verdict": "contracts.judging",
}


def __getattr__(name: str) -> Any:
    """What is heavier than a record is imported when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
