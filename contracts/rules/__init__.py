"""One pure function a clause: what was observed, read for what keeps it and what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.rules import callbacks, citizen, create, errors, exchange, following, life, links
from contracts.rules import credits as balances

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.judging import Rule

SERVER: Mapping[str, Rule] = {
    **exchange.RULES,
    **errors.RULES,
    **create.RULES,
    **life.RULES,
    **links.RULES,
    **balances.RULES,
    **callbacks.RULES,
}
CLIENT: Mapping[str, Rule] = {**citizen.RULES, **following.RULES}
