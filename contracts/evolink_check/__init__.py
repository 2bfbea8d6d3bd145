"""Check servers, clients and recorded traffic against the API's OpenAPI documents and clauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evolink_check.analysis.openapi import Conformance
    from evolink_check.analysis.verdicts import Verdict
    from evolink_check.engine.preflight import CouldNotRunError
    from evolink_check.engine.runner import PROFILES, check_api
    from evolink_check.reports.model import Report
    from evolink_check.settings import Effort, Failing, Key, Subject
    from evolink_check.traffic.trace import Exchange

__all__ = [
    "PROFILES",
    "Conformance",
    "CouldNotRunError",
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
    **dict.fromkeys(("PROFILES", "check_api"), "evolink_check.engine.runner"),
    **dict.fromkeys(("Effort", "Failing", "Key", "Subject"), "evolink_check.settings"),
    "Conformance": "evolink_check.analysis.openapi",
    "CouldNotRunError": "evolink_check.engine.preflight",
    "Exchange": "evolink_check.traffic.trace",
    "Report": "evolink_check.reports.model",
    "Verdict": "evolink_check.analysis.verdicts",
}


def __getattr__(name: str) -> Any:
    """Import the module that defines a public name, such as `check_api`."""
    # Imported at first use, so that `import evolink_check` is fast.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
