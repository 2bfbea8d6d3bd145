"""One pure function a clause: what was observed, read for what keeps it and what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolink_check.rules.clients import polling, requests
from evolink_check.rules.exchanges import create_requests, errors, wire
from evolink_check.rules.tasks import callbacks, lifecycle, result_links
from evolink_check.rules.tasks import credits as balances

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evolink_check.analysis.verdicts import Rule

SERVER: Mapping[str, Rule] = {
    **wire.RULES,
    **errors.RULES,
    **create_requests.RULES,
    **lifecycle.RULES,
    **result_links.RULES,
    **balances.RULES,
    **callbacks.RULES,
}
CLIENT: Mapping[str, Rule] = {**requests.RULES, **polling.RULES}
